"""How much an account may run at once: what is refused, what counts, and that two starts do not pass together."""

import threading
from dataclasses import replace
from types import SimpleNamespace

import pytest
from django.db import connection

from resources.jobs.status import FINISHED, JobStatus
from resources.kinds import Kind
from resources.models import Run
from resources.runs import account_limits, resurrecting, starting
from resources.runs.account_limits import LimitExceeded
from resources.runs.options import RunOptions
from tests.support.factories import built_actor
from tests.support.run_stage import at_work, ended

RUNS, MEMORY = "concurrent-runs-limit-exceeded", "actor-memory-limit-exceeded"


@pytest.fixture
def actor(ada):
    return built_actor(ada, is_public=True)


def start(actor, account, memory_mbytes: int = 1024) -> Run:
    return starting.start(actor, by=account.principal, options=RunOptions(memory_mbytes=memory_mbytes))


def refusal(*args) -> tuple[str, str]:
    with pytest.raises(LimitExceeded) as refused:
        start(*args)
    return refused.value.type, str(refused.value)


@pytest.mark.django_db
def test_more_runs_than_that_are_refused_and_leave_nothing(ada, actor, settings):
    settings.ACCOUNT_MAX_RUNS = 2
    start(actor, ada)
    at_work(start(actor, ada))
    said = "With this run the account would exceed its limit of 2 runs at once. Wait until one has ended."
    assert refusal(actor, ada) == (RUNS, said)
    assert Run.objects.count() == 2


@pytest.mark.django_db
def test_more_memory_than_that_is_refused(ada, actor, settings):
    settings.ACCOUNT_MAX_MEMORY_MBYTES = 2048
    start(actor, ada, 1024)
    said = (
        "With this run the account would exceed its limit of 2048 MB of memory for all runs at once "
        "(currently used: 1024 MB, requested: 2048 MB)."
    )
    assert refusal(actor, ada, 2048) == (MEMORY, said)
    start(actor, ada, 1024)
    assert refusal(actor, ada, 128)[0] == MEMORY


@pytest.mark.django_db
@pytest.mark.parametrize("status", sorted(JobStatus))
def test_what_has_not_ended_counts(ada, actor, settings, make_resource, status):
    settings.ACCOUNT_MAX_RUNS = 1
    make_resource(Kind.RUN, ada, status=status)
    if status in FINISHED:
        start(actor, ada)
    else:
        assert refusal(actor, ada)[0] == RUNS


@pytest.mark.django_db
def test_each_account_has_its_own(ada, ben, actor, settings):
    settings.ACCOUNT_MAX_RUNS = 1
    start(actor, ada)
    start(actor, ben)
    assert refusal(actor, ben)[0] == RUNS


@pytest.mark.django_db
def test_a_run_that_is_resurrected_counts_as_a_new_one(ada, actor, settings):
    settings.ACCOUNT_MAX_RUNS = 1
    run = ended(start(actor, ada))
    other = start(actor, ada)
    with pytest.raises(LimitExceeded):
        resurrecting.resurrect(run, RunOptions(), by=ada.principal)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED
    ended(other)
    resurrecting.resurrect(run, RunOptions(), by=ada.principal)


@pytest.mark.django_db(transaction=True)
def test_of_many_that_start_at_once_so_many_pass(ada, actor, settings):
    settings.ACCOUNT_MAX_RUNS = 3
    barrier, refused = threading.Barrier(6), []

    def work() -> None:
        try:
            barrier.wait(30)
            start(actor, ada)
        except LimitExceeded as error:
            refused.append(error.type)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == [RUNS] * 3
    assert Run.objects.count() == 3


@pytest.mark.django_db
def test_runs_start_each_other_only_so_deep(ada, actor, settings, make_resource):
    settings.RUN_MAX_DEPTH = 3
    root = make_resource(Kind.RUN, ada, status=JobStatus.RUNNING)
    child = make_resource(Kind.RUN, ada, status=JobStatus.RUNNING, started_by_run=root.pk)
    account_limits.check_depth(None)
    account_limits.check_depth(child.pk)
    grandchild = make_resource(Kind.RUN, ada, status=JobStatus.RUNNING, started_by_run=child.pk)
    with pytest.raises(LimitExceeded) as refused:
        account_limits.check_depth(grandchild.pk)
    assert (refused.value.type, "at most 3 deep" in str(refused.value)) == (RUNS, True)
    Run.objects.filter(pk=root.pk).update(status=JobStatus.SUCCEEDED)
    account_limits.check_depth(grandchild.pk)
    Run.objects.filter(pk=root.pk).update(status=JobStatus.RUNNING)
    settings.RUN_MAX_DEPTH = 0
    account_limits.check_depth(grandchild.pk)


@pytest.mark.django_db
def test_a_run_that_is_resurrected_is_not_deeper_than_is_allowed(ada, actor, settings, make_resource):
    settings.RUN_MAX_DEPTH = 1
    parent = make_resource(Kind.RUN, ada, status=JobStatus.RUNNING)
    run = ended(start(actor, ada))
    Run.objects.filter(pk=run.pk).update(started_by_run=parent.pk)
    run.refresh_from_db()
    with pytest.raises(LimitExceeded):
        resurrecting.resurrect(run, RunOptions(), by=ada.principal)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED
    Run.objects.filter(pk=parent.pk).update(status=JobStatus.SUCCEEDED)
    resurrecting.resurrect(run, RunOptions(), by=ada.principal)


@pytest.mark.django_db
def test_a_run_that_starts_itself_for_ever_is_refused_by_the_api(ada, actor, settings, make_resource):
    settings.RUN_MAX_DEPTH = 1
    run = start(actor, ada)
    at_work(run)
    by = replace(ada.principal, run=SimpleNamespace(id=run.pk))
    with pytest.raises(LimitExceeded):
        starting.start(actor, by=by, options=RunOptions(memory_mbytes=1024))
