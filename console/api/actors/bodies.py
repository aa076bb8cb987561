"""Request bodies of Actors and versions, and their conversion to changes.

Clients send null, and objects with nothing in them, for what they have nothing to say about.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value
from console.api.actors import pricing
from console.api.resources import permission_levels
from console.http import json_responses
from console.http.request_body import empty_if_null, unset_if_null
from resources import memory
from resources import permission_levels as levels
from resources.actors import versions
from resources.actors.environment import Variable
from resources.actors.fields import ActorChange, InvalidField
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.edit_locked import NameTaken
from resources.models import Actor, ActorVersion
from resources.storages import InvalidName

_FORCED = "defaultRunOptions.forcePermissionLevel"
_CATEGORY_RULES = "each must have 1 to 50 capital letters, digits and underscores."


class File(msgspec.Struct):
    """A source file, or with `folder` a folder."""

    name: str
    format: str | None = None
    content: str | None = None
    folder: bool = False

    @property
    def source_file(self) -> SourceFile:
        """The file as it is kept."""
        return SourceFile(self.name, "FOLDER" if self.folder else self.format or "TEXT", self.content or "")


class EnvVar(msgspec.Struct, rename="camel"):
    """An environment variable; what is not given stays as it is."""

    name: str | UnsetType | None = UNSET
    value: str | UnsetType | None = UNSET
    is_secret: bool | UnsetType | None = UNSET


class Version(msgspec.Struct, rename="camel"):
    """A version; what is not given stays as it is."""

    version_number: str | UnsetType | None = UNSET
    source_type: str | UnsetType | None = UNSET
    env_vars: list[EnvVar] | UnsetType | None = UNSET
    apply_env_vars_to_build: bool | UnsetType | None = UNSET
    build_tag: str | UnsetType | None = UNSET
    source_files: list[File] | UnsetType | None = UNSET
    git_repo_url: str | UnsetType | None = UNSET
    tarball_url: str | UnsetType | None = UNSET
    git_hub_gist_url: str | UnsetType | None = UNSET
    actor_permission_level: str | UnsetType | None = UNSET
    force_permission_level: str | UnsetType | None = UNSET

    def change(self) -> VersionChange:
        """Return what of a version is to change; the first URL is that of the source.

        Raises:
            ApiError: 400 for a permission level that no run can have; that of an Actor stands in the Actor.
        """
        permission_levels.check("actorPermissionLevel", self.actor_permission_level)
        permission_levels.check("forcePermissionLevel", self.force_permission_level)
        files = unset_if_null(self.source_files)
        urls = [unset_if_null(url) for url in (self.git_repo_url, self.tarball_url, self.git_hub_gist_url)]
        return VersionChange(
            number=unset_if_null(self.version_number),
            source_type=unset_if_null(self.source_type),
            source_files=UNSET if files is UNSET else [file.source_file for file in files],
            source_url=next((url for url in urls if url is not UNSET), UNSET),
            build_tag=empty_if_null(self.build_tag),
            apply_env_vars_to_build=unset_if_null(self.apply_env_vars_to_build),
        )

    def variables(self, version: ActorVersion | None) -> list[Variable]:
        """Return the variables that are given, as secret as they are where nothing is said of that.

        Raises:
            InvalidField: for one without a name.
        """
        known = {} if version is None else {each.name: each.is_secret for each in version.environment.all()}
        return [variable(each, known.get(each.name or "", False)) for each in self.env_vars or ()]


class RunOptions(msgspec.Struct, rename="camel"):
    """What runs of an Actor have where nothing else is asked for."""

    build: str | UnsetType | None = UNSET
    timeout_secs: int | UnsetType | None = UNSET
    memory_mbytes: int | UnsetType | None = UNSET
    restart_on_error: bool | UnsetType | None = UNSET
    max_items: int | UnsetType | None = UNSET
    force_permission_level: str | UnsetType | None = UNSET


class ExampleInput(msgspec.Struct, rename="camel"):
    """An example input of an Actor."""

    body: str | UnsetType | None = UNSET
    content_type: str | UnsetType | None = UNSET


class Standby(msgspec.Struct, rename="camel"):
    """How an Actor would stand by. It is kept and given back; nothing stands by here."""

    is_enabled: bool | UnsetType | None = UNSET
    desired_requests_per_actor_run: int | UnsetType | None = UNSET
    max_requests_per_actor_run: int | UnsetType | None = UNSET
    idle_timeout_secs: int | UnsetType | None = UNSET
    build: str | UnsetType | None = UNSET
    memory_mbytes: int | UnsetType | None = UNSET
    disable_standby_fields_override: bool | UnsetType | None = UNSET
    should_pass_actor_input: bool | UnsetType | None = UNSET


class BuildTag(msgspec.Struct, rename="camel"):
    """The build that a tag is to point to."""

    build_id: str


class ActorBody(msgspec.Struct, rename="camel"):
    """The body of a POST or PUT of an Actor; what is not given, or null, stays as it is."""

    name: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    is_public: bool | UnsetType | None = UNSET
    restart_on_error: bool | UnsetType | None = UNSET
    versions: list[Version] | UnsetType | None = UNSET
    default_run_options: RunOptions | UnsetType | None = UNSET
    tagged_builds: dict[str, BuildTag | None] | UnsetType | None = UNSET
    seo_title: str | UnsetType | None = UNSET
    seo_description: str | UnsetType | None = UNSET
    categories: list[str] | UnsetType | None = UNSET
    is_deprecated: bool | UnsetType | None = UNSET
    actor_permission_level: str | UnsetType | None = UNSET
    pricing_infos: list[dict[str, Any]] | UnsetType | None = UNSET
    example_run_input: ExampleInput | UnsetType | None = UNSET
    actor_standby: Standby | UnsetType | None = UNSET

    def change(self, details: str = "{}") -> ActorChange:
        """Return what of an Actor is to change; `details` are those that it has.

        Raises:
            ApiError: 400 naming the field that cannot be kept.
        """
        _check_lists(self)
        options = self.default_run_options or RunOptions()
        restarts = unset_if_null(options.restart_on_error)
        return ActorChange(
            name=unset_if_null(self.name),
            title=empty_if_null(self.title),
            description=empty_if_null(self.description),
            is_public=unset_if_null(self.is_public),
            default_build=unset_if_null(options.build),
            default_timeout_secs=unset_if_null(options.timeout_secs),
            default_memory_mbytes=unset_if_null(options.memory_mbytes),
            restart_on_error=unset_if_null(self.restart_on_error) if restarts is UNSET else restarts,
            permission_level=self._permission_level(),
            details=self._details(msgspec.json.decode(details)),
        )

    def _permission_level(self) -> str | UnsetType | None:
        """Return the level as it is kept."""
        permission_levels.check("actorPermissionLevel", self.actor_permission_level)
        level = unset_if_null(self.actor_permission_level)
        return UNSET if level is UNSET else levels.to_keep(level)

    def _details(self, kept: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept only to be given back. Objects are merged into those that are there."""
        options = self.default_run_options or RunOptions()
        changed = {
            "seoTitle": self.seo_title,
            "seoDescription": self.seo_description,
            "categories": self.categories,
            "isDeprecated": self.is_deprecated,
            "pricingInfos": self.pricing_infos,
            "maxItems": options.max_items,
            "forcePermissionLevel": options.force_permission_level,
        }
        details: dict[str, Any] = {name: value for name, value in changed.items() if value is not UNSET}
        permission_levels.check(_FORCED, details.get("forcePermissionLevel"))
        for name, said in (("exampleRunInput", self.example_run_input), ("actorStandby", self.actor_standby)):
            change = msgspec.to_builtins(said) if said else {}
            if name == "actorStandby" and not memory.is_possible_standby(change, kept.get(name) or {}):
                raise invalid_value(f"{name}.memoryMbytes", memory.MEMORY_RULES)
            if change:
                details[name] = {**kept.get(name, {}), **change}
        return details


# What is kept only to be given back, and stands at the top of an Actor.
_DETAILS = (
    "actorStandby",
    "categories",
    "exampleRunInput",
    "pricingInfos",
    "seoDescription",
    "seoTitle",
)


def serialize_fields(actor: Actor) -> dict[str, Any]:
    """Return those fields of an Actor that an ActorBody can change, as they are answered."""
    details = msgspec.json.decode(actor.details)
    run_options = {
        "build": actor.default_build,
        "timeoutSecs": actor.default_timeout_secs,
        "memoryMbytes": actor.default_memory_mbytes,
        "restartOnError": actor.restart_on_error,
    }
    return {
        "title": actor.title or None,
        "description": actor.description or None,
        "isPublic": actor.is_public,
        "restartOnError": actor.restart_on_error,
        "defaultRunOptions": run_options
        | {name: details[name] for name in ("maxItems", "forcePermissionLevel") if name in details},
        "isDeprecated": details.get("isDeprecated", False),
        "actorPermissionLevel": levels.level_of(actor.permission_level),
        **{name: details[name] for name in _DETAILS if name in details},
    }


def variable(said: EnvVar, is_secret: bool) -> Variable:
    """Return a variable as it is kept; `is_secret` is whether it is where that is not said.

    Raises:
        InvalidField: when it has no name.
    """
    if not said.name:
        raise InvalidField("name", "it is required.")
    says = unset_if_null(said.is_secret)
    return Variable(said.name, unset_if_null(said.value), is_secret if says is UNSET else says)


def to_api_error(error: Exception) -> ApiError:
    """Return the API error for an invalid Actor or version."""
    if isinstance(error, InvalidField):
        return invalid_value(error.field, str(error))
    if isinstance(error, InvalidName):
        return invalid_value("name", str(error))
    if isinstance(error, NameTaken):
        return json_responses.bad_request_error("actor-name-not-unique", str(error))
    if isinstance(error, versions.VersionExists):
        return json_responses.bad_request_error("version-already-exists", str(error))
    if isinstance(error, versions.TooFewVersions):
        return json_responses.bad_request_error("too-few-versions", str(error))
    if isinstance(error, versions.TooManyVersions):
        return json_responses.bad_request_error("too-many-versions", str(error))
    raise error


REFUSED = (
    InvalidField,
    InvalidName,
    NameTaken,
    versions.VersionExists,
    versions.TooFewVersions,
    versions.TooManyVersions,
)


def _check_lists(body: ActorBody) -> None:
    for category in body.categories or ():
        if not (0 < len(category) <= 50 and category.isascii() and category.replace("_", "A").isalnum()):
            raise invalid_value("categories", _CATEGORY_RULES)
        if category != category.upper():
            raise invalid_value("categories", _CATEGORY_RULES)
    if body.pricing_infos:
        pricing.check(body.pricing_infos)
