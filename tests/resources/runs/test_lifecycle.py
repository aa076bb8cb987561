"""The life of a run as functions: what is refused, what changes together, and who wins where two want two things."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from accounts import tokens
from accounts.lib.ids import new_id
from accounts.models import ApiToken, AuditEvent
from accounts.principal import Scope
from resources.jobs.status import FINISHED, JobStatus, Origin
from resources.kinds import Kind
from resources.models import Actor, Build, Dataset, KeyValueStore, Record, RequestQueue, Resource, Run, TaggedBuild
from resources.records import reading, writing
from resources.runs import aborting, charging, deleting, ending, restarting, resurrecting, starting
from resources.runs.cannot_run import CannotRun
from resources.runs.options import InvalidOption, RunOptions
from resources.runs.tokens import RunOver, make_run_token
from tests.support.factories import built, built_actor
from tests.support.run_stage import at_work, ended


@pytest.fixture
def actor(dan) -> Actor:
    return built_actor(dan, is_public=True, default_timeout_secs=60)


@pytest.fixture
def run(actor, ada):
    return starting.start(actor, by=ada.principal)


# Starting


def test_an_anonymous_principal_starts_nothing(actor):
    from accounts.principal import ANONYMOUS

    with pytest.raises(ValueError, match="anonymous"):
        starting.start(actor, by=ANONYMOUS)


@pytest.mark.parametrize(
    ("option", "type_"), [("beta", "unknown-build-tag"), ("0.9.9", "build-not-found"), ("", "unknown-build-tag")]
)
def test_without_a_build_nothing_is_left_behind(actor, ada, option, type_):
    TaggedBuild.objects.all().delete()
    with pytest.raises(CannotRun) as refused:
        starting.start(actor, by=ada.principal, options=RunOptions(build=option or None))
    assert refused.value.type == type_
    assert not Run.objects.exists()
    assert not Resource.objects.filter(owner=ada).exists()


def test_a_build_that_has_not_succeeded_is_not_run(actor, ada, make_resource):
    built(actor, "0.1.2", tag="", status=JobStatus.FAILED)
    with pytest.raises(CannotRun):
        starting.start(actor, by=ada.principal, options=RunOptions(build="0.1.2"))


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"memory_mbytes": 100}, "memory"),
        ({"memory_mbytes": 64}, "memory"),
        ({"memory_mbytes": 65536}, "memory"),
        ({"memory_mbytes": 0}, "memory"),
        ({"timeout_secs": -1}, "timeout"),
        ({"timeout_secs": 2**31}, "timeout"),
        ({"max_items": 0}, "maxItems"),
        ({"max_total_charge_usd": 0.0}, "maxTotalChargeUsd"),
        ({"max_total_charge_usd": float("nan")}, "maxTotalChargeUsd"),
        ({"build": "x" * 41}, "build"),
        ({"build": "a\x00b"}, "build"),
    ],
)
def test_impossible_options_are_refused(actor, ada, options, field):
    with pytest.raises(InvalidOption) as refused:
        starting.start(actor, by=ada.principal, options=RunOptions(**options))
    assert refused.value.field == field
    assert not Run.objects.exists()


def test_input_that_cannot_be_kept_starts_nothing(actor, ada, monkeypatch, settings):
    settings.API_MAX_RECORD_BYTES = 3
    with pytest.raises(writing.TooLarge):
        starting.start(actor, by=ada.principal, input=b"1234", content_type="text/plain")
    assert not Run.objects.exists()
    assert not Record.objects.exists()


def test_a_run_belongs_to_whoever_starts_it(actor, ada, dan):
    run = starting.start(actor, by=ada.principal, input=b'{"a": 1}', content_type="application/json")
    assert (run.owner_id, run.actor_id, run.status) == (ada.pk, actor.pk, JobStatus.READY)
    storages = Resource.objects.filter(run_id=run.pk)
    assert {each.kind for each in storages} == {Kind.DATASET, Kind.KEY_VALUE_STORE, Kind.REQUEST_QUEUE}
    assert {each.owner_id for each in storages} == {ada.pk}
    assert {each.general_access for each in storages} == {"FOLLOW_USER_SETTING"}
    store = KeyValueStore.objects.get(run_id=run.pk)
    record, file = reading.open_current(reading.find(store.pk, "INPUT"))
    with file:
        assert (file.read(), record.content_type) == (b'{"a": 1}', "application/json")
    assert run.input_bytes == 8
    actor.refresh_from_db()
    assert actor.run_count == 1
    assert actor.last_run_at


def test_options_come_from_the_request_the_task_and_the_actor(actor, ada, make_resource):
    task = make_resource(Kind.TASK, ada, actor_id=actor.pk, options='{"memoryMbytes": 512, "timeoutSecs": 30}')
    run = starting.start(actor, by=ada.principal, task=task, options=RunOptions(timeout_secs=10), origin=Origin.WEB)
    assert (run.timeout_secs, run.memory_mbytes, run.build_option) == (10, 512, "latest")
    assert (run.task_id, run.origin, run.build_number) == (task.pk, "WEB", "0.1.1")
    task.refresh_from_db()
    assert task.run_count == 1
    plain = starting.start(actor, by=ada.principal)
    assert (plain.timeout_secs, plain.memory_mbytes) == (60, 1024)


# Ending


@pytest.mark.parametrize("status", sorted(set(JobStatus) - FINISHED))
def test_only_an_end_ends(run, status):
    with pytest.raises(ValueError, match="not the end"):
        ending.finish(run.pk, status)


@pytest.mark.parametrize("status", sorted(FINISHED))
def test_a_run_ends_once(run, status):
    at_work(run)
    assert ending.finish(run.pk, status, exit_code=3)
    before = Run.objects.filter(pk=run.pk).values().get()
    for other in FINISHED:
        assert not ending.finish(run.pk, other, message="late", exit_code=9)
    assert Run.objects.filter(pk=run.pk).values().get() == before
    assert before["status"] == status
    assert before["finished_at"]
    assert before["exit_code"] == 3
    assert before["status_message"]


def test_what_is_not_there_does_not_end(db):
    assert not ending.finish(new_id(), JobStatus.FAILED)


def test_ending_changes_nothing_else(run, actor, ada):
    other = at_work(starting.start(actor, by=ada.principal))
    at_work(run)
    before = Run.objects.filter(pk=run.pk).values().get()
    ended(run)
    after = Run.objects.filter(pk=run.pk).values().get()
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"status", "finished_at", "status_message", "is_status_message_terminal"}
    other.refresh_from_db()
    assert other.status == JobStatus.RUNNING


def test_the_last_message_of_the_run_itself_stays(run):
    at_work(run, status_message="All found", is_status_message_terminal=True)
    assert ended(run).status_message == "All found"


@pytest.mark.parametrize(
    ("status", "exit_code"),
    [(JobStatus.SUCCEEDED, 0), (JobStatus.FAILED, 7), (JobStatus.ABORTED, None), (JobStatus.TIMED_OUT, None)],
)
def test_a_passing_message_stays_as_it_was(run, status, exit_code):
    at_work(run, status_message="3 of 9")
    over = ended(run, status, exit_code=exit_code)
    assert (over.status_message, over.is_status_message_terminal) == ("3 of 9", False)


def test_what_only_the_server_knows_takes_the_place_of_a_passing_message(run):
    at_work(run, status_message="3 of 9")
    over = ended(run, JobStatus.FAILED, message="The Actor ran out of memory.")
    assert (over.status_message, over.is_status_message_terminal) == ("The Actor ran out of memory.", True)


def test_a_run_without_a_message_is_given_one(run):
    over = ended(at_work(run), JobStatus.FAILED, exit_code=7)
    assert (over.status_message, over.is_status_message_terminal) == ("Actor run failed with exit code 7", True)


def test_the_token_ends_with_the_run(run, ada):
    text = make_run_token(at_work(run))
    assert tokens.resolve(text).account_id == ada.pk
    ended(run)
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)
    with pytest.raises(RunOver):
        make_run_token(run)


def test_when_ending_fails_the_token_still_speaks(run, ada):
    text = make_run_token(at_work(run))
    with transaction.atomic():
        assert ending.finish(run.pk, JobStatus.SUCCEEDED)
        transaction.set_rollback(True)
    assert tokens.resolve(text).account_id == ada.pk


def test_a_run_has_one_token(run, token_of, ada):
    mine = token_of(ada)
    first, second = make_run_token(at_work(run)), make_run_token(run)
    assert first == second
    assert tokens.resolve(second).account_id == ada.pk
    ended(run)
    assert tokens.resolve(mine).account_id == ada.pk
    assert ApiToken.objects.filter(account=ada).count() == 1


def test_a_token_of_a_person_is_no_runs_to_end(run, token_of, ada):
    mine = token_of(ada)
    Run.objects.filter(pk=run.pk).update(token_id=ApiToken.objects.get(account=ada).pk)
    ended(run)
    assert tokens.resolve(mine).account_id == ada.pk


# Aborting


def test_what_no_worker_has_begun_is_aborted_at_once(run, ada):
    assert aborting.abort(run, gracefully=True, by=ada.principal)
    assert (run.status, run.status_message) == (JobStatus.ABORTED, "Actor run was aborted")
    assert AuditEvent.objects.filter(action="run.aborted", subject_id=run.pk).exists()


def test_what_is_at_work_is_given_time_and_then_none(run, ada):
    at_work(run)
    assert aborting.abort(run, gracefully=True, by=ada.principal)
    assert run.status == JobStatus.ABORTING
    grace = run.graceful_until
    assert grace > timezone.now()
    assert not aborting.abort(run, gracefully=True, by=ada.principal) or run.graceful_until <= grace
    assert aborting.abort(run, gracefully=False, by=ada.principal)
    assert run.graceful_until <= timezone.now()
    assert not aborting.abort(run, gracefully=True, by=ada.principal)
    assert run.graceful_until <= timezone.now()


@pytest.mark.parametrize("status", [JobStatus.TIMING_OUT, *sorted(FINISHED)])
def test_what_is_ending_is_not_aborted(run, ada, status):
    at_work(run, status)
    assert not aborting.abort(run, gracefully=False, by=ada.principal)
    assert run.status == status
    assert not AuditEvent.objects.filter(action="run.aborted").exists()


# Resurrecting


@pytest.mark.parametrize("status", sorted(set(JobStatus) - FINISHED))
def test_what_lives_is_not_resurrected(run, ada, status):
    at_work(run, status)
    with pytest.raises(resurrecting.NotFinished):
        resurrecting.resurrect(run, RunOptions(), by=ada.principal)
    run.refresh_from_db()
    assert run.status == status


def test_a_run_is_resurrected_once_at_a_time(run, ada):
    ended(at_work(run))
    seen_before = Run.objects.get(pk=run.pk)
    resurrecting.resurrect(run, RunOptions(), by=ada.principal)
    ended(run)
    with pytest.raises(resurrecting.NotFinished):
        resurrecting.resurrect(seen_before, RunOptions(), by=ada.principal)


def test_a_resurrected_run_goes_on_with_what_it_had(run, actor, ada, make_resource):
    built(actor, "0.1.2")
    ended(at_work(run), JobStatus.FAILED, exit_code=1)
    resurrecting.resurrect(run, RunOptions(timeout_secs=5), by=ada.principal)
    assert (run.status, run.exit_code, run.finished_at, run.status_message) == ("READY", None, None, "")
    assert (run.build_number, run.timeout_secs, run.memory_mbytes) == ("0.1.1", 5, 1024)
    assert run.resurrect_count == 1
    ended(at_work(run))
    resurrecting.resurrect(run, RunOptions(build="latest"), by=ada.principal)
    assert run.build_number == "0.1.2"


def test_what_has_no_build_any_more_is_not_resurrected(run, ada):
    ended(at_work(run))
    Build.objects.all().delete()
    run.refresh_from_db()
    with pytest.raises(CannotRun):
        resurrecting.resurrect(run, RunOptions(), by=ada.principal)


# Rebooting and metamorphs


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.RUNNING}))
def test_what_does_not_run_is_not_restarted(run, actor, ada, status):
    at_work(run, status)
    with pytest.raises(restarting.NotRunning):
        restarting.reboot(run, by=ada.principal)
    with pytest.raises(restarting.NotRunning):
        restarting.metamorph(run, actor, by=ada.principal, input=b"{}")
    run.refresh_from_db()
    assert (run.restart_requested, run.reboot_count, run.metamorphs) == (False, 0, [])
    assert not Record.objects.exists()


def test_a_reboot_is_asked_of_the_worker(run, ada):
    restarting.reboot(at_work(run), by=ada.principal)
    assert (run.status, run.restart_requested, run.reboot_count) == (JobStatus.RUNNING, True, 1)


def test_a_metamorph_goes_on_as_another_actor(run, actor, ada, dan, make_resource):
    target = make_resource(Kind.ACTOR, dan, name="finder", is_public=True)
    build = built(target, "1.0.1")
    restarting.metamorph(at_work(run), target, by=ada.principal, input=b"{}", content_type="application/json")
    assert (run.actor_id, run.build_id, run.restart_requested) == (actor.pk, build.pk, True)
    assert run.metamorphs[0]["actorId"] == target.pk
    assert restarting.get_input_key(run) == "INPUT-METAMORPH-1"
    assert reading.find(KeyValueStore.objects.get(run_id=run.pk).pk, "INPUT-METAMORPH-1")
    restarting.metamorph(run, target, by=ada.principal)
    assert restarting.get_input_key(run) == "INPUT-METAMORPH-1"
    for _ in range(restarting.MAX_METAMORPHS - 2):
        restarting.metamorph(run, target, by=ada.principal)
    with pytest.raises(restarting.TooManyMetamorphs):
        restarting.metamorph(run, target, by=ada.principal)


def test_another_build_takes_a_metamorph_back(run, actor, ada, dan, make_resource):
    target = make_resource(Kind.ACTOR, dan, name="finder", is_public=True)
    built(target, "1.0.1")
    restarting.metamorph(at_work(run), target, by=ada.principal, input=b"{}", content_type="application/json")
    ended(run)
    resurrecting.resurrect(run, RunOptions(), by=ada.principal)
    assert (run.build_number, len(run.metamorphs)) == ("1.0.1", 1)
    ended(at_work(run))
    resurrecting.resurrect(run, RunOptions(build="latest"), by=ada.principal)
    assert (run.build_number, run.metamorphs) == ("0.1.1", [])
    assert restarting.get_input_key(run) == "INPUT"


def test_a_metamorph_needs_a_build(run, ada, dan, make_resource):
    at_work(run)
    with pytest.raises(CannotRun):
        restarting.metamorph(run, make_resource(Kind.ACTOR, dan, name="empty"), by=ada.principal, input=b"{}")


# Charging


@pytest.mark.parametrize(
    ("name", "count", "key", "field"),
    [
        ("", 1, "", "eventName"),
        ("a b", 1, "", "eventName"),
        ("x", 0, "", "count"),
        ("x", 2**40, "", "count"),
        ("x", 1, "k\x00", "idempotency-key"),
        ("x", 1, "k" * 201, "idempotency-key"),
    ],
)
def test_charges_that_cannot_be(run, name, count, key, field):
    with pytest.raises(charging.CannotCharge) as refused:
        charging.charge(run, name, count, idempotency_key=key)
    assert refused.value.field == field


def test_a_charge_with_a_key_counts_once(run):
    at_work(run, event_prices={"page": 0.1, "other": 0.1})
    assert charging.charge(run, "page", 2, idempotency_key="a")
    assert not charging.charge(run, "page", 2, idempotency_key="a")
    assert charging.charge(run, "page", 3, idempotency_key="b")
    assert charging.charge(run, "other", 1)
    run.refresh_from_db()
    assert run.charged_events == {"page": 5, "other": 1}
    ended(run)
    with pytest.raises(charging.CannotCharge):
        charging.charge(run, "page", 1)


# Deleting


@pytest.mark.parametrize("status", sorted(set(JobStatus) - FINISHED))
def test_what_lives_is_not_deleted(run, ada, status):
    at_work(run, status)
    with pytest.raises(deleting.NotFinished):
        deleting.delete(run, by=ada.principal)
    assert Run.objects.filter(pk=run.pk).exists()


def test_a_run_goes_with_all_that_it_has(actor, ada, commits):
    run = starting.start(actor, by=ada.principal, input=b"{}")
    store = KeyValueStore.objects.get(run_id=run.pk)
    from resources.datasets.writing import push
    from resources.logs.writing import append_line
    from resources.models import LogPiece
    from resources.records import discarding, files

    push(Dataset.objects.get(run_id=run.pk).pk, b'{"a": 1}')
    append_line(run.pk, "hello")
    file = Record.objects.get(store=store).file
    assert files.storage().exists(file)
    ended(at_work(run))
    assert deleting.delete(run, by=ada.principal)
    list(discarding.delete_waited(timezone.now() + timedelta(days=1)))  # files wait some hours for a backup
    assert not files.storage().exists(file)
    for model in (Run, Dataset, KeyValueStore, RequestQueue, Record, LogPiece):
        assert not model.objects.exists()
    assert not Resource.objects.filter(owner=ada).exists()
    assert not deleting.delete(run, by=ada.principal)
    assert AuditEvent.objects.filter(action="resource.deleted", subject_id=run.pk).exists()


def test_tokens_of_runs_are_none_that_a_person_manages(run, ada, signed_in):
    make_run_token(at_work(run))
    run.refresh_from_db()
    assert f"Run {run.pk}" not in signed_in(ada).get("/settings/integrations").text
    assert signed_in(ada).post(f"/settings/integrations/{run.token_id}/revoke").status_code == 404
    assert ApiToken.objects.filter(pk=run.token_id).exists()


# Scopes


def scoped(account, *entries):
    return replace(account.principal, scope=Scope.from_json([*entries]))


WIDE = {"kind": "dataset", "permissions": ["READ", "WRITE"], "resourceId": None}
NARROW = {"kind": "dataset", "permissions": ["READ"], "resourceId": "d" * 17}


@pytest.mark.parametrize(
    ("at_first", "later", "left"),
    [
        ([], [], None),
        ([WIDE], [], [WIDE]),
        ([], [NARROW], [NARROW]),
        ([WIDE], [NARROW], [NARROW]),
        ([NARROW], [WIDE], [NARROW]),
        ([NARROW], [{**WIDE, "kind": "run"}], []),
        ([NARROW], [{**NARROW, "resourceId": "e" * 17}], []),
        ([{**WIDE, "permissions": ["WRITE"]}], [NARROW], [NARROW]),
    ],
)
@pytest.mark.parametrize("way", ["metamorph", "resurrect"])
def test_a_run_never_gets_further_than_any_token_that_had_a_say_in_it(actor, ada, at_first, later, left, way):
    run = starting.start(actor, by=scoped(ada, *at_first) if at_first else ada.principal)
    by = scoped(ada, *later) if later else ada.principal
    if way == "metamorph":
        restarting.metamorph(at_work(run), actor, by=by)
    else:
        resurrecting.resurrect(ended(run), RunOptions(), by=by)
    assert run.token_scope == left
