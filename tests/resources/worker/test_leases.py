"""Jobs are taken once, and those of workers that died are noticed, on whatever database."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from resources.jobs.status import AT_WORK, JobStatus
from resources.kinds import Kind
from resources.logs.reading import read_text
from resources.logs.writing import append_line
from resources.models import Build, Run
from resources.worker import execute_run, leases
from tests.support.query_plans import plans_of

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(minutes=10)


@pytest.fixture
def make_job(ada, make_resource):
    """Make a run, or a build, that a worker took and was never heard of again."""

    def make(kind: Kind = Kind.RUN, status: str = JobStatus.RUNNING, *, began: bool = True, **fields):
        now = timezone.now()
        held = {"worker": "dead", "lease_expires_at": now - timedelta(seconds=1)} if status in AT_WORK else {}
        job = make_resource(kind, ada, status=status, started_at=now - LONG_AGO, **(held | fields))
        if began:
            append_line(job.pk, "Starting")
        return job

    return make


@pytest.mark.parametrize("kind", [Kind.RUN, Kind.BUILD])
def test_a_job_is_taken_once(make_job, kind):
    job = make_job(kind, JobStatus.READY)
    before = timezone.now()
    assert leases.claim(type(job), job.pk, "first")
    assert not leases.claim(type(job), job.pk, "second")
    job.refresh_from_db()
    assert (job.status, job.worker) == (JobStatus.RUNNING, "first")
    assert job.started_at >= before
    assert job.lease_expires_at > before


@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.READY}))
def test_a_job_that_is_not_ready_is_not_taken(make_job, status):
    job = make_job(status=status)
    assert not leases.claim(Run, job.pk, "worker")
    assert not leases.claim(Run, "a" * 17, "worker")


def test_only_who_has_a_job_holds_on_to_it(make_job):
    job = make_job(worker="mine")
    assert not leases.renew(Run, job.pk, "theirs", cpu_millis=5)
    assert leases.renew(Run, job.pk, "mine", cpu_millis=7)
    job.refresh_from_db()
    assert job.cpu_millis == 7
    assert job.lease_expires_at > timezone.now()
    assert not leases.end(Run, job.pk, "theirs", JobStatus.SUCCEEDED)
    assert not leases.release(Run, job.pk, "theirs")
    assert leases.end(Run, job.pk, "mine", JobStatus.SUCCEEDED, exit_code=0)
    assert not leases.renew(Run, job.pk, "mine")


@pytest.mark.parametrize(
    ("status", "ends"),
    [
        (JobStatus.RUNNING, JobStatus.FAILED),
        (JobStatus.ABORTING, JobStatus.ABORTED),
        (JobStatus.TIMING_OUT, JobStatus.TIMED_OUT),
    ],
)
@pytest.mark.parametrize("kind", [Kind.RUN, Kind.BUILD])
def test_a_job_whose_worker_is_gone_ends(make_job, kind, status, ends):
    job = make_job(kind, status)
    assert leases.reclaim_expired_leases("alive") == 1
    job.refresh_from_db()
    assert job.status == ends
    assert job.finished_at is not None
    assert "The worker that had this is gone" in read_text(job.pk)
    assert leases.reclaim_expired_leases("alive") == 0


def test_a_job_whose_lease_has_not_run_out_is_left_alone(make_job):
    job = make_job(lease_expires_at=timezone.now() + timedelta(seconds=30))
    assert leases.reclaim_expired_leases("alive") == 0
    job.refresh_from_db()
    assert (job.status, job.worker) == (JobStatus.RUNNING, "dead")


@pytest.mark.parametrize(("began", "restart"), [(False, False), (True, True)])
def test_one_that_may_begin_anew_is_queued_again(make_job, began, restart):
    job = make_job(began=began, restart_on_error=restart)
    leases.reclaim_expired_leases("alive")
    job.refresh_from_db()
    assert (job.status, job.worker) == (JobStatus.READY, "")
    assert job.before_millis >= LONG_AGO.total_seconds() * 1000
    assert leases.claim(Run, job.pk, "alive")


def test_one_that_kills_its_workers_is_given_up(make_job):
    job = make_job(restart_on_error=True, restart_count=leases.MAX_RESTARTS)
    leases.reclaim_expired_leases("alive")
    job.refresh_from_db()
    assert job.status == JobStatus.FAILED


def test_of_two_that_look_one_ends_it(make_job, monkeypatch):
    job = make_job()
    seen = list(leases._expired(Run))
    leases.reclaim_expired_leases("first")
    log = read_text(job.pk)
    monkeypatch.setattr(leases, "_expired", lambda model: iter(seen if model is Run else []))
    assert leases.reclaim_expired_leases("second") == 0
    assert read_text(job.pk) == log


@pytest.mark.parametrize("model", [Run, Build])
def test_looking_for_jobs_reads_an_index_and_not_every_job(model):
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL reads an empty table whole, rightly")
    name = model.__name__.lower()
    [abandoned] = plans_of(lambda: leases.reclaim_expired_leases("w1"), model._meta.db_table)
    assert f"{name}_at_work" in abandoned


def test_a_run_that_fails_for_a_reason_of_ours_says_so_and_is_over(make_job, monkeypatch):
    job = make_job(status=JobStatus.READY)

    def broken(*args):
        raise RuntimeError("broken")

    monkeypatch.setattr(execute_run, "isolation", broken)
    execute_run.execute(job.pk)
    job.refresh_from_db()
    assert (job.status, job.status_message) == (JobStatus.FAILED, "The server failed to run this.")
