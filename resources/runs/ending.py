"""The end of a run: its status and last message, its token, and the event."""

from collections.abc import Collection

from django.db.models import BooleanField, Case, F, Q, TextField, Value, When

from accounts import tokens
from resources.jobs import ending
from resources.jobs.ending import UNFINISHED
from resources.jobs.status import JobStatus
from resources.models import Run
from resources.webhooks.events import emit_event

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
    """Move a run to an end state, and return whether it was this call that did; see `resources.jobs.ending.finish`.

    Together with it the run's token is revoked and the event is emitted. A status message that the run itself has
    called its last one stays, and any other of the run's stays too unless there is a `message`, which only the server
    knows: that its memory was used up, say. Where there is neither it is what stands for the status.

    Raises:
        ValueError: when `status` is not an end.
    """

    def at_end(run: Run) -> None:
        tokens.end_for_run(run.token_id)
        emit_event(run, f"ACTOR.RUN.{status.name}")

    return ending.finish(
        Run,
        run_id,
        status,
        message=_last_message(status, exit_code, message),
        exit_code=exit_code,
        only_from=only_from,
        at_end=at_end,
        is_status_message_terminal=_is_last(message),
    )


def _last_message(status: JobStatus, exit_code: int | None, message: str | None) -> Case:
    otherwise = _default_message(status, exit_code) if message is None else message
    return Case(When(_is_kept(message), then=F("status_message")), default=Value(otherwise), output_field=TextField())


def _is_last(message: str | None) -> Case:
    kept = When(_is_kept(message), then=F("is_status_message_terminal"))
    return Case(kept, default=Value(True), output_field=BooleanField())


def _is_kept(message: str | None) -> Q:
    is_last = Q() if message is None else Q(is_status_message_terminal=True)
    return is_last & ~Q(status_message="")


def _default_message(status: JobStatus, exit_code: int | None) -> str:
    with_code = f" with exit code {exit_code}" if status is JobStatus.FAILED and exit_code is not None else ""
    return f"{_MESSAGES.get(status, '')}{with_code}"
