"""The one place where a job, which is a run or a build, reaches an end state."""

from collections.abc import Callable, Collection
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Case, QuerySet

from accounts.lib import database_clock
from resources.jobs.status import FINISHED, Job, JobStatus

AnyJob = TypeVar("AnyJob", bound=Job)
UNFINISHED = frozenset(JobStatus) - FINISHED


def finish(
    model: type[AnyJob],
    job_id: str,
    status: JobStatus,
    *,
    message: str | Case,
    exit_code: int | None,
    only_from: Collection[JobStatus],
    at_end: Callable[[AnyJob], None],
    **changes: Any,
) -> bool:
    """Move a job to an end state, and return whether it was this call that did.

    One UPDATE looks at the status and changes it, so of all who try, at once or again, one succeeds, and the others
    change nothing.

    Args:
        model: Run or Build.
        job_id: the job; one that is not there (any more) is as good as finished.
        status: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        message: a sentence for people.
        exit_code: that of the process, where there has been one.
        only_from: the states that it may be moved from.
        at_end: what belongs to the end of this kind of job, in the same transaction, with the job as it is then.
        changes: other columns that change with the status.

    Raises:
        ValueError: when `status` is not an end.
    """
    if status not in FINISHED:
        raise ValueError(f"{status} is not the end of a job.")
    jobs: QuerySet[AnyJob] = QuerySet(model)
    with transaction.atomic():
        changed = jobs.filter(pk=job_id, status__in=set(only_from) - FINISHED).update(
            status=status, finished_at=database_clock.now(), exit_code=exit_code, status_message=message, **changes
        )
        if changed:
            at_end(jobs.get(pk=job_id))
    return bool(changed)
