"""The versions of an Actor, and the environment variables of each.

READ on the Actor is enough to see a version with its source. Its environment, secret or not, is for those with WRITE:
a variable is made for the Actor's runs, and a user who may only look at an Actor, or run it, has no use for its value.
The value of a secret variable is never shown.
"""

from http import HTTPStatus

from django.db import transaction
from django.http import HttpResponse
from msgspec import UNSET

from accounts.lib.api_errors import ApiError, record_not_found
from console.api.actors import serializers
from console.api.actors.bodies import REFUSED, EnvVar, Version, to_api_error, variable
from console.http import json_responses, request_body
from console.http.request_body import unset_if_null
from resources.actors import environment, versions
from resources.edit_locked import ResourceGone
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, EnvironmentVariable
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission


@needs(Kind.ACTOR, Permission.READ)
def list_versions(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with all versions."""
    found = serializers.serialize_versions(request.resource.pk)
    with_environment = request.access.allows(Permission.WRITE)
    items = [serializers.serialize_version(version, with_environment) for version in found]
    return json_responses.data_response({"total": len(items), "items": items})


@needs(Kind.ACTOR, Permission.WRITE)
def add_version(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Add a version."""
    said = request_body.read_json(request, Version)
    try:
        with transaction.atomic():
            actor, by = request.resource, request.principal
            version = versions.add(actor, said.version_number or "", said.change(), by=by)
            environment.replace(version, said.variables(None), by=by)
    except REFUSED as error:
        raise to_api_error(error) from None
    return _answer(request, version, json_responses.CREATED)


@needs(Kind.ACTOR, Permission.READ)
def show_version(request: ResourceApiRequest[Actor], version: str) -> HttpResponse:
    """Answer with a version."""
    return _answer(request, _version(request, version))


@needs(Kind.ACTOR, Permission.WRITE)
def change_version(request: ResourceApiRequest[Actor], version: str) -> HttpResponse:
    """Change what is given of a version; `envVars` are then all variables that there are."""
    said = request_body.read_json(request, Version)
    found, by = _version(request, version), request.principal
    try:
        with transaction.atomic():
            versions.change(found, said.change(), by=by)
            if unset_if_null(said.env_vars) is not UNSET:
                environment.replace(found, said.variables(found), by=by)
    except REFUSED as error:
        raise to_api_error(error) from None
    except ResourceGone:
        raise _gone() from None
    return _answer(request, found)


@needs(Kind.ACTOR, Permission.WRITE)
def remove_version(request: ResourceApiRequest[Actor], version: str) -> HttpResponse:
    """Remove a version; the last one stays."""
    try:
        versions.remove(_version(request, version), by=request.principal)
    except REFUSED as error:
        raise to_api_error(error) from None
    return json_responses.no_content()


@needs(Kind.ACTOR, Permission.WRITE)
def list_variables(request: ResourceApiRequest[Actor], version: str) -> HttpResponse:
    """Answer with the variables of a version."""
    found = _version(request, version).environment.order_by("name")
    items = [serializers.serialize_variable(each) for each in found]
    return json_responses.data_response({"total": len(items), "items": items})


@needs(Kind.ACTOR, Permission.WRITE)
def add_variable(request: ResourceApiRequest[Actor], version: str) -> HttpResponse:
    """Add a variable that is not there yet."""
    said = request_body.read_json(request, EnvVar)
    found = _version(request, version)
    if found.environment.filter(name=said.name or "").exists():
        message = f'There is a variable "{said.name}" in this version already.'
        raise json_responses.bad_request_error("env-var-already-exists", message)
    return _set(request, found, said, is_secret=False, status=json_responses.CREATED)


@needs(Kind.ACTOR, Permission.WRITE)
def show_variable(request: ResourceApiRequest[Actor], version: str, variable: str) -> HttpResponse:
    """Answer with a variable."""
    return json_responses.data_response(serializers.serialize_variable(_variable(_version(request, version), variable)))


@needs(Kind.ACTOR, Permission.WRITE)
def change_variable(request: ResourceApiRequest[Actor], version: str, variable: str) -> HttpResponse:
    """Change what is given of a variable; its name stays."""
    said = request_body.read_json(request, EnvVar)
    found = _version(request, version)
    kept = _variable(found, variable)
    if said.name not in (UNSET, None, kept.name):
        raise json_responses.bad_request_error(
            "cannot-rename-env-var", "A variable keeps its name; add another one instead."
        )
    said.name = kept.name
    return _set(request, found, said, is_secret=kept.is_secret)


@needs(Kind.ACTOR, Permission.WRITE)
def remove_variable(request: ResourceApiRequest[Actor], version: str, variable: str) -> HttpResponse:
    """Remove a variable."""
    found = _version(request, version)
    environment.remove_variable(found, _variable(found, variable).name, by=request.principal)
    return json_responses.no_content()


def _version(request: ResourceApiRequest[Actor], number: str) -> ActorVersion:
    versions_of_actor = ActorVersion.objects.filter(actor_id=request.resource.pk).select_related("actor")
    found = versions_of_actor.filter(number=number).first() if versions.NUMBER.match(number) else None
    if found is None:
        raise _gone()
    return found


def _gone() -> ApiError:
    return record_not_found("Actor version was not found.")


def _variable(version: ActorVersion, name: str) -> EnvironmentVariable:
    found = version.environment.filter(name=name).first() if environment.NAME.match(name) else None
    if found is None:
        raise record_not_found("Environment variable was not found.")
    return found


def _set(
    request: ResourceApiRequest[Actor],
    version: ActorVersion,
    said: EnvVar,
    *,
    is_secret: bool,
    status: HTTPStatus = HTTPStatus.OK,
) -> HttpResponse:
    try:
        wanted = variable(said, is_secret)
        kept = environment.set_variable(
            version, wanted.name, wanted.value, is_secret=wanted.is_secret, by=request.principal
        )
    except REFUSED as error:
        raise to_api_error(error) from None
    return json_responses.data_response(serializers.serialize_variable(kept), status)


def _answer(
    request: ResourceApiRequest[Actor], version: ActorVersion, status: HTTPStatus = HTTPStatus.OK
) -> HttpResponse:
    with_environment = request.access.allows(Permission.WRITE)
    return json_responses.data_response(serializers.serialize_version(version, with_environment), status)
