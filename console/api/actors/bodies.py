"""What clients send about Actors and their versions, and what it comes to below.

Clients send null, and objects with nothing in them, for what they have nothing to say about.
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value
from console.api.actors import pricing
from console.api.resources import permission_levels
from console.http import json_responses
from resources import memory
from resources.actors import versions
from resources.actors.environment import Variable
from resources.actors.fields import ActorFields, InvalidField
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionFields
from resources.models import ActorVersion
from resources.storages import InvalidName, NameTaken

_WIRE = {"forcePermissionLevel": "defaultRunOptions.forcePermissionLevel"}
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

    name: str | None = None
    value: str | None = None
    is_secret: bool | None = None


class Version(msgspec.Struct, rename="camel"):
    """A version; what is not given stays as it is."""

    version_number: str | None = None
    source_type: str | None = None
    env_vars: list[EnvVar] | None = None
    apply_env_vars_to_build: bool | None = None
    build_tag: str | UnsetType | None = UNSET
    source_files: list[File] | None = None
    git_repo_url: str | None = None
    tarball_url: str | None = None
    git_hub_gist_url: str | None = None
    actor_permission_level: str | None = None
    force_permission_level: str | None = None

    @property
    def fields(self) -> VersionFields:
        """The fields of a version that are given.

        Raises:
            ApiError: 400 for a permission level that no run can have; that of an Actor stands in the Actor.
        """
        permission_levels.check("actorPermissionLevel", self.actor_permission_level)
        permission_levels.check("forcePermissionLevel", self.force_permission_level)
        fields: VersionFields = {}
        if self.source_type is not None:
            fields["source_type"] = self.source_type
        if self.source_files is not None:
            fields["source_files"] = [file.source_file for file in self.source_files]
        if self.apply_env_vars_to_build is not None:
            fields["apply_env_vars_to_build"] = self.apply_env_vars_to_build
        if self.build_tag is not UNSET:
            fields["build_tag"] = self.build_tag or ""
        urls = [url for url in (self.git_repo_url, self.tarball_url, self.git_hub_gist_url) if url is not None]
        if urls:
            fields["source_url"] = urls[0]
        return fields

    def variables(self, version: ActorVersion | None) -> list[Variable]:
        """Return the variables that are given, as secret as they are where nothing is said of that.

        Raises:
            InvalidField: for one without a name.
        """
        known = {} if version is None else {each.name: each.is_secret for each in version.environment.all()}
        return [variable(each, known.get(each.name or "", False)) for each in self.env_vars or ()]


class RunOptions(msgspec.Struct, rename="camel"):
    """What runs of an Actor have where nothing else is asked for."""

    build: str | None = None
    timeout_secs: int | None = None
    memory_mbytes: int | None = None
    restart_on_error: bool | None = None
    max_items: int | UnsetType | None = UNSET
    force_permission_level: str | UnsetType | None = UNSET


class ExampleInput(msgspec.Struct, rename="camel"):
    """An input for whoever tries an Actor for the first time."""

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

    name: str | None = None
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    is_public: bool | None = None
    restart_on_error: bool | None = None
    versions: list[Version] | None = None
    default_run_options: RunOptions | None = None
    tagged_builds: dict[str, BuildTag | None] | None = None
    seo_title: str | UnsetType | None = UNSET
    seo_description: str | UnsetType | None = UNSET
    categories: list[str] | UnsetType | None = UNSET
    is_deprecated: bool | UnsetType | None = UNSET
    actor_permission_level: str | UnsetType | None = UNSET
    pricing_infos: list[dict[str, Any]] | UnsetType | None = UNSET
    example_run_input: ExampleInput | None = None
    actor_standby: Standby | None = None

    def fields(self, details: str = "{}") -> ActorFields:
        """Return the fields of an Actor that are given; `details` are those that it has.

        Raises:
            ApiError: 400 naming the field that cannot be kept.
        """
        _check_lists(self)
        fields: ActorFields = {"details": self._details(msgspec.json.decode(details))}
        if self.title is not UNSET:
            fields["title"] = self.title or ""
        if self.description is not UNSET:
            fields["description"] = self.description or ""
        if self.is_public is not None:
            fields["is_public"] = self.is_public
        options = self.default_run_options or RunOptions()
        if options.build is not None:
            fields["default_build"] = options.build
        if options.timeout_secs is not None:
            fields["default_timeout_secs"] = options.timeout_secs
        if options.memory_mbytes is not None:
            fields["default_memory_mbytes"] = options.memory_mbytes
        restarts = self.restart_on_error if options.restart_on_error is None else options.restart_on_error
        if restarts is not None:
            fields["restart_on_error"] = restarts
        return fields

    def _details(self, kept: dict[str, Any]) -> dict[str, Any]:
        """Return what is kept only to be given back. Objects are merged into those that are there."""
        options = self.default_run_options or RunOptions()
        given = {
            "seoTitle": self.seo_title,
            "seoDescription": self.seo_description,
            "categories": self.categories,
            "isDeprecated": self.is_deprecated,
            "actorPermissionLevel": self.actor_permission_level,
            "pricingInfos": self.pricing_infos,
            "maxItems": options.max_items,
            "forcePermissionLevel": options.force_permission_level,
        }
        details: dict[str, Any] = {name: value for name, value in given.items() if value is not UNSET}
        for field in ("actorPermissionLevel", "forcePermissionLevel"):
            permission_levels.check(_WIRE.get(field, field), details.get(field))
        for name, said in (("exampleRunInput", self.example_run_input), ("actorStandby", self.actor_standby)):
            change = msgspec.to_builtins(said) if said is not None else {}
            if name == "actorStandby" and not memory.is_possible_standby(change, kept.get(name) or {}):
                raise invalid_value(f"{name}.memoryMbytes", memory.MEMORY_RULES)
            if change:
                details[name] = {**kept.get(name, {}), **change}
        return details


def variable(said: EnvVar, is_secret: bool) -> Variable:
    """Return a variable as it is kept; `is_secret` is whether it is where that is not said.

    Raises:
        InvalidField: when it has no name.
    """
    if not said.name:
        raise InvalidField("name", "it is required.")
    return Variable(said.name, said.value, is_secret if said.is_secret is None else said.is_secret)


def to_api_error(error: Exception) -> ApiError:
    """Return the API's refusal of what the rooms of Actors would not take."""
    if isinstance(error, InvalidField):
        return invalid_value(error.field, str(error))
    if isinstance(error, InvalidName):
        return invalid_value("name", str(error))
    if isinstance(error, NameTaken):
        return json_responses.bad_request("actor-name-not-unique", str(error))
    if isinstance(error, versions.VersionExists):
        return json_responses.bad_request("version-already-exists", str(error))
    if isinstance(error, versions.TooFewVersions):
        return json_responses.bad_request("too-few-versions", str(error))
    if isinstance(error, versions.TooManyVersions):
        return json_responses.bad_request("too-many-versions", str(error))
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
