"""Job leases: claim, renew, release, and recover the jobs of workers that are gone.

A job is taken by one UPDATE that looks at its status and changes it, so of several workers one has it, on SQLite as on
PostgreSQL. From then on every statement of its worker names the worker: where the lease ran out meanwhile and another
one has the job, it changes nothing. `worker` names one attempt of a process (`worker_identity.py`), so that this holds
within a process, too. Leases go by the clock of the database, for those of the workers' machines may differ.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from accounts.lib import database_clock
from accounts.lib.database_errors import describe
from resources.builds import ending as builds_ending
from resources.jobs.conditions import has_status
from resources.jobs.status import AT_WORK, JobStatus
from resources.logs.reading import log_length
from resources.logs.writing import append_line
from resources.models import Build, Run
from resources.runs import ending as runs_ending
from resources.worker import worker_identity
from resources.worker.log_writer import Lines

_log = logging.getLogger(__name__)

_T = TypeVar("_T")
AnyJob = Run | Build
MODELS: tuple[type[AnyJob], ...] = (Run, Build)
MAX_RESTARTS = 10
_BATCH = 100
RETRY_SECONDS = 0.5
_ENDS = {JobStatus.ABORTING: JobStatus.ABORTED, JobStatus.TIMING_OUT: JobStatus.TIMED_OUT}


class LeaseLost(Exception):
    """The database has not answered for as long as a lease lasts; others may have the job."""


def claim(model: type[AnyJob], job_id: str, worker: str) -> bool:
    """Take a job that is READY, and return whether this worker has it now. Its `started_at` is now."""
    now = database_clock.now()
    changes: dict[str, Any] = {"restart_requested": False} if model is Run else {}
    taken = model.objects.filter(pk=job_id, status=JobStatus.READY).update(
        status=JobStatus.RUNNING, worker=worker, lease_expires_at=now + _lease(), started_at=now, **changes
    )
    return bool(taken)


def renew(model: type[AnyJob], job_id: str, worker: str, **changes: Any) -> bool:
    """Hold on to a job and save `changes` of it; return False when it is not this worker's any more."""
    held = model.objects.filter(pk=job_id, worker=worker, status__in=AT_WORK)
    return bool(held.update(lease_expires_at=database_clock.now() + _lease(), **changes))


def release(model: type[AnyJob], job_id: str, worker: str, *, is_migration: bool = False) -> bool:
    """Let another worker begin anew with a job that is RUNNING here; return whether it was released.

    `is_migration` counts it as moved to another worker, as when this one is to stop.
    """
    now = database_clock.now()
    job = model.objects.filter(pk=job_id).first()
    changes: dict[str, Any] = {"lease_expires_at": None, "worker": "", "started_at": now, "status": JobStatus.READY}
    if isinstance(job, Run) and job.started_at:
        changes["before_millis"] = F("before_millis") + (now - job.started_at) // timedelta(milliseconds=1)
    if model is Run and is_migration:
        changes["migration_count"] = Coalesce(F("migration_count"), 0) + 1
    return bool(model.objects.filter(pk=job_id, worker=worker, status=JobStatus.RUNNING).update(**changes))


def end(
    model: type[AnyJob],
    job_id: str,
    worker: str,
    status: JobStatus,
    *,
    exit_code: int | None = None,
    message: str | None = None,
) -> bool:
    """Move a job that is this worker's to an end state; return whether it was this call that did."""
    ending = runs_ending if model is Run else builds_ending
    with transaction.atomic():  # so that no worker takes it between the question and the answer
        mine = renew(model, job_id, worker)
        return mine and ending.finish(job_id, status, exit_code=exit_code, message=message)


def retry_db(do: Callable[[], _T]) -> _T:
    """Return what `do` returns, which is called again while the database does not answer: it restarts, or is locked.

    Raises:
        LeaseLost: when it has not answered for as long as a lease lasts.
    """
    until = time.monotonic() + settings.WORKER_LEASE_SECS
    while True:
        try:
            return do()
        except (OperationalError, InterfaceError) as error:
            _log.warning("%s", describe(error))
            if time.monotonic() >= until:
                raise LeaseLost(str(error)) from error
        close_old_connections()
        time.sleep(RETRY_SECONDS)  # even where the worker is to stop: what has been done is still to be saved


def finish_job(lines: Lines, publish: Callable[[], bool]) -> None:
    """Write the last lines of a job, and then publish how it ends here; a database that restarts keeps neither away.

    Raises:
        LeaseLost: when the database has not answered for as long as a lease lasts.
    """

    def say() -> None:
        lines.finish()
        publish()

    retry_db(say)


def reclaim_expired_leases(worker: str) -> int:
    """End or queue again the jobs whose worker has not been heard of for too long; return how many there were.

    Those that this very process attends are not abandoned: its machine slept, or the database did not answer.
    """
    count = 0
    for model in MODELS:
        for job in _expired(model):
            if worker_identity.attends(job.worker):
                continue
            # The worker that moves the lease on has the job: of several that look, one ends it.
            mine = model.objects.filter(pk=job.pk, status=job.status, lease_expires_at=job.lease_expires_at)
            if mine.update(worker=worker, lease_expires_at=database_clock.now() + _lease()):
                _reclaim(model, job, worker)
                count += 1
    return count


def _expired(model: type[AnyJob]) -> QuerySet[Any]:
    run_out = Q(lease_expires_at__lt=database_clock.now()) | Q(lease_expires_at=None)
    return model.objects.filter(has_status(model, AT_WORK), run_out).order_by("lease_expires_at")[:_BATCH]


def _reclaim(model: type[AnyJob], job: AnyJob, worker: str) -> None:
    if job.status == JobStatus.RUNNING and _may_begin_anew(job):
        append_line(job.pk, "ACTOR: The worker that had this is gone; another one begins anew.")
        if isinstance(job, Run):
            Run.objects.filter(pk=job.pk).update(restart_count=F("restart_count") + 1)
        release(model, job.pk, worker)
        return
    append_line(job.pk, "ACTOR: The worker that had this is gone. How far it came is not known.")
    status = _ENDS.get(JobStatus(job.status), JobStatus.FAILED)
    message = "The worker that had this is gone." if status is JobStatus.FAILED else None
    end(model, job.pk, worker, status, message=message)


def _may_begin_anew(job: AnyJob) -> bool:
    """Tell whether a job can start again: it has done nothing yet, or it is a run with `restart_on_error`."""
    if isinstance(job, Run) and job.restart_on_error:
        return job.restart_count < MAX_RESTARTS
    return log_length(job.pk) == 0


def _lease() -> timedelta:
    return timedelta(seconds=settings.WORKER_LEASE_SECS)
