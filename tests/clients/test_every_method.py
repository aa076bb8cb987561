"""Every public method of the Python client, synchronous and asynchronous, but for those of the storages.

The details are held by the tests for each kind of resource; here the clients themselves are asked which methods they
have, so none can be left out, and what each answers with is looked at once.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from logging.handlers import QueueHandler
from queue import SimpleQueue
from typing import Any

import pytest
from apify_client import _resource_clients as of
from apify_client._status_message_watcher import StatusMessageWatcherBase
from apify_client.errors import ApifyApiError, InvalidRequestError, UnauthorizedError

from resources.jobs.status import JobStatus
from resources.models import ScheduleInvocation
from tests.clients.either import answered_by, answers_for, other_classes
from tests.support.counting_actor import counting
from tests.support.factories import built, built_actor
from tests.support.paid_actor import paid_actor
from tests.support.run_stage import at_work, ended, worker

FILES = [{"name": "main.py", "format": "TEXT", "content": "print(1)"}]
VERSION = {"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": FILES, "buildTag": "latest"}
SECONDS = timedelta(seconds=5)


def ids(items) -> list[str]:
    return [each.id for each in items]


def refused(status: int, type_: str):
    """Expect that the server refuses what the block asks for."""
    return pytest.raises(ApifyApiError, check=lambda error: (error.status_code, error.type) == (status, type_))


@contextmanager
def logged() -> Iterator[tuple[logging.Logger, Callable[[], str]]]:
    """Make a logger, and what waits for the next line that is written to it."""
    lines: SimpleQueue[logging.LogRecord] = SimpleQueue()
    logger, handler = logging.getLogger("of-a-run"), QueueHandler(lines)
    logger.setLevel(logging.DEBUG)
    logger.addHandler(handler)
    try:
        yield logger, lambda: lines.get(timeout=30).getMessage()
    finally:
        logger.removeHandler(handler)


def test_the_scenarios_answer_for_every_class_but_those_of_storages():
    assert answered_by(globals().values()) == sorted(other_classes())


def test_what_is_left_out_or_never_read_is_missed(clients, cast):
    @answers_for(of.DatasetCollectionClient)
    def scenario(clients, account):
        datasets = clients.of(account).datasets()
        datasets.get_or_create()
        datasets.iterate()

    with pytest.raises(AssertionError, match=r"\('DatasetCollectionClient', 'iterate'\), .*'list'\)\]"):
        scenario(clients, account=cast["ada"])


@answers_for(of.ActorClient, of.ActorCollectionClient)
def test_actors(clients, cast, builder):
    ada = clients.of(cast["ada"])
    made = ada.actors().create(name="prices", title="Prices", versions=[VERSION])
    assert (made.name, made.title, made.username, made.is_public) == ("prices", "Prices", "ada", False)
    assert (ada.actors().list(my=True).total, ids(ada.actors().iterate(desc=True))) == (1, [made.id])
    actor = ada.actor("ada/prices")
    assert actor.get() == made
    assert actor.update(default_run_memory_mbytes=256).default_run_options.memory_mbytes == 256
    with refused(404, "record-not-found"):
        clients.of(cast["cleo"]).actor(made.id).update(title="mine")
    assert actor.version("0.1").get().build_tag == "latest"
    assert actor.versions().list().total == 1
    with refused(400, "unknown-build-tag"):
        actor.start()

    built = actor.build(version_number="0.1", wait_for_finish=5)
    assert (built.status, built.build_number) == ("SUCCEEDED", "0.1.1")
    assert actor.default_build().get().id == built.id
    assert ids(actor.builds().list().items) == [built.id]
    assert actor.validate_input({"url": "https://example.com"}) is True
    with pytest.raises(InvalidRequestError, match="url is required"):
        actor.validate_input({}, build="latest")
    with pytest.raises(InvalidRequestError, match="url is required"):
        actor.start()  # the client sends null then

    hook = {"event_types": ["ACTOR.RUN.SUCCEEDED"], "request_url": "https://example.com/hook"}
    started = actor.start(
        run_input={"url": "https://example.com"},
        build="latest",
        max_items=5,
        max_total_charge_usd=Decimal("1.5"),
        memory_mbytes=512,
        run_timeout=timedelta(minutes=1),
        restart_on_error=True,
        webhooks=[hook],
    )
    assert (started.status, started.build_number) == ("READY", "0.1.1")
    assert started.options.model_dump(exclude={"disk_mbytes"}) == {
        "build": "latest",
        "max_items": 5,
        "max_total_charge_usd": 1.5,
        "memory_mbytes": 512,
        "timeout_secs": 60,
        "restartOnError": True,
    }
    assert ids(actor.runs().list().items) == [started.id]
    assert actor.last_run(status="READY", origin="API").get().id == started.id
    with worker(counting):
        called = actor.call(run_input={"url": "https://example.org"}, logger=None)
    assert (called.status, called.exit_code) == ("SUCCEEDED", 0)
    assert actor.webhooks().list().total == 0  # that of one run is not the Actor's
    actor.delete()
    assert actor.get() is None


@answers_for(
    of.ActorVersionClient, of.ActorVersionCollectionClient, of.ActorEnvVarClient, of.ActorEnvVarCollectionClient
)
def test_versions_and_variables(clients, cast):
    actor = clients.of(cast["ada"]).actor(clients.of(cast["ada"]).actors().create(name="prices").id)
    made = actor.versions().create(
        version_number="0.1", build_tag="beta", source_type="SOURCE_FILES", source_files=FILES
    )
    assert (made.version_number, made.build_tag, made.source_files[0].content) == ("0.1", "beta", "print(1)")
    actor.versions().create(version_number="0.2", source_type="SOURCE_FILES", source_files=FILES)
    assert actor.versions().list().total == 2
    assert [each.version_number for each in actor.versions().iterate()] == ["0.1", "0.2"]
    version = actor.version("0.1")
    assert version.get() == made
    assert version.update(build_tag="latest").build_tag == "latest"

    secret = version.env_vars().create(name="PASSWORD", value="hunter2", is_secret=True)
    assert (secret.name, secret.value, secret.is_secret) == ("PASSWORD", None, True)
    version.env_vars().create(name="LEVEL", value="debug")
    assert version.env_vars().list().total == 2
    assert [each.name for each in version.env_vars().iterate()] == ["LEVEL", "PASSWORD"]
    variable = version.env_var("LEVEL")
    assert variable.update(name="LEVEL", value="info").value == "info"
    assert variable.get().value == "info"
    variable.delete()
    assert variable.get() is None

    version.delete()
    assert version.get() is None
    with refused(400, "too-few-versions"):
        actor.version("0.2").delete()


@answers_for(of.BuildClient, of.BuildCollectionClient)
def test_builds(clients, cast, builder):
    ada = clients.of(cast["ada"])
    actor = ada.actor(ada.actors().create(name="prices", versions=[VERSION]).id)
    first, second = (ada.build(actor.build(version_number="0.1").id) for _ in range(2))
    assert first.abort().status == "ABORTED"
    finished = second.wait_for_finish(wait_duration=SECONDS)
    assert (finished.status, finished.act_version.version_number) == ("SUCCEEDED", "0.1")
    assert second.get() == finished
    assert second.log().get() == "2026-01-01T00:00:00.000Z building\n"
    assert second.get_open_api_definition()["info"]["version"] == "0.1.2"
    for collection in (ada.builds(), actor.builds()):
        assert ids(collection.list(desc=True).items) == [finished.id, first.resource_id]
        assert ids(collection.iterate(limit=1)) == [first.resource_id]
    with refused(400, "deleting-default-build"):
        second.delete()
    first.delete()
    assert first.get() is None


@answers_for(of.RunClient, of.RunCollectionClient)
def test_runs(clients, cast, builder, monkeypatch):
    actor = paid_actor(cast["ben"], {"page": 0.1}, name="counter")
    ada = clients.of(cast["ada"])
    run = ada.run(ada.actor("ben/counter").start(run_input={"a": 1}).id)
    id_ = run.resource_id
    with worker(counting):
        assert list(run.iterate_dataset_items(chunk_size=1, poll_interval=SECONDS)) == [{"n": 1}, {"n": 2}]
    assert run.wait_for_finish().status == "SUCCEEDED"
    assert run.dataset().get().item_count == 2
    assert run.key_value_store().get_record("OUTPUT")["value"] == {"sum": 3}
    assert run.request_queue().get().id == run.get().default_request_queue_id
    assert run.log().get() == "2026-01-01T00:00:00.000Z counting\n"
    assert ids(ada.runs().list(status=["SUCCEEDED"], desc=True).items) == [id_]
    assert ids(ada.runs().iterate(started_after=datetime(2026, 1, 1, tzinfo=UTC))) == [id_]
    assert ids(ada.runs().iterate(started_before=datetime(2026, 1, 1, tzinfo=UTC))) == []
    follow_a_run(run, monkeypatch)

    build = built(actor, "0.1.2")
    revived = run.resurrect(build="0.1.2", memory_mbytes=512, run_timeout=timedelta(minutes=1))
    assert (revived.status, revived.build_id, revived.options.memory_mbytes) == ("READY", build.pk, 512)
    at_work(id_)
    assert run.reboot().stats.reboot_count == 1
    finder = built_actor(cast["ben"], name="finder", is_public=True, number="1.0.1")
    turned = run.metamorph(target_actor_id="ben/finder", target_actor_build="latest", run_input={"q": 1})
    assert (turned.act_id, turned.metamorphs[0].actor_id, turned.build_number) == (actor.pk, finder.pk, "1.0.1")
    run.charge("page", count=2, idempotency_key="once")
    run.charge("page", count=2, idempotency_key="once")
    assert run.get().charged_event_counts == {"page": 2}
    assert run.abort(gracefully=True).status == "ABORTING"
    ended(id_, JobStatus.ABORTED)
    run.delete()
    assert run.get() is None


def follow_a_run(run: Any, monkeypatch) -> None:
    """Have the log of a run that has ended, and its status message, written to loggers of one's own."""
    changed = run.update(status_message="All counted", is_status_message_terminal=True, general_access="RESTRICTED")
    assert (changed.status_message, changed.general_access) == ("All counted", "RESTRICTED")
    with logged() as (logger, next_line), run.get_streamed_log(to_logger=logger):
        assert next_line() == "2026-01-01T00:00:00.000Z counting"
    monkeypatch.setattr(StatusMessageWatcherBase, "_final_sleep_time_s", 0)
    with logged() as (logger, next_line), run.get_status_message_watcher(to_logger=logger):
        assert next_line() == "Status: SUCCEEDED, Message: All counted"


@answers_for(of.LogClient)
def test_logs(clients, cast):
    built_actor(cast["ben"], is_public=True)
    ada = clients.of(cast["ada"])
    started = ada.actor("ben~counter").start()
    for log in (ada.log(started.id), ada.run(started.id).log()):
        with worker(counting), log.stream(raw=True) as response:
            assert clients.read(response) == b"2026-01-01T00:00:00.000Z counting\n"
        assert log.get() == "2026-01-01T00:00:00.000Z counting\n"
        assert log.get_as_bytes(raw=True) == b"2026-01-01T00:00:00.000Z counting\n"
    nothing = ada.log("x" * 17)
    assert (nothing.get(), nothing.get_as_bytes()) == (None, None)
    with nothing.stream() as response:
        assert response is None


@answers_for(of.TaskClient, of.TaskCollectionClient)
def test_tasks(clients, cast, builder):
    actor = built_actor(cast["ben"], is_public=True)
    ada = clients.of(cast["ada"])
    made = ada.tasks().create(actor_id=actor.pk, name="prices", task_input={"shop": 1}, memory_mbytes=256)
    assert (made.name, made.act_id, made.options.memory_mbytes) == ("prices", actor.pk, 256)
    assert ids(ada.tasks().list(desc=True).items) == ids(ada.tasks().iterate()) == [made.id]
    task = ada.task("ada/prices")
    assert task.get().id == made.id
    assert task.update(title="Prices", max_items=3).options.max_items == 3
    assert task.get_input() == {"shop": 1}
    assert task.update_input(task_input={"all": True}) == {"shop": 1, "all": True}
    with refused(400, "invalid-value"):
        task.publish()  # no task is ever public here
    assert task.unpublish().is_public is False

    started = task.start(task_input={"shop": 2}, memory_mbytes=512)
    assert (started.status, started.actor_task_id, started.options.memory_mbytes) == ("READY", made.id, 512)
    with worker(counting):
        assert task.call(wait_duration=SECONDS).status == "SUCCEEDED"
    assert task.runs().list().total == 2
    last = task.last_run(status="SUCCEEDED")
    assert last.get().options.memory_mbytes == 256
    assert last.key_value_store().get_record("INPUT")["value"] == {"shop": 1, "all": True}
    assert task.webhooks().list().total == 0
    assert clients.of(cast["cleo"]).task(made.id).get() is None
    task.delete()
    assert task.get() is None


@answers_for(of.ScheduleClient, of.ScheduleCollectionClient)
def test_schedules(clients, cast):
    actor = built_actor(cast["ben"], is_public=True)
    ada = clients.of(cast["ada"])
    made = ada.schedules().create(
        cron_expression="@hourly",
        is_enabled=True,
        is_exclusive=False,
        name="hourly",
        timezone="Europe/Prague",
        actions=[{"type": "RUN_ACTOR", "actorId": actor.pk}],
    )
    assert (made.name, made.timezone, made.actions[0].actor_id) == ("hourly", "Europe/Prague", actor.pk)
    assert made.next_run_at > datetime.now(UTC)
    assert ids(ada.schedules().list().items) == ids(ada.schedules().iterate(desc=True)) == [made.id]
    schedule = ada.schedule(made.id)
    assert schedule.get().cron_expression == "@hourly"
    off = schedule.update(is_enabled=False, description="Off")
    assert (off.is_enabled, off.next_run_at, off.description) == (False, None, "Off")
    ScheduleInvocation.objects.create(schedule_id=made.id, message="Started.")
    assert [line.message for line in schedule.get_log()] == ["Started."]
    assert clients.of(cast["cleo"]).schedule(made.id).get() is None
    schedule.delete()
    assert schedule.get() is None


@answers_for(of.WebhookClient, of.WebhookCollectionClient, of.WebhookDispatchClient, of.WebhookDispatchCollectionClient)
def test_webhooks(clients, cast):
    actor = built_actor(cast["ada"])
    ada, cleo = clients.of(cast["ada"]), clients.of(cast["cleo"])
    made = ada.webhooks().create(
        event_types=["ACTOR.RUN.SUCCEEDED"],
        request_url="https://example.com/hook",
        actor_id=actor.pk,
        headers_template='{"X-From": "Latchkey"}',
    )
    assert (made.condition.actor_id, made.headers_template) == (actor.pk, '{"X-From": "Latchkey"}')
    for collection in (ada.webhooks(), ada.actor(actor.pk).webhooks()):
        assert ids(collection.list().items) == ids(collection.iterate(desc=True)) == [made.id]
    webhook = ada.webhook(made.id)
    assert webhook.get().id == made.id
    changed = webhook.update(description="Mine", event_types=["ACTOR.RUN.FAILED"])
    assert (changed.description, changed.event_types) == ("Mine", ["ACTOR.RUN.FAILED"])

    tried = webhook.test()
    assert (tried.event_type, tried.status, tried.webhook_id) == ("TEST", "ACTIVE", made.id)
    assert ada.webhook_dispatch(tried.id).get().webhook_id == made.id
    for dispatches in (webhook.dispatches(), ada.webhook_dispatches()):
        assert ids(dispatches.list().items) == ids(dispatches.iterate(limit=5)) == [tried.id]
    assert (cleo.webhook(made.id).get(), cleo.webhook_dispatch(tried.id).get()) == (None, None)
    webhook.delete()
    assert webhook.get() is None


@answers_for(of.StoreCollectionClient)
def test_store(clients, cast):
    for number in range(3):
        built_actor(cast["ben"], name=f"public-{number}", is_public=True)
    built_actor(cast["ben"], name="private")
    store = clients.of().store()
    page = store.list(search="public", sort_by="newest", username="ben", limit=2, include_unrunnable_actors=True)
    assert (page.total, [each.name for each in page.items]) == (3, ["public-2", "public-1"])
    assert {each.name for each in store.iterate(chunk_size=2)} == {"public-0", "public-1", "public-2"}


@answers_for(of.UserClient)
def test_users(clients, cast):
    me = clients.of(cast["ada"]).user()
    assert (me.get().username, me.get().email) == ("ada", "ada@example.com")
    assert "@example.com" not in clients.of().user("ada").get().model_dump_json()
    built_actor(cast["ada"])
    assert me.limits().current.actor_count == 1
    assert me.monthly_usage().monthly_service_usage == {}
    me.update_limits()
    with refused(400, "invalid-value"):
        me.update_limits(max_monthly_usage_usd=5)
    with pytest.raises(UnauthorizedError):
        clients.of().user().limits()
