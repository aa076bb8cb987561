"""Actors and versions as JSON of the API, without what depends on the reader's permissions."""

from typing import Any, Final

import msgspec
from django.utils import timezone

from accounts.lib.api_errors import record_not_found
from accounts.lib.encrypted_text import UnreadableText
from accounts.lib.timestamps import iso
from console.api.actors.bodies import serialize_fields
from console.api.resources.serializers import serialize_basics
from resources.actors.users import count_active_users, count_users
from resources.actors.versions import url_field_for, url_for_readers
from resources.builds.numbers import number_as_int
from resources.models import Actor, ActorVersion, Build, EnvironmentVariable, TaggedBuild
from sharing.access import Access
from sharing.permissions import Permission

# The Store warns of no Actor.
NO_NOTICE: Final = "NONE"


def serialize_actor(access: Access) -> dict[str, Any]:
    """Return all that a principal gets to know of an Actor.

    READ covers an Actor's source, as it does that of its builds. The environment is for those who may change it.

    Raises:
        ApiError: 404 when it was deleted meanwhile.
    """
    actor = Actor.objects.filter(pk=access.resource.pk).first()
    if actor is None:
        raise record_not_found("Actor was not found.")
    with_environment = access.allows(Permission.WRITE)
    return {
        **serialize_basics(actor),
        "username": access.facts.owner_username,
        **serialize_fields(actor),
        "stats": serialize_stats(actor, count_users([actor])[actor.pk]) | _count_active(actor),
        "versions": [serialize_version(version, with_environment) for version in serialize_versions(actor.pk)],
        "taggedBuilds": _tagged_builds(actor),
        "isSourceCodeHidden": False,
        "notice": NO_NOTICE,
    }


def serialize_stats(actor: Actor, users: int) -> dict[str, Any]:
    """Return the counters of an Actor; `users` is how many accounts have used it."""
    stats: dict[str, Any] = {
        "totalBuilds": actor.build_count,
        "totalRuns": actor.run_count,
        "totalUsers": users,
    }
    if actor.last_run_at is not None:
        stats["lastRunStartedAt"] = iso(actor.last_run_at)
    return stats


def _count_active(actor: Actor) -> dict[str, int]:
    return {f"totalUsers{days}Days": users for days, users in count_active_users(actor, timezone.now()).items()}


def serialize_versions(actor_id: str) -> list[ActorVersion]:
    """Return an Actor's versions by their numbers, with their variables at hand."""
    found = ActorVersion.objects.filter(actor_id=actor_id).prefetch_related("environment")
    return sorted(found, key=lambda version: [int(part) for part in version.number.split(".")])


def serialize_version(version: ActorVersion, with_environment: bool) -> dict[str, Any]:
    """Return a version; without its environment, and without the password in its source's address, to mere readers."""
    answer: dict[str, Any] = {
        "versionNumber": version.number,
        "sourceType": version.source_type,
        "applyEnvVarsToBuild": version.apply_env_vars_to_build,
        "buildTag": version.build_tag or None,
    }
    url_field = url_field_for(version.source_type)
    if url_field and isinstance(version.source_url, UnreadableText):
        answer[url_field] = None
    elif url_field:
        answer[url_field] = version.source_url if with_environment else url_for_readers(version.source_url)
    else:
        answer["sourceFiles"] = msgspec.Raw(version.source_files.encode())
    if with_environment:
        variables = sorted(version.environment.all(), key=lambda variable: variable.name)
        answer["envVars"] = [serialize_variable(variable) for variable in variables]
    return answer


def serialize_variable(variable: EnvironmentVariable) -> dict[str, Any]:
    """Return a variable. A secret one never has its value here."""
    if variable.is_secret:
        return {"name": variable.name, "isSecret": True}
    return {"name": variable.name, "value": variable.value, "isSecret": False}


def _tagged_builds(actor: Actor) -> dict[str, Any]:
    tags = TaggedBuild.objects.filter(actor=actor).select_related("build").order_by("tag")
    return {each.tag: _tagged(each.build) for each in tags}


def _tagged(build: Build) -> dict[str, Any]:
    return {
        "buildId": build.pk,
        "buildNumber": build.number or None,
        "buildNumberInt": number_as_int(build.number),
        "finishedAt": iso(build.finished_at) if build.finished_at else None,
    }
