"""The Python client, unchanged, with runs: started, waited for, followed, and everything else that it does with them.

A thread stands in for the worker: it takes what is ready, writes and logs something, and lets it end.
"""

import logging
from decimal import Decimal
from logging.handlers import QueueHandler
from queue import SimpleQueue

import pytest
from apify_client.errors import ApifyApiError

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs import following
from resources.logs.writing import append
from resources.models import Actor, Run
from tests.support.counting_actor import counting
from tests.support.factories import built, built_actor, make_resource
from tests.support.paid_actor import paid_actor
from tests.support.run_stage import at_work, ended, worker


@pytest.fixture
def actor(cast) -> Actor:
    return paid_actor(cast["ben"], {"page": 0.1}, name="counter")


@pytest.fixture
def client(cast, client_of):
    return client_of(cast["ada"])


def test_call_waits_and_follows_the_log(client, actor, caplog):
    with worker(counting):
        run = client.actor("ben~counter").call(run_input={"a": 1})
    assert run.status == "SUCCEEDED"
    assert run.exit_code == 0
    assert run.act_id == actor.pk
    assert client.dataset(run.default_dataset_id).list_items().items == [{"n": 1}, {"n": 2}]
    assert client.key_value_store(run.default_key_value_store_id).get_record("INPUT")["value"] == {"a": 1}
    assert "counting" in client.log(run.id).get()


def test_call_of_a_task_and_wait_for_finish(client, actor, cast):
    task = make_resource(Kind.TASK, cast["ada"], name="mine", actor_id=actor.pk, input='{"b": 2}')
    started = client.task(task.pk).start()
    assert started.status == "READY"
    with worker(counting):
        run = client.run(started.id).wait_for_finish()
        called = client.task(task.pk).call()
    assert (run.status, called.status) == ("SUCCEEDED", "SUCCEEDED")
    assert client.task(task.pk).last_run().get().id == called.id
    assert client.task(task.pk).runs().list().total == 2


def test_the_life_of_a_run(client, actor, cast):
    finder = built_actor(cast["ben"], name="finder", is_public=True, number="1.0.1")
    started = client.actor(actor.pk).start(run_input={"a": 1})
    run = client.run(started.id)
    assert run.get().id == started.id
    assert run.update(status_message="Going", is_status_message_terminal=False).status_message == "Going"
    at_work(started.id)
    assert run.reboot().stats.reboot_count == 1
    assert run.metamorph(target_actor_id=finder.pk, run_input={"q": 1}).build_id
    run.charge(event_name="page", count=2)
    assert run.get().charged_event_counts == {"page": 2}
    assert run.abort(gracefully=True).status == "ABORTING"
    ended(started.id, JobStatus.ABORTED)
    built(actor, "0.1.2")
    assert run.resurrect(build="0.1.2").status == "READY"
    assert run.abort().status == "ABORTED"
    run.delete()
    assert run.get() is None


def test_last_run_with_filters(client, actor):
    first = client.actor(actor.pk).start()
    at_work(first.id)
    counting(Run.objects.get(pk=first.id))
    ended(first.id)
    second = client.actor(actor.pk).start()
    assert client.actor(actor.pk).last_run().get().id == second.id
    last = client.actor(actor.pk).last_run(status="SUCCEEDED", origin="API")
    assert last.get().id == first.id
    assert last.dataset().list_items().items == [{"n": 1}, {"n": 2}]
    assert last.key_value_store().get_record("OUTPUT")["value"] == {"sum": 3}
    assert last.request_queue().get().id == first.default_request_queue_id
    assert "counting" in last.log().get()
    assert client.actor(actor.pk).last_run(status="FAILED").get() is None


def test_lists(client, actor, cast, client_of):
    ids = [client.actor(actor.pk).start().id for _ in range(3)]
    ended(ids[0])
    assert [run.id for run in client.runs().list().items] == ids
    assert [run.id for run in client.runs().list(desc=True, limit=1).items] == ids[-1:]
    assert [run.id for run in client.runs().list(status="SUCCEEDED").items] == ids[:1]
    assert [run.id for run in client.runs().list(status=["SUCCEEDED", "READY"]).items] == ids
    assert client.actor(actor.pk).runs().list().total == 3
    assert client_of(cast["cleo"]).runs().list().items == []


def test_a_log_is_streamed_while_the_run_goes_on(client, actor):
    started = client.actor(actor.pk).start()

    def slowly(run: Run) -> None:
        for number in range(3):
            append(run.pk, f"2026-01-01T00:00:00.000Z line {number}\n".encode())

    with worker(slowly), client.run(started.id).log().stream() as stream:
        text = stream.read().decode()
    assert text.endswith("line 0\n2026-01-01T00:00:00.000Z line 1\n2026-01-01T00:00:00.000Z line 2\n")


def test_refusals(client_of, cast, actor, client):
    cast["ada"].general_access = "RESTRICTED"
    cast["ada"].save()
    started = client.actor(actor.pk).start()
    for refused in (client_of(), client_of(cast["cleo"])):
        for call in (refused.run(started.id).get, refused.run(started.id).abort, refused.log(started.id).get):
            with pytest.raises(ApifyApiError):
                call()
    assert Run.objects.get(pk=started.id, kind=Kind.RUN).status == JobStatus.READY


def test_log_redirection_survives_what_is_no_utf8(client, actor, monkeypatch):
    """The client decodes what has come so far, strictly, in a thread of its own."""
    line = "žluťoučký kůň".encode()
    monkeypatch.setattr(following, "PORTION", len(line) + 40)

    def printing(run: Run) -> None:
        for text in (b"M\xfcller", b"\xe2\x82", line, line, line):
            append(run.pk, b"2026-01-01T00:00:00.000Z " + text + b"\n")

    said: SimpleQueue[logging.LogRecord] = SimpleQueue()
    logger = logging.getLogger("of-printing")
    logger.setLevel(logging.DEBUG)
    monkeypatch.setattr(logger, "handlers", [QueueHandler(said)])
    started = client.actor("ben~counter").start()
    with client.run(started.id).get_streamed_log(to_logger=logger), worker(printing):
        found = [said.get(timeout=30).getMessage().partition(" ")[2] for _ in range(5)]
    assert found == ["M\ufffdller", "\ufffd", *["žluťoučký kůň"] * 3]


def test_what_has_finished_says_so_in_the_words_that_clients_look_for(client, actor):
    started = client.actor(actor.pk).start()
    at_work(started.id)
    run = client.run(started.id)
    run.update(status_message="3 of 9")
    ended(started.id)
    over = run.get()
    assert (over.status_message, over.is_status_message_terminal) == ("3 of 9", None)
    for call in (
        run.reboot,
        lambda: run.metamorph(target_actor_id=actor.pk),
        lambda: run.charge(event_name="page", count=1),
    ):
        with pytest.raises(ApifyApiError, match="already finished"):
            call()


def test_every_figure_of_a_run_is_a_number(client, actor):
    stats = client.run(client.actor(actor.pk).start().id).get().stats
    figures = stats.model_dump()
    assert {name for name, figure in figures.items() if figure is None} == set()


def test_a_run_is_charged_up_to_the_most_that_it_may_be(client, cast):
    actor = paid_actor(cast["ben"], {"page": 0.25, "apify-actor-start": 0.01, "apify-default-dataset-item": 0.1})
    started = client.actor(actor.pk).start(max_total_charge_usd=Decimal(1), memory_mbytes=2048)
    run = client.run(started.id)
    at_work(started.id)
    run.charge("page", count=2, idempotency_key="once")
    run.charge("page", count=2, idempotency_key="once")
    run.dataset().push_items([{"n": 1}])
    counts = {"apify-actor-start": 2, "page": 2, "apify-default-dataset-item": 1}
    assert run.get().charged_event_counts == counts
    run.charge("page", count=9)
    over = run.get()
    assert (over.status, over.charged_event_counts) == ("ABORTING", counts | {"page": 3})
    assert over.pricing_info.pricing_model == "PAY_PER_EVENT"
