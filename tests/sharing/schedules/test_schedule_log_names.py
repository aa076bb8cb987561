"""The log of a schedule names Actors and tasks to those who may know the names, in the console, API and e-mails."""

from datetime import UTC, datetime
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from resources.kinds import Kind
from resources.models import Actor, Run, Schedule, ScheduleInvocation, TaggedBuild
from resources.schedules import editing
from resources.schedules.actions import RunActor, RunActorTask
from resources.schedules.editing import ScheduleChange
from resources.tasks import editing as tasks
from resources.tasks.editing import TaskChange
from sharing import grants
from sharing.schedules.firing import fire_due
from tests.support.factories import built_actor

NOON = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@pytest.fixture
def actor(dan, ada, give):
    """Dan's private Actor, which ada may run."""
    actor = built_actor(dan, name="takeover-watch", default_memory_mbytes=256)
    give(actor, ada, "RUN")
    return actor


@pytest.fixture
def task(ada, actor):
    return tasks.create(ada.pk, actor, TaskChange(name="rival-prices"), by=ada.principal)


@pytest.fixture
def fired(ada, ben, actor, task, give):
    """Ada's schedule, which ben may read, after it has fired: it starts an Actor and a task."""
    change = ScheduleChange(
        cron_expression="* * * * *",
        is_enabled=True,
        actions=(RunActor(actor_id=actor.pk), RunActorTask(actor_task_id=task.pk)),
    )
    schedule = editing.create(ada.pk, change, by=ada.principal)
    give(schedule, ben)
    fire(schedule)
    return schedule


def fire(schedule, **fields) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(next_at=NOON, is_enabled=True, **fields)
    fire_due(NOON)


def in_api(api, account, schedule) -> list[str]:
    return [line["message"] for line in api(account).get(f"/v2/schedules/{schedule.pk}/log").json()["data"]]


def on_page(signed_in, account, schedule) -> list[str]:
    lines = signed_in(account).get(f"{schedule.console_path}/log").context["lines"]
    return [f"{line.before}{line.run_id}{line.after}" for line in lines][::-1]


@pytest.fixture
def both(api, signed_in):
    """Return what a reader reads in the log, once it is the same in the API and on the page."""

    def read(account, schedule) -> list[str]:
        said = in_api(api, account, schedule)
        assert on_page(signed_in, account, schedule) == said
        return [unescape(each) for each in said]

    return read


def ids_of_runs() -> list[str]:
    return [Run.objects.get(task=None).pk, Run.objects.exclude(task=None).get().pk]


def test_only_who_may_read_a_thing_reads_its_name(both, fired, ada, ben, actor, task, give):
    first, second = ids_of_runs()
    assert both(ada, fired) == [
        f"Started the run {first} of the Actor dan/takeover-watch.",
        f"Started the run {second} of the task rival-prices.",
    ]
    assert both(ben, fired) == [f"Started the run {first} of an Actor.", f"Started the run {second} of a task."]

    give(task, ben)

    assert both(ben, fired)[1] == f"Started the run {second} of the task ada/rival-prices."


def test_a_name_goes_with_the_access_and_a_new_name_comes(both, fired, ada, dan, actor, task):
    grants.revoke(actor, ada, by=dan.principal)
    tasks.update(task, TaskChange(name="prices"), by=ada.principal)
    first, second = ids_of_runs()
    assert both(ada, fired) == [
        f"Started the run {first} of an Actor.",
        f"Started the run {second} of the task prices.",
    ]
    tasks.delete(task, by=ada.principal)
    assert both(ada, fired)[1] == f"Started the run {second} of a task."


def test_what_goes_on_and_what_failed_is_named_alike(both, fired, ada, ben, dan, actor, commits, mailoutbox):
    fire(fired, is_exclusive=True)
    first, second = ids_of_runs()
    assert both(ada, fired)[2:] == [
        f"Not started, because the previous run {first} goes on: the Actor dan/takeover-watch.",
        f"Not started, because the previous run {second} goes on: the task rival-prices.",
    ]
    assert both(ben, fired)[2:] == [
        f"Not started, because the previous run {first} goes on: an Actor.",
        f"Not started, because the previous run {second} goes on: a task.",
    ]
    TaggedBuild.objects.all().delete()
    fire(fired, is_exclusive=False)
    why = 'was not started: The Actor has no build "latest" that has succeeded. Build the Actor first.'
    of_ada = [f"The Actor dan/takeover-watch {why}", f"The task rival-prices {why}"]
    assert both(ada, fired)[4:] == of_ada
    assert both(ben, fired)[4:] == [f"An Actor {why}", f"A task {why}"]
    assert all(each in unescape(mailoutbox[0].body) for each in of_ada)
    grants.revoke(actor, ada, by=dan.principal)
    fire(fired)
    lost = both(ada, fired)[6:]
    assert [each.partition(" was ")[0] for each in lost] == ["An Actor", "The task rival-prices"]
    assert not any(actor.pk in each or "takeover" in each for each in lost)


def test_a_scoped_token_reads_the_names_in_its_scope(client, fired, ada, actor, task):
    scope = [
        {"kind": each.kind, "resourceId": each.pk, "permissions": ["READ"]} for each in (Schedule.objects.get(), task)
    ]
    token = tokens.create(ada, "log", by=ada.principal, scope=scope)[1]
    headers = {"authorization": f"Bearer {token}"}
    lines = client.get(f"/v2/schedules/{fired.pk}/log", headers=headers).json()["data"]
    first, second = ids_of_runs()
    assert [line["message"] for line in lines] == [
        f"Started the run {first} of an Actor.",
        f"Started the run {second} of the task rival-prices.",
    ]


def test_braces_in_what_an_actor_says_are_no_names(both, fired, ada, ben):
    ScheduleInvocation.objects.filter(schedule=fired).delete()
    known = {"target_kind": Kind.ACTOR, "target_id": Actor.objects.get().pk}
    text = "{target} was not started: Field input.{target} is required."
    ScheduleInvocation.objects.create(schedule=fired, message=text, **known)
    ScheduleInvocation.objects.create(schedule=fired, message="Nothing was started: {target}.")
    assert both(ben, fired) == [
        "An Actor was not started: Field input.{target} is required.",
        "Nothing was started: {target}.",
    ]


def test_naming_the_things_of_a_long_log_takes_as_many_statements_as_of_a_short_one(api, fired, ben):
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            in_api(api, ben, fired)
        counts.append(len(queries))
        fire(fired)
    assert counts[0] == counts[1]
