"""Accounts take turns: whichever asks for how much, each waits for one job of every other account at most."""

from datetime import timedelta
from itertools import groupby

import pytest
from django.db import connection
from django.utils import timezone

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Build, Run
from resources.runs.queue_place import find_queue_place
from resources.worker import leases
from resources.worker.turns import Turns
from tests.support.query_plans import plans_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(make_resource):
    """Let runs, or builds, of an account wait, asked for one after the other."""
    asked = timezone.now() - timedelta(hours=1)

    def wait(account, count: int = 1, kind: Kind = Kind.RUN, **fields) -> list:
        nonlocal asked
        made = []
        for _ in range(count):
            asked += timedelta(seconds=1)
            made.append(make_resource(kind, account, status=JobStatus.READY, **fields))
            column = "list_at" if kind is Kind.RUN else "started_at"
            type(made[-1]).objects.filter(pk=made[-1].pk).update(**{column: asked})
            made[-1].refresh_from_db()
        return made

    return wait


def taken(turn: Turns, count: int) -> list[str]:
    """Take up so many jobs, and return their IDs."""
    ids = []
    for _ in range(count):
        job = turn.find_next()
        assert job is not None
        assert leases.claim(job.model, job.job_id, "w")
        turn.serve(job.owner_id)
        ids.append(job.job_id)
    return ids


def test_where_nothing_waits_nothing_is_next(ada, make_resource):
    for status in set(JobStatus) - {JobStatus.READY}:
        make_resource(Kind.RUN, ada, status=status)
        make_resource(Kind.BUILD, ada, status=status)
    assert Turns().find_next() is None


def test_what_an_account_has_asked_for_first_is_first(ada, waiting):
    runs = waiting(ada, 2)
    build, later = waiting(ada, 1, Kind.BUILD)[0], waiting(ada)[0]
    assert taken(Turns(), 4) == [runs[0].pk, runs[1].pk, build.pk, later.pk]


def test_no_account_waits_for_the_queue_of_another_one(ada, ben, cleo, waiting):
    waiting(ada, 20)
    waiting(ben, 2)
    waiting(cleo, 1, Kind.BUILD)
    owners = {run.pk: run.owner_id for model in (Run, Build) for run in model.objects.all()}
    order = [owners[each] for each in taken(Turns(), 23)]
    assert set(order[:3]) == {ada.pk, ben.pk, cleo.pk}
    assert {ben.pk}.issubset(order[3:5])
    assert [owner for owner, _ in groupby(order[5:])] == [ada.pk]


def test_one_that_comes_later_has_its_turn_in_the_next_round(ada, ben, waiting):
    waiting(ada, 5)
    turn = Turns()
    taken(turn, 2)
    (late,) = waiting(ben)
    assert late.pk in taken(turn, 2)


def test_a_run_that_a_run_has_started_is_found_by_that_one(ada, ben, waiting):
    parent = "p" * 17
    waiting(ada, 2)
    waiting(ada, 1, started_by_run="q" * 17)
    first, _ = waiting(ben, 2, started_by_run=parent)
    turn = Turns()
    found = turn.find_child([parent, "r" * 17])
    assert found is not None
    assert (found.job_id, found.owner_id, found.started_by_run) == (first.pk, ben.pk, parent)
    assert turn.find_child(["r" * 17]) is None
    assert turn.find_child([]) is None


def test_runs_that_runs_have_started_have_their_turn_by_account(ada, ben, waiting):
    of_ada, of_ben = "p" * 17, "q" * 17
    waiting(ada, 5, started_by_run=of_ada)
    waiting(ben, 2, started_by_run=of_ben)
    turn, order = Turns(), []
    for _ in range(4):
        job = turn.find_child([of_ada, of_ben])
        assert leases.claim(job.model, job.job_id, "w")
        turn.serve(job.owner_id)
        order.append(job.owner_id)
    assert sorted(order[:2]) == sorted(order[2:]) == sorted([ada.pk, ben.pk])


def test_accounts_that_have_no_turn_are_left_out(ada, ben, waiting):
    waiting(ada, 2)
    (of_ben,) = waiting(ben)
    assert Turns().find_next(without={ada.pk}).job_id == of_ben.pk
    assert Turns().find_next(without={ada.pk, ben.pk}) is None


def test_looking_for_what_is_next_reads_an_index_and_no_queue():
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads an empty table whole, rightly")
    turn = Turns()
    turn.serve("a")
    for model, index in ((Run, "run_waiting"), (Build, "build_waiting")):
        for plan in plans_of(turn.find_next, model._meta.db_table):
            assert f"{index} " in f"{plan} "
            assert "TEMP B-TREE" not in plan
    for plan in plans_of(lambda: turn.find_child(["a"]), Run._meta.db_table):
        assert "run_waiting_of_run" in plan


def test_each_knows_its_place_in_the_queue_of_its_account(ada, ben, waiting):
    waiting(ben, 3)
    first, second = waiting(ada, 2)
    (build,) = waiting(ada, 1, Kind.BUILD)
    (last,) = waiting(ada)
    assert [find_queue_place(each) for each in (first, second, build, last)] == [1, 2, 3, 4]
    taken(Turns(), 2)
    last.refresh_from_db()
    assert find_queue_place(last) == 3


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.READY}))
def test_one_that_does_not_wait_has_no_place(ada, make_resource, status):
    assert find_queue_place(make_resource(Kind.RUN, ada, status=status)) is None
