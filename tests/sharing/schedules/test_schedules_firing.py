"""Schedules as they fire: once each, by many workers, across restarts, and with the access of that moment."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DataError, OperationalError, connection
from django.utils import timezone

from resources.jobs.status import JobStatus, Origin
from resources.models import Build, BuildContent, Record, Run, Schedule, ScheduleInvocation, TaggedBuild
from resources.records import reading
from resources.runs import ending, starting
from resources.runs.saved_options import SavedOptions
from resources.schedules import editing
from resources.schedules.actions import RunActor, RunActorTask, RunInput, dump_actions
from resources.schedules.editing import ScheduleChange
from resources.tasks import editing as tasks
from resources.tasks.editing import TaskChange
from sharing import grants
from sharing.schedules import firing
from sharing.schedules.firing import fire_due
from sharing.schedules.schedule_log import readable_lines
from tests.support.factories import built_actor

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def actor(dan):
    """Dan's public Actor, which has been built."""
    return built_actor(dan, name="finder", is_public=True, default_memory_mbytes=256)


@pytest.fixture
def task(ada, actor):
    change = TaskChange(name="prices", input='{"shop": 1, "all": false}', options=SavedOptions(memory_mbytes=512))
    return tasks.create(ada.pk, actor, change, by=ada.principal)


@pytest.fixture
def make_schedule(ada, actor):
    """Make a schedule of ada's, every minute, that is due at noon."""

    def make(*actions, owner=ada, **fields) -> Schedule:
        change = ScheduleChange(
            cron_expression="* * * * *",
            is_enabled=True,
            actions=actions or (RunActor(actor_id=actor.pk),),
            **fields,
        )
        schedule = editing.create(owner.pk, change, by=owner.principal)
        Schedule.objects.filter(pk=schedule.pk).update(next_at=NOON)
        return schedule

    return make


def log(schedule) -> list[tuple[str, str]]:
    """Return the levels and messages of the log, as the owner of the schedule reads them."""
    return [(line.level, line.message) for line in readable_lines(editing.load_log(schedule), schedule.owner.principal)]


# What does not start


def test_what_is_not_due_or_not_enabled(make_schedule, ada):
    schedule = make_schedule()
    assert fire_due(NOON - timedelta(microseconds=1)) == 0
    editing.update(schedule, ScheduleChange(is_enabled=False), by=ada.principal)
    assert fire_due(NOON + timedelta(days=1)) == 0
    assert not Run.objects.exists()
    assert Schedule.objects.get().next_at is None


def test_an_actor_that_is_not_public_any_more(make_schedule, actor, ada, commits, mailoutbox):
    schedule = make_schedule()
    actor.is_public = False
    actor.save()
    assert fire_due(NOON) == 1
    assert not Run.objects.exists()
    (level, message) = log(schedule)[0]
    assert level == "ERROR"
    assert message.startswith("An Actor was not started: ")  # what it is called is not hers to know any more
    assert actor.pk not in message
    (email,) = mailoutbox
    assert email.to == [ada.email]
    assert message in email.body
    assert schedule.console_url in email.body


def test_a_grant_that_was_taken_away(make_schedule, actor, dan, ada, give):
    actor.is_public = False
    actor.save()
    give(actor, ada, "RUN")
    schedule = make_schedule()
    assert fire_due(NOON) == 1
    assert Run.objects.count() == 1
    grants.revoke(actor, ada, by=dan.principal)
    assert fire_due(NOON + MINUTE) == 1
    assert Run.objects.count() == 1
    give(actor, ada, "READ")
    assert fire_due(NOON + 2 * MINUTE) == 1
    assert Run.objects.count() == 1
    assert [level for level, _ in log(schedule)] == ["INFO", "ERROR", "ERROR"]


def test_a_task_that_is_not_shared_any_more_or_whose_actor_is_not(make_schedule, task, actor, ben, ada, give):
    give(task, ben)
    schedule = make_schedule(RunActorTask(actor_task_id=task.pk), owner=ben)
    assert fire_due(NOON) == 1
    assert Run.objects.get().owner_id == ben.pk
    actor.is_public = False
    actor.save()
    fire_due(NOON + MINUTE)
    actor.is_public = True
    actor.save()
    grants.revoke(task, ben, by=ada.principal)
    fire_due(NOON + 2 * MINUTE)
    tasks.delete(task, by=ada.principal)
    fire_due(NOON + 3 * MINUTE)
    assert [level for level, _ in log(schedule)] == ["INFO", "ERROR", "ERROR", "ERROR"]
    assert Run.objects.count() == 1


def test_an_account_that_is_closed(make_schedule, ada, commits, mailoutbox):
    schedule = make_schedule()
    ada.is_active = False
    ada.save()
    assert fire_due(NOON) == 1
    assert not Run.objects.exists()
    assert "not active" in log(schedule)[0][1]
    assert mailoutbox == []


def test_an_actor_without_a_build(make_schedule, actor):
    schedule = make_schedule()
    TaggedBuild.objects.all().delete()
    fire_due(NOON)
    assert log(schedule)[0][0] == "ERROR"
    assert "latest" in log(schedule)[0][1]


NO_URL = "was not started: Input is not valid: Field input.url is required."


@pytest.fixture
def schema(actor):
    """What the Actor's build asks of an input."""
    schema = {"properties": {"url": {"type": "string"}, "all": {"type": "boolean"}}, "required": ["url"]}
    return BuildContent.objects.create(build=Build.objects.get(), input_schema=json.dumps(schema))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (None, NO_URL),
        (RunInput(body="{}", content_type="application/json"), NO_URL),
        (RunInput(body='{"all": 1, "url": "x"}'), "Field input.all must be true or false."),
        (RunInput(body="[]"), "The input must be an object."),
        (RunInput(body="no JSON"), "It is not valid JSON"),
        (RunInput(body=f'{{"url": {"[" * 100_000}{"]" * 100_000}}}'), "It is not valid JSON"),
    ],
)
def test_an_input_that_the_actors_schema_refuses(make_schedule, actor, schema, ada, given, why, commits, mailoutbox):
    schedule = make_schedule(RunActor(actor_id=actor.pk, run_input=given))
    assert fire_due(NOON) == 1
    assert not Run.objects.exists()
    ((level, message),) = log(schedule)
    assert level == "ERROR"
    assert message.startswith("The Actor dan/finder was not started: Input is not valid: ")
    assert why in message
    assert [email.to for email in mailoutbox] == [[ada.email]]
    schedule.refresh_from_db()
    assert schedule.next_at == NOON + MINUTE


def test_a_tasks_input_that_the_actors_schema_refuses(make_schedule, task, schema):
    better = RunActorTask(actor_task_id=task.pk, input={"url": "x"})
    worse = RunActorTask(actor_task_id=task.pk, input={"url": "x", "all": 5})
    schedule = make_schedule(RunActorTask(actor_task_id=task.pk), worse, better)
    assert fire_due(NOON) == 1
    assert [level for level, _ in log(schedule)] == ["ERROR", "ERROR", "INFO"]
    assert log(schedule)[0][1] == f"The task prices {NO_URL}"
    assert Run.objects.get().input_bytes == len('{"shop":1,"all":false,"url":"x"}')


def test_names_of_fields_that_no_database_keeps_end_no_firing(make_schedule, actor, schema):
    schema.input_schema = json.dumps({"properties": {}, "required": ["a\x00b", "c" * 100_000]})
    schema.save()
    schedule = make_schedule()
    assert fire_due(NOON) == 1
    ((level, message),) = log(schedule)
    assert level == "ERROR"
    assert "Field input.a\ufffdb is required." in message
    assert len(message) < 2000


def test_an_input_without_a_schema_or_of_another_type_is_the_actors_own_business(make_schedule, actor, schema):
    make_schedule(RunActor(actor_id=actor.pk, run_input=RunInput(body="a,b", content_type="text/csv")))
    fire_due(NOON)
    schema.delete()
    make_schedule(RunActor(actor_id=actor.pk, run_input=RunInput(body="no JSON")))
    fire_due(NOON)
    assert Run.objects.count() == 2


def test_one_that_cannot_start_does_not_keep_the_others_from_it(make_schedule, actor, monkeypatch):
    schedule = make_schedule(
        RunActor(actor_id="0" * 17),
        RunActor(actor_id=actor.pk, run_options=SavedOptions(build="beta")),
        RunActor(actor_id=actor.pk),
    )
    assert fire_due(NOON) == 1
    assert [level for level, _ in log(schedule)] == ["ERROR", "ERROR", "INFO"]
    assert Run.objects.count() == 1


def test_a_trouble_that_nobody_thought_of_is_not_repeated_for_ever(make_schedule, monkeypatch):
    def explode(*_, **__):
        raise OSError("No space left on device: /secret/path")

    monkeypatch.setattr(starting, "start", explode)
    schedule = make_schedule()
    assert fire_due(NOON) == 1
    assert fire_due(NOON) == 0
    assert log(schedule)[0][0] == "ERROR"
    assert "secret" not in log(schedule)[0][1]


@pytest.mark.parametrize("content_type", ["text/plain\x00", "text/plain\nX: y"])
def test_a_type_of_an_input_that_was_saved_before_it_was_checked(make_schedule, actor, content_type):
    """PostgreSQL keeps no NUL, and no header has a line break."""
    bad = make_schedule()
    action = RunActor(actor_id=actor.pk, run_input=RunInput(body="{}", content_type=content_type))
    Schedule.objects.filter(pk=bad.pk).update(actions=dump_actions([action]))
    assert fire_due(NOON) == 1
    assert not Run.objects.exists()
    ((level, message),) = log(bad)
    assert level == "ERROR"
    assert "content type" in message
    assert Schedule.objects.get().next_at == NOON + MINUTE


def test_what_the_database_refuses_of_one_is_not_repeated_for_ever(make_schedule, monkeypatch):
    def refuse(*_, **__):
        raise DataError("a NUL")

    monkeypatch.setattr(starting, "start", refuse)
    schedule = make_schedule()
    assert [fire_due(NOON), fire_due(NOON)] == [1, 0]
    assert log(schedule) == [("ERROR", "The Actor dan/finder was not started: an internal error.")]


def test_one_that_cannot_be_tried_at_all_stops_no_other(make_schedule, monkeypatch):
    monkeypatch.setattr(firing, "AT_ONCE", 1)
    bad, good = make_schedule(), make_schedule()
    Schedule.objects.filter(pk=bad.pk).update(actions="no JSON", next_at=NOON - MINUTE)
    assert [fire_due(NOON) for _ in range(3)] == [1, 1, 0]
    assert log(bad) == [("ERROR", "Nothing was started: an internal error.")]
    assert Run.objects.get().schedule_id == good.pk
    assert set(Schedule.objects.values_list("next_at", "is_enabled")) == {(NOON + MINUTE, True)}


def test_a_database_that_cannot_now_is_asked_again(make_schedule, monkeypatch):
    def refuse(*_, **__):
        raise OperationalError("database is locked")

    schedule = make_schedule()
    with monkeypatch.context() as busy:
        busy.setattr(starting, "start", refuse)
        assert fire_due(NOON) == 0
    assert log(schedule) == []
    assert fire_due(NOON) == 1
    assert Run.objects.count() == 1


def test_an_email_comes_when_it_begins_to_fail_and_then_once_a_day(make_schedule, actor, commits, mailoutbox):
    make_schedule()
    actor.is_public = False
    actor.save()
    for minute in range(5):
        fire_due(NOON + minute * MINUTE)
    assert len(mailoutbox) == 2
    actor.is_public = True
    actor.save()
    fire_due(NOON + 5 * MINUTE)
    actor.is_public = False
    actor.save()
    fire_due(NOON + 6 * MINUTE)
    assert len(mailoutbox) == 3


def test_no_email_for_who_wants_none(make_schedule, actor, commits, mailoutbox):
    make_schedule(notify_by_email=False)
    actor.is_public = False
    actor.save()
    fire_due(NOON)
    assert mailoutbox == []


def test_an_exclusive_schedule_waits_for_its_own_run(make_schedule, actor, ada, task):
    schedule = make_schedule(is_exclusive=True)
    starting.start(actor, by=ada.principal)  # a run of hers that is not the schedule's
    fire_due(NOON)
    first = Run.objects.get(schedule_id=schedule.pk)
    for status in ("READY", "RUNNING", "ABORTING", "TIMING-OUT"):
        Run.objects.filter(pk=first.pk).update(status=status)
        Schedule.objects.update(next_at=NOON)
        assert fire_due(NOON) == 1
    assert Run.objects.filter(schedule_id=schedule.pk).count() == 1
    assert log(schedule)[-1][0] == "WARNING"
    assert first.pk in log(schedule)[-1][1]
    ending.finish(first.pk, JobStatus.FAILED)
    fire_due(NOON + MINUTE)
    assert Run.objects.filter(schedule_id=schedule.pk).count() == 2


# What does


def test_a_run_of_a_schedule(make_schedule, actor, ada):
    given = RunInput(body='{"a": 1}', content_type="application/json")
    schedule = make_schedule(
        RunActor(actor_id=actor.pk, run_input=given, run_options=SavedOptions(timeout_secs=7, max_items=3))
    )
    assert fire_due(NOON + timedelta(seconds=2)) == 1
    run = Run.objects.get()
    assert (run.owner_id, run.actor_id, run.task_id) == (ada.pk, actor.pk, None)
    assert (run.origin, run.schedule_id, run.scheduled_at) == (Origin.SCHEDULER, schedule.pk, NOON)
    assert (run.timeout_secs, run.max_items, run.memory_mbytes, run.status) == (7, 3, 256, "READY")
    with reading.open_record(Record.objects.get(store__run=run, key="INPUT")) as stored:
        assert stored.read() == b'{"a": 1}'
    schedule.refresh_from_db()
    assert (schedule.next_at, schedule.last_at) == (NOON + MINUTE, NOON + timedelta(seconds=2))
    assert log(schedule) == [("INFO", f"Started the run {run.pk} of the Actor dan/finder.")]


def test_a_run_of_a_task_with_some_of_its_input(make_schedule, task, actor):
    make_schedule(RunActorTask(actor_task_id=task.pk, input={"all": True}), RunActorTask(actor_task_id=task.pk))
    fire_due(NOON)
    assert set(Run.objects.values_list("task_id", "actor_id", "memory_mbytes")) == {(task.pk, actor.pk, 512)}
    sizes = {'{"shop":1,"all":true}', task.input}
    assert set(Run.objects.values_list("input_bytes", flat=True)) == {len(each) for each in sizes}


def test_what_was_missed_is_fired_once(make_schedule):
    schedule = make_schedule()
    back = NOON + timedelta(hours=5, seconds=30)
    assert [fire_due(back) for _ in range(3)] == [1, 0, 0]
    assert Run.objects.count() == 1
    schedule.refresh_from_db()
    assert schedule.next_at == NOON + timedelta(hours=5) + MINUTE
    assert Run.objects.get().scheduled_at == NOON


def test_a_worker_that_dies_over_it_leaves_it_to_another(make_schedule, monkeypatch):
    schedule = make_schedule()

    def die(*_):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(firing, "_prune", die)
        with pytest.raises(SystemExit):
            fire_due(NOON)
    schedule.refresh_from_db()
    assert schedule.next_at == NOON
    assert not Run.objects.exists()
    assert log(schedule) == []
    assert fire_due(NOON) == 1
    assert Run.objects.count() == 1


def test_times_that_changed_meanwhile_count(make_schedule, ada):
    schedule = make_schedule()
    editing.update(schedule, ScheduleChange(cron_expression="0 0 1 1 *"), by=ada.principal)
    assert fire_due(NOON) == 0
    assert not Run.objects.exists()
    assert Schedule.objects.get().next_at > timezone.now()


def test_through_a_change_of_the_clock_it_fires_once_a_day(make_schedule, ada):
    schedule = make_schedule()
    Schedule.objects.update(cron_expression="30 2 * * *", timezone="Europe/Prague", next_at="2026-10-25T00:30Z")
    moment = datetime(2026, 10, 25, tzinfo=UTC)
    fired = [moment + minute * MINUTE for minute in range(26 * 60) if fire_due(moment + minute * MINUTE)]
    assert [f"{each:%d %H:%M}" for each in fired] == ["25 00:30", "26 01:30"]
    assert Run.objects.filter(schedule_id=schedule.pk).count() == 2


def test_the_log_keeps_the_last_lines(make_schedule, monkeypatch):
    monkeypatch.setattr(firing, "MAX_LOG", 3)
    schedule = make_schedule()
    for minute in range(5):
        fire_due(NOON + minute * MINUTE)
    kept = [line.message for line in ScheduleInvocation.objects.order_by("pk")]
    runs = list(Run.objects.order_by("scheduled_at").values_list("pk", flat=True))
    assert [message.split()[3] for message in kept] == runs[-3:]
    assert len(log(schedule)) == 3


def test_the_worker_does_it(settings, make_schedule):
    from resources.worker.maintenance import Chores, urgent_chores

    schedule = make_schedule()
    Chores(urgent_chores("w1")).do_what_is_due(0.0)
    assert Run.objects.filter(schedule_id=schedule.pk).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_fires_each_time(transactional_db, make_schedule):
    """Several processes look at ten schedules at each of five minutes."""
    schedules = [make_schedule() for _ in range(10)]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    name = str(connection.settings_dict["NAME"])
    command = [sys.executable, "-m", "tests.support.schedule_worker", name, NOON.isoformat(), "5"]
    workers = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    done = [worker.communicate(timeout=120) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0, 0], [error for _, error in done]
    assert sum(int(out) for out, _ in done) == Run.objects.count() == 50
    for schedule in schedules:
        times = list(
            Run.objects.filter(schedule_id=schedule.pk).order_by("scheduled_at").values_list("scheduled_at", flat=True)
        )
        assert times == [NOON + minute * MINUTE for minute in range(5)]
