"""How many runs there are is known without counting them, whatever was done to them."""

import random

import pytest
from django.db import connection, transaction
from django.db.models import Count

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Run, RunCount
from resources.runs import run_counts
from sharing.lists import count_listed

pytestmark = pytest.mark.django_db
COLUMNS = ("list_owner", "list_actor", "list_task", "status")


def tallied() -> dict[tuple[str, ...], int]:
    sums: dict[tuple[str, ...], int] = {}
    for *group, runs in RunCount.objects.values_list("owner", "actor", "task", "status", "runs"):
        sums[tuple(group)] = sums.get(tuple(group), 0) + runs
    return {group: runs for group, runs in sums.items() if runs}


def counted() -> dict[tuple[str, ...], int]:
    rows = Run.objects.order_by().values_list(*COLUMNS).annotate(runs=Count("pk"))
    return {tuple(group): runs for *group, runs in rows}


@pytest.fixture
def runs(ada, ben, make_resource) -> list[Run]:
    actors = [make_resource(Kind.ACTOR, ada, name=f"actor-{number}", is_public=True) for number in range(2)]
    task = make_resource(Kind.TASK, ben, actor=actors[0])
    made = [make_resource(Kind.RUN, owner, actor=actor) for owner in (ada, ben) for actor in actors for _ in range(4)]
    return [*made, make_resource(Kind.RUN, ben, actor=actors[0], task=task)]


def test_new_moved_and_deleted_runs_are_tallied(runs):
    assert tallied() == counted()
    Run.objects.filter(pk__in=[run.pk for run in runs[::2]]).update(status=JobStatus.SUCCEEDED)
    assert tallied() == counted()
    Run.objects.update(status_message="the same status")
    assert tallied() == counted()
    runs[0].delete()
    Run.objects.filter(pk__in=[run.pk for run in runs[5:9]]).delete()
    assert tallied() == counted()
    Run.objects.all().delete()
    assert tallied() == {}


def test_what_is_undone_was_never_tallied(runs):
    before = tallied()
    with transaction.atomic():
        Run.objects.update(status=JobStatus.ABORTED)
        assert tallied() == counted() != before
        transaction.set_rollback(True)
    assert tallied() == counted() == before


def test_folding_changes_no_number_and_leaves_one_row_for_each(runs):
    chance = random.Random(4)  # the same every time
    for run in chance.choices(runs, k=60):
        Run.objects.filter(pk=run.pk).update(status=chance.choice(JobStatus.values))
    before = tallied()
    if connection.vendor == "postgresql":
        assert RunCount.objects.count() > len(before)
    run_counts.fold()
    assert tallied() == counted() == before
    assert RunCount.objects.count() == len(before)
    run_counts.fold()
    assert RunCount.objects.count() == len(before)


def test_a_total_looks_at_no_run(ada, ben, runs):
    assert count_listed(ada.principal, kinds=[Kind.RUN]) == 8
    assert count_listed(ben.principal, kinds=[Kind.RUN], actor_id=runs[0].actor_id) == 5
    assert count_listed(ben.principal, kinds=[Kind.RUN], statuses=[JobStatus.READY], task_id=runs[-1].task_id) == 1
    RunCount.objects.all().delete()
    assert count_listed(ada.principal, kinds=[Kind.RUN]) == 0
