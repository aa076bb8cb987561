"""The migration that begins to tally runs counts those that were there before it."""

from typing import Any

import pytest
from django.apps.registry import Apps
from django.db import connection
from django.db.models import Count, Sum

pytestmark = pytest.mark.django_db(transaction=True)

BEFORE, AFTER = "0009_jobs_from_before_workers", "0010_run_tally"
RUNS = ("list_owner", "list_actor", "list_task", "status")
TALLY = ("owner", "actor", "task", "status")


def make_runs(apps: Apps) -> None:
    """Make runs of two accounts and two Actors, with and without a task, in three states, some alike and some not."""
    account = apps.get_model("accounts", "Account")
    actor, task, run = (apps.get_model("resources", name) for name in ("Actor", "Task", "Run"))
    ada, ben = (account.objects.create(username=name, email=f"{name}@example.com") for name in ("ada", "ben"))
    first, second = (actor.objects.create(owner=ada, kind="actor", name=name) for name in ("first", "second"))
    daily = task.objects.create(owner=ben, kind="task", name="daily", actor=first)
    wanted: list[tuple[Any, Any, Any, str, int]] = [
        (ada, first, None, "SUCCEEDED", 3),
        (ada, first, None, "FAILED", 1),
        (ada, second, None, "SUCCEEDED", 2),
        (ben, first, None, "SUCCEEDED", 1),
        (ben, first, daily, "SUCCEEDED", 4),
        (ben, first, daily, "READY", 1),
    ]
    for owner, of, by, status, count in wanted:
        names = {"list_owner": owner.pk, "list_actor": of.pk, "list_task": by.pk if by else ""}
        for _ in range(count):
            run.objects.create(owner=owner, kind="run", actor=of, task=by, status=status, **names)


def counted(apps: Apps) -> dict[tuple[str, ...], int]:
    rows = apps.get_model("resources", "Run").objects.order_by().values_list(*RUNS).annotate(number=Count("pk"))
    return {tuple(group): number for *group, number in rows}


def tallied(apps: Apps) -> dict[tuple[str, ...], int]:
    counts = apps.get_model("resources", "RunTally")  # type: ignore[misc]  # of then
    rows = counts.objects.values_list(*TALLY).annotate(number=Sum("runs"))
    return {tuple(group): number for *group, number in rows if number}


def test_the_runs_from_before_are_tallied_and_so_are_those_that_follow(migrate):
    make_runs(migrate("resources", BEFORE))
    apps = migrate("resources", AFTER)
    before = counted(apps)
    assert len(before) == 6
    assert sum(before.values()) == 12
    assert tallied(apps) == before

    runs = apps.get_model("resources", "Run").objects
    runs.filter(status="READY").update(status="RUNNING")
    runs.filter(status="FAILED").delete()
    assert tallied(apps) == counted(apps) != before


def test_going_back_leaves_runs_that_can_be_changed_and_going_forth_counts_them_again(migrate):
    make_runs(migrate("resources", BEFORE))
    migrate("resources", AFTER)
    apps = migrate("resources", BEFORE)
    apps.get_model("resources", "Run").objects.filter(status="SUCCEEDED").update(status="ABORTED")
    assert "resources_runtally" not in connection.introspection.table_names()
    apps = migrate("resources", AFTER)
    assert tallied(apps) == counted(apps)
    assert {status for *_, status in tallied(apps)} == {"ABORTED", "FAILED", "READY"}
