"""Deleting a build, with its log and what was built."""

from django.db import transaction

from accounts import audit
from accounts.principal import Principal
from resources.actors.builds import build_for
from resources.jobs.status import AT_WORK
from resources.models import Actor, Build


class CannotDelete(Exception):
    """The build is needed; `type` is one of the API's error types, the message says what for."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_


def delete(build: Build, *, by: Principal) -> bool:
    """Delete a build, and return whether it was still there. Runs that have used it stay.

    Raises:
        CannotDelete: `deleting-default-build` for the Actor's default build, `deleting-unfinished-build` for one that
            a worker has; it can be aborted first.
    """
    with transaction.atomic():
        locked = Build.objects.select_for_update().filter(pk=build.pk).first()
        if locked is None:
            return False
        if locked.status in AT_WORK:
            raise CannotDelete("deleting-unfinished-build", "The build is still at work. Abort it first.")
        actor = Actor.objects.filter(pk=locked.actor_id).first()
        if actor is not None and build_for(actor, "") == locked:
            raise CannotDelete(
                "deleting-default-build",
                f'This is the Actor\'s default build, "{actor.default_build}". Choose another one first.',
            )
        audit.record(
            "resource.deleted",
            by=by,
            account_id=locked.owner_id,
            subject_kind=locked.kind,
            subject_id=locked.pk,
            name=locked.number or None,
        )
        locked.delete()
    return True
