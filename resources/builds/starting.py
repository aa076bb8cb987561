"""Asking for a build: a snapshot of a version is taken, and a worker makes it ready to run."""

import msgspec
from django.db import transaction
from django.db.models import F

from accounts.lib import database_clock, disk_space
from accounts.lib.encryption import CannotDecrypt
from accounts.principal import Principal
from resources.actors import environment
from resources.actors.fields import check_tag
from resources.actors.versions import NUMBER
from resources.builds.source_url import encrypt_source_url
from resources.jobs.status import Origin
from resources.models import Actor, ActorVersion, Build, BuildContent
from resources.webhooks.events import emit_event

TIMEOUT_SECS = 1800
MEMORY_MBYTES = 2048
# The last part of a build's number has at most five digits.
MAX_BUILDS_OF_VERSION = 99_999


class CannotBuild(Exception):
    """There is nothing to build; `type` is one of the API's error types, the message says what is missing."""

    def __init__(self, type_: str, message: str) -> None:
        super().__init__(message)
        self.type = type_


def start(
    actor: Actor,
    version_number: str,
    *,
    by: Principal,
    tag: str | None = None,
    use_cache: bool = True,
    origin: str = Origin.API,
    client_ip: str = "",
    user_agent: str = "",
) -> Build:
    """Have a version built as it is now, and return the build, which waits for a worker.

    It always belongs to the Actor's owner. Once it has succeeded `tag` points to it; None: the version's
    own tag; "": no tag.

    Raises:
        CannotBuild: `record-not-found` when the Actor has no such version, `limit-reached` when it has been built too
            often, `insufficient-permissions` when its owner is suspended.
        InvalidField: for a tag that cannot be one.
    """
    if tag:
        check_tag("tag", tag)
    if not actor.owner.is_active:
        message = "The account that this Actor belongs to is suspended, so that the Actor cannot be built."
        raise CannotBuild("insufficient-permissions", message)
    disk_space.check_database()
    with transaction.atomic():
        versions = ActorVersion.objects.select_for_update().filter(actor_id=actor.pk, number=version_number)
        version = versions.first() if NUMBER.match(version_number) else None
        if version is None:
            raise CannotBuild("record-not-found", f'The Actor has no version "{version_number[:20]}".')
        build = Build(
            owner_id=actor.owner_id,
            actor_id=actor.pk,
            number=_next_number(version),
            tag=version.build_tag if tag is None else tag,
            use_cache=use_cache,
            timeout_secs=TIMEOUT_SECS,
            memory_mbytes=MEMORY_MBYTES,
            origin=origin,
            client_ip=client_ip[:45],
            user_agent=user_agent[:500].replace("\x00", ""),
            started_at=database_clock.now(),
        )
        build.save(force_insert=True)
        BuildContent.objects.create(build=build, source=snapshot(version), environment=_environment(version))
        Actor.objects.filter(pk=actor.pk).update(build_count=F("build_count") + 1)
        emit_event(build, "ACTOR.BUILD.CREATED")
    return build


def _environment(version: ActorVersion) -> str:
    try:
        return environment.encrypt_environment(environment.of_version(version))
    except CannotDecrypt as error:
        raise CannotBuild("secret-unreadable", str(error)) from None


def snapshot(version: ActorVersion) -> str:
    """Return a version as a build keeps it, as JSON text.

    It has `versionNumber`, `sourceType`, `sourceFiles`, `sourceUrl`, `buildTag` and `applyEnvVarsToBuild`, and not its
    variables. `sourceUrl` is encrypted. Of a source that is elsewhere, `revision` is added once it was fetched.
    """
    return msgspec.json.encode(
        {
            "versionNumber": version.number,
            "sourceType": version.source_type,
            "sourceFiles": msgspec.Raw(version.source_files.encode()),
            "sourceUrl": encrypt_source_url(version.source_url),
            "buildTag": version.build_tag,
            "applyEnvVarsToBuild": version.apply_env_vars_to_build,
        }
    ).decode()


def _next_number(version: ActorVersion) -> str:
    last = version.next_build
    if last > MAX_BUILDS_OF_VERSION:
        raise CannotBuild("limit-reached", f"Version {version.number} has been built too often; add another version.")
    ActorVersion.objects.filter(pk=version.pk).update(next_build=last + 1)
    return f"{version.number}.{last}"
