"""Changing the fields of a resource: each needs a permission of its own, and all of them change or none does."""

from http import HTTPStatus

import msgspec
from django.db import transaction
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.principal import Principal
from console.http import json_responses, request_body
from resources import storages
from resources.edit_locked import NameTaken, ResourceGone
from resources.kinds import KINDS, Kind
from resources.models import Resource
from sharing.enforcement.explanations import explain, explanation_data, find_narrowing
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.general_access import UnsupportedLevel, set_for_resource
from sharing.permissions import Permission


def check_may_change(request: ResourceApiRequest, field: str, permission: Permission) -> None:
    """Let a change of `field` through only with `permission` on the request's resource.

    Raises:
        ApiError: 403 `insufficient-permissions-to-change-field`.
    """
    if not request.access.allows(permission):
        raise may_not_change(request.principal, request.resource.kind, field, permission)


def may_not_change(principal: Principal, kind: str, field: str, permission: Permission) -> ApiError:
    """Return the refusal of a `field` of a resource, for want of `permission`."""
    held_back = find_narrowing(principal, permission, Kind(kind))
    why = f" {explain(principal, held_back, permission, Kind(kind))}" if held_back else ""
    return ApiError(
        HTTPStatus.FORBIDDEN,
        "insufficient-permissions-to-change-field",
        f'Insufficient permissions to change the field "{field}" of the {KINDS[Kind(kind)].noun}. '
        f"Missing permission: {permission.name}.{why}",
        explanation_data(held_back, permission, Kind(kind)) if held_back else None,
    )


def change_general_access(request: ResourceApiRequest, level: str) -> None:
    """Give the request's resource its own level of general access.

    Raises:
        ApiError: 403 without MANAGE_ACCESS_RIGHTS, 400 for a level that the resource cannot have.
    """
    check_may_change(request, "generalAccess", Permission.MANAGE_ACCESS_RIGHTS)
    try:
        set_for_resource(request.resource, level, by=request.principal)
    except UnsupportedLevel as error:
        raise invalid_value("generalAccess", str(error)) from None


_MAX_TITLE = 200


class StorageChange(msgspec.Struct, rename="camel"):
    """The body of a PUT of a storage; what is not given stays as it is, and a name of null takes the name away."""

    name: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    general_access: str | UnsetType = UNSET


def change_storage(request: ResourceApiRequest) -> None:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS.

    Raises:
        ApiError: 400, 403, 404 or 409 saying which field cannot be changed; then none has been.
    """
    change = request_body.read_json(request, StorageChange)
    with transaction.atomic():
        if change.name is not UNSET:
            check_may_change(request, "name", Permission.WRITE)
            _rename(request, change.name)
        if change.title is not UNSET:
            check_may_change(request, "title", Permission.WRITE)
            _retitle(request, change.title or "")
        if change.general_access is not UNSET:
            change_general_access(request, change.general_access)


def _rename(request: ResourceApiRequest, name: str | None) -> None:
    try:
        storages.rename(request.resource, name, by=request.principal)
    except storages.InvalidName as error:
        raise invalid_value("name", str(error)) from None
    except NameTaken as error:
        raise json_responses.conflict_error("name-not-unique", str(error)) from None
    except ResourceGone:
        raise record_not_found(f"{request.resource.info.title} was not found.") from None


def _retitle(request: ResourceApiRequest, title: str) -> None:
    if len(title) > _MAX_TITLE or "\x00" in title:
        raise invalid_value("title", f"it must have at most {_MAX_TITLE} characters, and no NUL among them.")
    request.resource.title = title
    Resource.objects.filter(pk=request.resource.pk).update(title=title)
