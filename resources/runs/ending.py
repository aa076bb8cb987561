"""The one place where a run reaches an end state."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import Case, F, Q, TextField, Value, When
from django.utils import timezone

from accounts import tokens
from resources.jobs.status import FINISHED, JobStatus
from resources.models import Run
from resources.webhooks.events import emit_event

UNFINISHED = frozenset(JobStatus) - FINISHED
_MESSAGES = {
    JobStatus.SUCCEEDED: "Actor succeeded",
    JobStatus.FAILED: "Actor run failed",
    JobStatus.TIMED_OUT: "Actor run timed out",
    JobStatus.ABORTED: "Actor run was aborted",
}


def finish(
    run_id: str,
    status: JobStatus,
    *,
    exit_code: int | None = None,
    message: str | None = None,
    only_from: Collection[JobStatus] = UNFINISHED,
) -> bool:
    """Move a run to an end state, and return whether it was this call that did.

    One UPDATE looks at the status and changes it, so of all who try, at once or again, one succeeds, and the others
    change nothing. Together with it the run's token is revoked and the event is made known. A status message that the
    run itself has called its last one stays; else it is `message`, or what stands for the status.

    Args:
        run_id: the run; one that is not there (any more) is as good as finished.
        status: SUCCEEDED, FAILED, TIMED_OUT or ABORTED.
        exit_code: that of the process, where there has been one.
        message: a sentence for people.
        only_from: the states that it may be moved from.

    Raises:
        ValueError: when `status` is not an end.
    """
    if status not in FINISHED:
        raise ValueError(f"{status} is not the end of a run.")
    with transaction.atomic():
        changed = Run.objects.filter(pk=run_id, status__in=set(only_from) - FINISHED).update(
            status=status,
            finished_at=timezone.now(),
            exit_code=exit_code,
            status_message=_last_message(_default_message(status, exit_code) if message is None else message),
            is_status_message_terminal=True,
        )
        if not changed:
            return False
        run = Run.objects.get(pk=run_id)
        tokens.end_for_run(run.token_id)
        emit_event(run, f"ACTOR.RUN.{status.name}")
    return True


def _last_message(otherwise: str) -> Case:
    kept = When(Q(is_status_message_terminal=True) & ~Q(status_message=""), then=F("status_message"))
    return Case(kept, default=Value(otherwise), output_field=TextField())


def _default_message(status: JobStatus, exit_code: int | None) -> str:
    with_code = f" with exit code {exit_code}" if status is JobStatus.FAILED and exit_code is not None else ""
    return f"{_MESSAGES[status]}{with_code}"
