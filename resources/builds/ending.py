"""The end of a build: its status and message, its tag, and the event; and aborting one."""

from collections.abc import Collection

from django.db import transaction

from accounts import audit
from accounts.principal import Principal
from resources.jobs import ending
from resources.jobs.ending import UNFINISHED
from resources.jobs.queue import queue_input_encryption
from resources.jobs.status import JobStatus
from resources.models import Build, BuildContent, TaggedBuild
from resources.secret_inputs.fields import secret_fields
from resources.webhooks.events import emit_event

_MESSAGES = {
    JobStatus.SUCCEEDED: "Build succeeded",
    JobStatus.FAILED: "Build failed",
    JobStatus.TIMED_OUT: "Build timed out",
    JobStatus.ABORTED: "Build was aborted",
}


def finish(
    build_id: str,
    status: JobStatus,
    *,
    exit_code: int | None = None,
    message: str | None = None,
    only_from: Collection[JobStatus] = UNFINISHED,
) -> bool:
    """Move a build to an end state, and return whether it was this call that did; see `resources.jobs.ending.finish`.

    Together with it, the tag of a build that has succeeded points to it, and the event is emitted. Where the build
    has secret input fields, what tasks and schedules of its Actor have saved is encrypted soon.

    Raises:
        ValueError: when `status` is not an end.
    """

    def at_end(build: Build) -> None:
        if status is JobStatus.SUCCEEDED:
            _tag(build)
            _seal_saved(build)
        emit_event(build, f"ACTOR.BUILD.{status.name}")

    return ending.finish(
        Build,
        build_id,
        status,
        message=_MESSAGES.get(status, "") if message is None else message,
        exit_code=exit_code,
        only_from=only_from,
        at_end=at_end,
    )


def abort(build: Build, *, by: Principal) -> bool:
    """Abort a build, and return whether that changed anything. `build` is as it is afterwards.

    One that no worker has begun is aborted there and then. One at work becomes ABORTING, and its worker stops it.
    """
    with transaction.atomic():
        changed = finish(build.pk, JobStatus.ABORTED, only_from={JobStatus.READY}) or bool(
            Build.objects.filter(pk=build.pk, status=JobStatus.RUNNING).update(status=JobStatus.ABORTING)
        )
        if changed:
            audit.record(
                "build.aborted", by=by, account_id=build.owner_id, subject_kind=build.kind, subject_id=build.pk
            )
    build.refresh_from_db()
    return changed


def _tag(build: Build) -> None:
    """Let the build's tag point to it."""
    if build.tag and build.actor_id:
        TaggedBuild.objects.update_or_create(actor_id=build.actor_id, tag=build.tag, defaults={"build": build})


def _seal_saved(build: Build) -> None:
    schema = BuildContent.objects.filter(build_id=build.pk).values_list("input_schema", flat=True).first()
    if build.actor_id and secret_fields(schema or ""):
        queue_input_encryption(build.actor_id)
