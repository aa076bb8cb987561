"""Changing the fields of a resource: each needs a permission of its own, and all of them change or none does."""

from http import HTTPStatus

from accounts.errors import ApiError, invalid_value
from sharing.general_access import UnsupportedLevel, set_for_resource
from sharing.permissions import Permission
from sharing.requests import ResourceApiRequest


def check_may_change(request: ResourceApiRequest, field: str, permission: Permission) -> None:
    """Let a change of `field` through only with `permission` on the request's resource.

    Raises:
        ApiError: 403 `insufficient-permissions-to-change-field`.
    """
    if request.access.allows(permission):
        return
    raise ApiError(
        HTTPStatus.FORBIDDEN,
        "insufficient-permissions-to-change-field",
        f'Insufficient permissions to change the field "{field}" of the {request.resource.info.noun}. '
        f"Missing permission: {permission.name}.",
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
