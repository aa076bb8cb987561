"""The tags of an Actor's builds, moved by hand; a build that succeeds takes its own (`resources/builds/ending.py`)."""

from django.db import transaction

from accounts import audit
from accounts.principal import Principal
from resources.actors.fields import check_tag
from resources.jobs.status import JobStatus
from resources.models import Actor, Build, TaggedBuild


class UnknownBuild(LookupError):
    """The Actor has no build with this ID that succeeded; the message says so."""


def point(actor: Actor, tag: str, build_id: str | None, *, by: Principal) -> None:
    """Let a tag of an Actor point to one of its builds, or with None take the tag away.

    Raises:
        InvalidField: for what cannot be a tag.
        UnknownBuild: when the Actor has no such build, or it did not succeed.
    """
    check_tag("taggedBuilds", tag)
    with transaction.atomic():
        if build_id is None:
            TaggedBuild.objects.filter(actor=actor, tag=tag).delete()
        else:
            succeeded = Build.objects.filter(actor_id=actor.pk, status=JobStatus.SUCCEEDED)
            build = succeeded.filter(pk=build_id).first() if build_id.isalnum() else None
            if build is None:
                raise UnknownBuild(f'The tag "{tag}" can point only to a build of this Actor that succeeded.')
            TaggedBuild.objects.update_or_create(actor=actor, tag=tag, defaults={"build": build})
        audit.record(
            "actor.tag_moved",
            by=by,
            account_id=actor.owner_id,
            subject_kind=actor.kind,
            subject_id=actor.pk,
            name=actor.name,
            tag=tag,
            build=build_id,
        )
