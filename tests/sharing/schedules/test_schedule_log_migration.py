"""The migration that takes the names of Actors and tasks out of the lines of schedules' logs."""

import json

import pytest

from accounts.models import Account
from resources.models import ScheduleInvocation
from sharing.schedules.schedule_log import readable_lines

BEFORE, AFTER, LATEST = "0023_permission_levels_that_exist", "0024_targets_of_schedule_logs", ""
GONE = "0" * 17
NO_BUILD = 'was not started: The Actor has no build "latest" that has succeeded. Build the Actor first.'


@pytest.fixture
def old(migrate):
    """A schedule of ada's from before, with one line of each kind; dan owns the private Actor that it starts."""
    model = migrate("resources", BEFORE).get_model
    ada, dan = (
        model("accounts", "Account").objects.create(username=name, email=f"{name}@example.com")
        for name in ("ada", "dan")
    )
    actor = model("resources", "Actor").objects.create(owner=dan, kind="actor", name="finder")
    task = model("resources", "Task").objects.create(owner=ada, kind="task", name="prices", actor=actor)
    run = model("resources", "Run").objects.create
    first, second = run(owner=ada, kind="run", actor=actor), run(owner=ada, kind="run", actor=actor, task=task)
    actions = [
        {"type": "RUN_ACTOR", "id": "a", "actorId": actor.pk},
        {"type": "RUN_ACTOR_TASK", "id": "b", "actorTaskId": task.pk},
    ]
    schedule = model("resources", "Schedule").objects.create(owner=ada, kind="schedule", actions=json.dumps(actions))
    lines = [
        f"Started the run {first.pk} of the Actor called-otherwise.",
        f"Started the run {second.pk} of the task prices.",
        f"Not started, because the previous run {first.pk} goes on: Actor finder.",
        f"Started the run {GONE} of the Actor finder.",
        f"The task prices {NO_BUILD}",
        f"The Actor {actor.pk} was not started: its owner may not run it. Actor was not found.",
        f"The Actor secret-name {NO_BUILD}",
        f"Started the run {GONE} of the task secret-name.",
        "Nothing was started: an internal error.",
        "There is nothing to start: the schedule has no actions.",
    ]
    for message in lines:
        model("resources", "ScheduleInvocation").objects.create(schedule=schedule, message=message)
    return lines, first.pk, second.pk, actor.pk


def read_by(username: str) -> list[str]:
    principal = Account.objects.get(username=username).principal
    return [line.message for line in readable_lines(ScheduleInvocation.objects.order_by("pk"), principal)]


def test_old_lines_name_what_their_reader_may_read_and_nothing_else(migrate, old):
    _, first, second, _ = old
    migrate("resources", AFTER)
    migrate("resources", LATEST)
    assert read_by("ada") == [
        f"Started the run {first} of an Actor.",
        f"Started the run {second} of the task prices.",
        f"Not started, because the previous run {first} goes on: an Actor.",
        f"Started the run {GONE} of an Actor.",
        f"The task prices {NO_BUILD}",
        "An Actor was not started: its owner may not run it. Actor was not found.",
        f"An Actor {NO_BUILD}",
        f"Started the run {GONE} of a task.",
        "Nothing was started: an internal error.",
        "There is nothing to start: the schedule has no actions.",
    ]
    assert read_by("dan")[:6] == [
        f"Started the run {first} of the Actor finder.",
        f"Started the run {second} of a task.",
        f"Not started, because the previous run {first} goes on: the Actor finder.",
        f"Started the run {GONE} of the Actor finder.",
        f"A task {NO_BUILD}",
        "The Actor finder was not started: its owner may not run it. Actor was not found.",
    ]


def test_no_name_is_lost_and_the_way_back_gives_the_names_of_now(migrate, old):
    lines, _, _, actor = old
    migrate("resources", AFTER)
    names = ScheduleInvocation.objects.exclude(old_target_name=None).values_list("old_target_name", flat=True)
    assert list(names) == ["secret-name", "secret-name"]

    model = migrate("resources", BEFORE).get_model

    back = list(model("resources", "ScheduleInvocation").objects.order_by("pk").values_list("message", flat=True))
    now = [line.replace("called-otherwise", "finder").replace(f"Actor {actor}", "Actor finder") for line in lines]
    assert back == now


def test_a_long_log_is_read_some_lines_at_a_time(migrate, old):
    model = migrate("resources", BEFORE).get_model
    schedule = model("resources", "Schedule").objects.get()
    lines = model("resources", "ScheduleInvocation").objects
    lines.bulk_create(lines.model(schedule=schedule, message=f"The task prices {NO_BUILD}") for _ in range(1200))
    migrate("resources", AFTER)
    assert ScheduleInvocation.objects.filter(message=f"{{target}} {NO_BUILD}", target_kind="task").count() == 1201
    assert not ScheduleInvocation.objects.filter(message__contains="The task").exists()
