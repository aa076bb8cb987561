"""`/v2/organizations`: those of a person, and members, invitations and roles of the one that a token acts for.

A token of a person's own account lists and makes organizations, and reaches none of them. Deleting one and handing over
the role of its Owner take a sign-in, in the console.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpResponse
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, record_not_found
from accounts.models import Account, Membership, OrganizationRole
from accounts.organizations import editing, members, roles
from accounts.organizations.errors import OrganizationError
from accounts.organizations.permissions import AccountPermission, Permissions
from accounts.request_types import ApiRequest
from console.api.organizations.serializers import (
    serialize_invitation,
    serialize_member,
    serialize_organization,
    serialize_role,
)
from console.api.users.lookup import find_account
from console.http import json_responses, request_body
from console.http.pagination import Page
from sharing.declare import account_wide, account_wide_for
from sharing.organizations import leaving

_STATUSES: Final[Mapping[str, HTTPStatus]] = {
    "insufficient-permissions": HTTPStatus.FORBIDDEN,
    "user-is-organization-owner": HTTPStatus.FORBIDDEN,
    "organization-role-not-found": HTTPStatus.NOT_FOUND,
    "user-is-not-member-of-organization": HTTPStatus.NOT_FOUND,
    "record-not-found": HTTPStatus.NOT_FOUND,
    "user-is-already-organization-member": HTTPStatus.CONFLICT,
}
_manages = account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
Result = TypeVar("Result")


class NewOrganization(msgspec.Struct, rename="camel"):
    """The body of a POST of an organization."""

    username: str


class OrganizationChange(msgspec.Struct, rename="camel"):
    """The body of a PUT of an organization; what is not given stays as it is."""

    username: str | UnsetType = UNSET


class NewMember(msgspec.Struct, rename="camel"):
    """The body of a POST of a member: who is invited, by user ID, username or verified email, and with which role."""

    user: str
    role_id: str


class MemberChange(msgspec.Struct, rename="camel"):
    """The body of a PUT of a member."""

    role_id: str


class NewRole(msgspec.Struct, rename="camel"):
    """The body of a POST of a role; a group that is not given holds nothing."""

    name: str
    permissions: Permissions = {}


class RoleChange(msgspec.Struct, rename="camel"):
    """The body of a PUT of a role; what is not given stays as it is."""

    name: str | UnsetType = UNSET
    permissions: Permissions | UnsetType = UNSET


@account_wide
def list_organizations(request: ApiRequest) -> HttpResponse:
    """Answer with the organizations of the person, or with the one that the token acts for."""
    account = _account(request)
    if account.is_organization:
        items = [serialize_organization(account, _role_of(account, request.principal.person_id))]
    else:
        found = Membership.objects.filter(person=account, organization__is_active=True)
        rows = found.select_related("organization", "role").order_by("organization__username")
        items = [serialize_organization(each.organization, each.role) for each in rows]
    return _list(request, items)


@account_wide
def create_organization(request: ApiRequest) -> HttpResponse:
    """Make an organization of which the person is the Owner."""
    wanted = request_body.read_json(request, NewOrganization)
    made = _try_to(lambda: editing.create(wanted.username, by=request.principal))
    answer = serialize_organization(made, _role_of(made, request.principal.account_id or ""))
    location = f"{settings.PUBLIC_URL}/v2/organizations/{made.pk}"
    return json_responses.data_response(answer, json_responses.CREATED, location=location)


@account_wide
def show_organization(request: ApiRequest, organization: str) -> HttpResponse:
    """Answer with the organization that the token acts for."""
    account = _organization(request, organization)
    return json_responses.data_response(serialize_organization(account, _role_of(account, request.principal.person_id)))


@account_wide_for(AccountPermission.UPDATE_PROFILE)
def update_organization(request: ApiRequest, organization: str) -> HttpResponse:
    """Rename the organization."""
    account, change = _organization(request, organization), request_body.read_json(request, OrganizationChange)
    if change.username is not UNSET:
        username = change.username
        _try_to(lambda: editing.rename(account, username, by=request.principal))
    return json_responses.data_response(serialize_organization(account, _role_of(account, request.principal.person_id)))


@account_wide
def list_members(request: ApiRequest, organization: str) -> HttpResponse:
    """Answer with the members, the Owner first."""
    found = members.list_members(_organization(request, organization))
    return _list(request, [serialize_member(each) for each in found])


@_manages
def invite_member(request: ApiRequest, organization: str) -> HttpResponse:
    """Invite a person, who becomes a member by accepting it in the console."""
    account, wanted = _organization(request, organization), request_body.read_json(request, NewMember)
    person = find_account(request, wanted.user)
    if person is None:
        raise record_not_found("User was not found.")
    invitation = _try_to(lambda: members.invite(account, person, wanted.role_id, by=request.principal))
    return json_responses.data_response(serialize_invitation(invitation), json_responses.CREATED)


@_manages
def change_member(request: ApiRequest, organization: str, user: str) -> HttpResponse:
    """Give a member another role."""
    account, change = _organization(request, organization), request_body.read_json(request, MemberChange)
    _try_to(lambda: members.change_role(account, _member_id(account, user), change.role_id, by=request.principal))
    found = Membership.objects.select_related("person", "role").get(
        organization=account, person=_member_id(account, user)
    )
    return json_responses.data_response(serialize_member(found))


@account_wide
def end_membership(request: ApiRequest, organization: str, user: str) -> HttpResponse:
    """Remove a member, or leave: with the token of a member, who names themselves."""
    account = _organization(request, organization)
    _try_to(lambda: leaving.end_membership(account, _member_id(account, user), by=request.principal))
    return json_responses.no_content()


@_manages
def list_invitations(request: ApiRequest, organization: str) -> HttpResponse:
    """Answer with the invitations that stand, the newest first."""
    found = members.list_invitations(_organization(request, organization))
    return _list(request, [serialize_invitation(each) for each in found])


@_manages
def revoke_invitation(request: ApiRequest, organization: str, invitation: str) -> HttpResponse:
    """Take an invitation back."""
    account = _organization(request, organization)
    _try_to(lambda: members.revoke_invitation(account, _text(invitation), by=request.principal))
    return json_responses.no_content()


@account_wide
def list_roles(request: ApiRequest, organization: str) -> HttpResponse:
    """Answer with the roles and what each allows."""
    found = roles.list_roles(_organization(request, organization))
    return _list(request, [serialize_role(each) for each in found])


@_manages
def add_role(request: ApiRequest, organization: str) -> HttpResponse:
    """Add a role."""
    account, wanted = _organization(request, organization), request_body.read_json(request, NewRole)
    role = _try_to(lambda: roles.add(account, wanted.name, wanted.permissions, by=request.principal))
    return json_responses.data_response(serialize_role(role), json_responses.CREATED)


@_manages
def change_role(request: ApiRequest, organization: str, role: str) -> HttpResponse:
    """Change what a role allows, or its name."""
    account, change = _organization(request, organization), request_body.read_json(request, RoleChange)
    wanted = {} if change.permissions is UNSET else {role: change.permissions}
    names = {} if change.name is UNSET else {role: change.name}
    _try_to(lambda: roles.edit(account, wanted, names, by=request.principal))
    found = OrganizationRole.objects.filter(organization=account, pk=_text(role)).first()
    if found is None:
        raise _refusal(OrganizationError("organization-role-not-found", "The organization has no such role."))
    return json_responses.data_response(serialize_role(found))


@_manages
def remove_role(request: ApiRequest, organization: str, role: str) -> HttpResponse:
    """Remove a role that no member has."""
    account = _organization(request, organization)
    _try_to(lambda: roles.remove(account, _text(role), by=request.principal))
    return json_responses.no_content()


def _account(request: ApiRequest) -> Account:
    return Account.objects.get(pk=request.principal.account_id)


def _organization(request: ApiRequest, text: str) -> Account:
    """Return the organization that a token acts for, if the address names it by ID or username; 404 otherwise."""
    account = _account(request)
    if not account.is_organization or (text != account.pk and text.lower() != account.username.lower()):
        raise record_not_found("Organization was not found.")
    return account


def _role_of(organization: Account, person_id: str) -> OrganizationRole | None:
    found = Membership.objects.select_related("role").filter(organization=organization, person=person_id).first()
    return found.role if found else None


def _member_id(organization: Account, text: str) -> str:
    """Return the user ID of a member by ID or username; what names none is given back."""
    among = Account.objects.filter(memberships__organization=organization)
    found = Account.objects.find(text, among=among) if "@" not in text else None
    return found.pk if found else _text(text)


def _text(text: str) -> str:
    return "" if "\x00" in text else text


def _list(request: ApiRequest, items: list[dict[str, Any]]) -> HttpResponse:
    page = Page.from_query(request.GET)
    ordered = items[::-1] if page.desc else items
    return json_responses.data_response(page.answer(len(items), ordered[page.offset : page.offset + page.limit]))


def _try_to(change: Callable[[], Result]) -> Result:
    try:
        return change()
    except OrganizationError as refused:
        raise _refusal(refused) from None


def _refusal(refused: OrganizationError) -> ApiError:
    return ApiError(_STATUSES.get(refused.type, HTTPStatus.BAD_REQUEST), refused.type, str(refused))
