"""Who has access to a resource of any kind, for scripts: the same operations that the share dialog has."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from django.db.models import Q, QuerySet
from django.http import HttpResponse

from accounts.lib.api_errors import ApiError, record_not_found
from accounts.lib.timestamps import iso
from accounts.models import Account
from accounts.principal import ANONYMOUS
from console.api.users.lookup import find_account
from console.http import json_responses, request_body
from console.http.pagination import parse_choice
from resources.kinds import Kind
from resources.models import Resource
from sharing import grants
from sharing.access import AddressedBy, Decision, decide
from sharing.declare import needs
from sharing.enforcement.refusals import forbidden_error
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.facts import load_facts
from sharing.grant_ends import counts
from sharing.models import Grant
from sharing.narrowings.held_back import held_back_by
from sharing.overview import overview
from sharing.permissions import Permission, UnsupportedPermission, parse

ANONYMOUS_ACCOUNT = "anonymous"
_PERMISSIONS = {permission.name or "": permission for permission in Permission}
_ADDRESSED_BY = {by.value: by for by in AddressedBy}


class Rights(msgspec.Struct):
    """The body of a PUT: the permissions to grant, and until when.

    Null is never. Without an end, a grant keeps the one that it has.
    """

    permissions: list[str]
    expiresAt: Annotated[datetime, msgspec.Meta(tz=True)] | msgspec.UnsetType | None = msgspec.UNSET  # noqa: N815  # its name in JSON


@needs(None, Permission.MANAGE_ACCESS_RIGHTS)
def list_rights(request: ResourceApiRequest) -> HttpResponse:
    """Answer with the general access of a resource and with the grants on it."""
    seen = overview(request.access.facts)
    return json_responses.data_response(
        {
            "generalAccess": seen.general_access,
            "effectiveGeneralAccess": seen.effective_general_access,
            "inheritedFrom": seen.inherited_from,
            "items": [
                _right(
                    right.account_id,
                    right.username,
                    right.permissions,
                    right.source,
                    right.created_at,
                    right.expires_at,
                )
                for right in seen.items
            ],
        }
    )


@needs(None, Permission.MANAGE_ACCESS_RIGHTS)
def put_right(request: ResourceApiRequest, account: str) -> HttpResponse:
    """Grant an account exactly the permissions of the body, with READ, which any of them implies."""
    resource = request.resource
    body = request_body.read_json(request, Rights)
    try:
        permissions = parse(body.permissions, Kind(resource.kind))
    except UnsupportedPermission as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "unsupported-permission", str(error)) from None
    end = grants.End.UNCHANGED if isinstance(body.expiresAt, msgspec.UnsetType) else body.expiresAt
    grantee = _find(request, account, _people(resource).filter(is_active=True))
    try:
        grant, _ = grants.grant(resource, grantee, permissions, by=request.principal, expires_at=end)
    except grants.UnsupportedEnd as error:
        raise ApiError(HTTPStatus.BAD_REQUEST, "invalid-value", f'Invalid value of "expiresAt": {error}') from None
    except grants.OwnerNeedsNoGrant as error:
        raise _owner(str(error)) from None
    except grants.ResourceGone as error:
        raise record_not_found(str(error)) from None
    except grants.BeyondOwnPermissions as error:
        raise ApiError(HTTPStatus.FORBIDDEN, "insufficient-permissions", str(error)) from None
    return json_responses.data_response(_granted(grant, grantee))


@needs(None, Permission.MANAGE_ACCESS_RIGHTS, or_about_oneself="account")
def delete_right(request: ResourceApiRequest, account: str) -> HttpResponse:
    """Revoke a grant; grantees may also give up their own.

    A scoped token may do so only if its scope is about access: one made for reading cannot lose what it reads.
    """
    if held_back_by(request.principal, Permission.MANAGE_ACCESS_RIGHTS, request.access.facts):
        raise forbidden_error(request.access, Permission.MANAGE_ACCESS_RIGHTS)
    grantee = _find(request, account, _people(request.resource))
    if grantee.pk == request.resource.owner_id:
        raise _owner(f"{grantee.username} owns this {request.resource.info.noun}; an owner's access cannot be removed.")
    grants.revoke(request.resource, grantee, by=request.principal)
    return json_responses.no_content()


@needs(None, Permission.MANAGE_ACCESS_RIGHTS, or_about_oneself="account", oneself_by_default=True)
def explain(request: ResourceApiRequest) -> HttpResponse:
    """Answer with the decision for an account, for `anonymous`, or for the client itself, and with its reason."""
    permission = parse_choice(request.GET, "permission", _PERMISSIONS, Permission.READ)
    addressed_by = parse_choice(request.GET, "addressedBy", _ADDRESSED_BY, AddressedBy.ID)
    decision = _decide(request, request.GET.get("account"), permission, addressed_by)
    return json_responses.data_response(
        {
            "allowed": decision.allowed,
            "reason": decision.reason.value,
            "details": dict(decision.details),
            "heldBackBy": decision.held_back_by,
        }
    )


def _decide(request: ResourceApiRequest, account: str | None, permission: Permission, by: AddressedBy) -> Decision:
    """Decide for `account`. A principal that asks about itself is judged with all that narrows it."""
    principal = request.principal
    if account is None or principal.is_called(account):
        return decide(principal, request.access.facts, permission, by)
    other = ANONYMOUS
    if account != ANONYMOUS_ACCOUNT:
        other = _find(request, account, _people(request.resource).filter(is_active=True)).principal
    try:
        facts = load_facts(request.resource, other.account_id)
    except LookupError:
        raise record_not_found() from None
    return decide(other, facts, permission, by)


def _people(resource: Resource) -> QuerySet[Account]:
    """Return a resource's owner and grantees, of active accounts or not."""
    grantees = Grant.objects.filter(counts(), resource=resource.pk).values("account_id")
    return Account.objects.filter(Q(pk=resource.owner_id) | Q(pk__in=grantees))


def _find(request: ResourceApiRequest, text: str, known: QuerySet[Account]) -> Account:
    account = find_account(request, text, known)
    if account is None:
        raise ApiError(
            HTTPStatus.NOT_FOUND, "user-not-found", "There is no account with this user ID, username or email."
        )
    return account


def _owner(message: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, "cannot-set-access-rights-for-owner", message)


def _granted(grant: Grant, account: Account) -> dict[str, Any]:
    names = Permission(grant.permissions).names
    return _right(account.pk, account.username, names, grant.source, grant.created_at, grant.expires_at)


def _right(
    account_id: str,
    username: str,
    permissions: list[str],
    source: str,
    created_at: datetime,
    expires_at: datetime | None,
) -> dict[str, Any]:
    return {
        "accountId": account_id,
        "username": username,
        "permissions": permissions,
        "source": source,
        "createdAt": iso(created_at),
        "expiresAt": iso(expires_at) if expires_at else None,
    }
