"""The versions of an Actor: where the source of each is, and the tag that its builds are given."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from urllib.parse import unquote, urlsplit

from django.db import IntegrityError, transaction
from msgspec import UNSET, UnsetType

from accounts import audit
from accounts.lib import disk_space
from accounts.principal import Principal
from resources.actors import source_files
from resources.actors.editing import touch
from resources.actors.fields import InvalidField, check_tag, check_text
from resources.actors.source_files import SourceFile
from resources.edit_locked import edit_locked
from resources.models import Actor, ActorVersion, Build, SourceType

NUMBER = re.compile(r"(?:[0-9]|[1-9][0-9])\.(?:[0-9]|[1-9][0-9])\Z", re.ASCII)
MAX_VERSIONS = 100
_PARAMETERS = set("=?&;")
_PATH_PARAMETERS = re.compile("(?:;|%(?:25)*3b)[^/]*", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")
_MAX_URL = 2000


@dataclass(frozen=True, slots=True)
class VersionChange:
    """What of a version is to change; UNSET leaves it as it is, and a new one as the model has it."""

    number: str | UnsetType = UNSET
    source_type: str | UnsetType = UNSET
    source_files: Sequence[SourceFile] | UnsetType = UNSET
    source_url: str | UnsetType = UNSET
    build_tag: str | UnsetType = UNSET
    apply_env_vars_to_build: bool | UnsetType = UNSET


NO_CHANGE = VersionChange()


class VersionExists(ValueError):
    """The Actor has a version with this number already; the message says so."""


class TooFewVersions(ValueError):
    """The last version of an Actor cannot be removed; the message says so."""


class TooManyVersions(ValueError):
    """An Actor has only so many versions; the message says how many."""


def add(actor: Actor, number: str, change: VersionChange = NO_CHANGE, *, by: Principal) -> ActorVersion:
    """Add a version, like 0.1.

    Raises:
        InvalidField: for a number or another field that a version cannot have.
        VersionExists: when there is one with this number.
        TooManyVersions: when the Actor has as many as it can have.
        OSError: ENOSPC when the disk has no space for something new.
    """
    disk_space.check_database()
    version = ActorVersion(actor=actor, number=_checked_number(number))
    version.next_build = _next_build(version)
    _apply(version, change)
    if ActorVersion.objects.filter(actor=actor).count() >= MAX_VERSIONS:
        raise TooManyVersions(f"An Actor has at most {MAX_VERSIONS} versions.")
    with transaction.atomic():
        try:
            with transaction.atomic():
                version.save()
        except IntegrityError as error:
            raise _exists(version) from error
        _record("actor.version_added", actor, number, by)
        touch(actor)
    return version


def change(
    version: ActorVersion, wanted: VersionChange | Callable[[ActorVersion], VersionChange], *, by: Principal
) -> None:
    """Change what `wanted` gives, and nothing else; `version` is brought up to date.

    A change that depends on what is there is a function of the version as it is once it is locked;
    whatever it raises is passed on.

    Raises:
        InvalidField: for a number or another field that a version cannot have; then nothing is changed.
        VersionExists: when there is another one with this number.
        ResourceGone: when the version was removed in the meantime.
        OSError: ENOSPC when the disk has no space for something new.
    """
    disk_space.check_database()

    def record_change(_: ActorVersion, after: ActorVersion) -> None:
        _record("actor.version_changed", version.actor, after.number, by)
        touch(version.actor)

    edit_locked(ActorVersion, version, wanted, apply=_apply, fields=_FIELDS, record_change=record_change, taken=_exists)


def remove(version: ActorVersion, *, by: Principal) -> None:
    """Remove a version with its variables; what was built of it stays.

    Raises:
        TooFewVersions: when it is the Actor's last one.
    """
    with transaction.atomic():
        Actor.objects.select_for_update().filter(pk=version.actor_id).first()
        if not ActorVersion.objects.filter(actor_id=version.actor_id).exclude(pk=version.pk).exists():
            raise TooFewVersions("An Actor needs at least one version.")
        _record("actor.version_removed", version.actor, version.number, by)
        touch(version.actor)
        version.delete()


def get_source_files(version: ActorVersion) -> list[SourceFile]:
    """Return the source files of a version; none where its source is elsewhere."""
    return source_files.load_files(version.source_files)


def url_for_readers(url: str) -> str:
    """Return the URL of a source as readers may see it: without the name and password, the query, and parameters.

    A query is what signs an address or holds a token, and so can a part of the path be that follows a semicolon. What
    follows # is a branch and a directory, unless it has a =. Where an @ follows the authority, or that is none, a
    password may have a slash in it that was not encoded; then only the scheme and the host are shown.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        return ""
    place, _, fragment = rest.partition("#")
    authority, slash, path = place.partition("?")[0].partition("/")
    host = authority.rpartition("@")[2]
    if "@" in rest[len(authority) :] or not _HOST_AND_PORT.fullmatch(host):
        return f"{scheme}{separator}{_host(authority, rest)}"
    shown = f"{scheme}{separator}{host}{slash}{_PATH_PARAMETERS.sub('', path)}"
    return f"{shown}#{fragment}" if fragment and not _PARAMETERS & set(_decoded(fragment)) else shown


def _host(authority: str, rest: str) -> str:
    """Return the host of a URL that may have a password in what looks like its path; "" where it cannot be told."""
    name = authority.partition(":")[0]
    if "@" not in authority and "." in name and _HOST_AND_PORT.fullmatch(name):
        return name
    behind = re.split("[/?#]", rest.rpartition("@")[2])[0] if "@" in rest else ""
    return behind if _HOST_AND_PORT.fullmatch(behind) else ""


def _decoded(text: str) -> str:
    """Return a text without its percent escapes, however often it was encoded."""
    while (once := unquote(text)) != text:
        text = once
    return text


# `next_build` follows the number. Builds count on it with the version locked.
_FIELDS = (*(field.name for field in fields(VersionChange)), "next_build")


def _apply(version: ActorVersion, change: VersionChange) -> None:
    if change.number is not UNSET and change.number != version.number:
        version.number = _checked_number(change.number)
        version.next_build = _next_build(version)
    if change.source_type is not UNSET:
        if change.source_type not in SourceType.values:
            raise InvalidField("sourceType", f"it must be one of {', '.join(SourceType.values)}.")
        version.source_type = change.source_type
    if change.source_files is not UNSET:
        version.source_files = source_files.dump_files(change.source_files)
    if change.source_url is not UNSET:
        check_text("gitRepoUrl", change.source_url, _MAX_URL)
        version.source_url = change.source_url.strip()
    if change.build_tag is not UNSET:
        if change.build_tag:
            check_tag("buildTag", change.build_tag)
        version.build_tag = change.build_tag
    if change.apply_env_vars_to_build is not UNSET:
        version.apply_env_vars_to_build = change.apply_env_vars_to_build
    _check_url(version)


_URL_FIELDS = {
    SourceType.GIT_REPO: "gitRepoUrl",
    SourceType.TARBALL: "tarballUrl",
    SourceType.GITHUB_GIST: "gitHubGistUrl",
}


def url_field_for(source_type: str) -> str:
    """Return what the API calls the URL of a source of this type; "" where there is none."""
    return _URL_FIELDS.get(SourceType(source_type), "")


def _check_url(version: ActorVersion) -> None:
    """Check that a source that is elsewhere says where, by an address that is fetched and not by a local path."""
    field = url_field_for(version.source_type)
    if not field:
        return
    try:
        parts = urlsplit(version.source_url)
        parts.port  # noqa: B018  # it raises where that is no number, as with a password that has a slash in it
    except ValueError:
        raise InvalidField(field, "it is not a URL.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidField(field, "it must be a URL with http or https.")


def _checked_number(number: str) -> str:
    if not NUMBER.match(number):
        raise InvalidField("versionNumber", "it must be two numbers from 0 to 99 with a dot between them, like 0.1.")
    return number


def _next_build(version: ActorVersion) -> int:
    """Return the last part of the next build's number: one that no build has, even if the version was there before."""
    built = Build.objects.filter(actor_id=version.actor_id, number__startswith=f"{version.number}.")
    return max((int(number.rpartition(".")[2]) for number in built.values_list("number", flat=True)), default=0) + 1


def _exists(version: ActorVersion) -> VersionExists:
    return VersionExists(f"There is a version {version.number} of this Actor already.")


def _record(action: str, actor: Actor, number: str, by: Principal) -> None:
    audit.record(
        action,
        by=by,
        account_id=actor.owner_id,
        subject_kind=actor.kind,
        subject_id=actor.pk,
        name=actor.name,
        version=number,
    )
