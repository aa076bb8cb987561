"""Settings, Organization, Roles: the matrix of all roles on one page, edited as a whole."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Membership, OrganizationRole
from accounts.organizations import roles
from accounts.organizations.errors import OrganizationError
from accounts.organizations.permissions import GROUPS, AccountPermission, Permissions, is_within
from accounts.principal import Role
from accounts.request_types import PageRequest
from console.pages.settings.organization.common import attempt, manages, of_organization
from sharing.declare import SignedIn, Takes, account_wide_for, declare

_HEADINGS = {
    "actors": "Actors, builds and runs",
    "tasks": "Tasks",
    "storages": "Storages",
    "schedules": "Schedules",
    "account": "Organization",
}
_WORDS = {
    "READ": "Read",
    "WRITE": "Write and create",
    "RUN": "Run",
    "BUILD": "Build",
    "VIEW_OWNER_RUNS": "See all runs",
    "MANAGE_ACCESS_RIGHTS": "Manage access",
    "MANAGE_ORGANIZATION": "Manage members, roles and settings",
    "MANAGE_ACCESS_TOKENS": "Manage API tokens",
    "UPDATE_PROFILE": "Change the name",
    "VIEW_AUDIT_TRAIL": "See the activity",
}
_BACK = "settings-organization-roles"


@declare(
    {
        "GET": SignedIn(Takes.WHOLE_ACCOUNT),
        "POST": SignedIn(Takes.WHOLE_ACCOUNT, account_permission=AccountPermission.MANAGE_ORGANIZATION),
    }
)
@require_http_methods(["GET", "HEAD", "POST"])
@of_organization
def matrix(request: PageRequest) -> HttpResponse:
    """Show what each role allows, and save all of them at once."""
    found = roles.list_roles(request.account)
    if request.method != "POST":
        return _page(request, found)
    wanted = {role.pk: _ticked(request, role) for role in found if f"sent.{role.pk}" in request.POST}
    names = {role.pk: request.POST.get(f"name.{role.pk}", role.name) for role in found if role.pk in wanted}
    try:
        changed = roles.edit(request.account, wanted, names, by=request.principal)
    except OrganizationError as refused:
        for role in found:
            role.permissions = wanted.get(role.pk, role.permissions)
            role.name = names.get(role.pk, role.name)
        return _page(request, found, error=str(refused), status=HTTPStatus.UNPROCESSABLE_ENTITY)
    said = ", ".join(role.name for role in changed)
    messages.success(request, f"Saved: {said}. It counts from the next request on." if said else "Nothing changed.")
    return redirect(_BACK)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_POST
@of_organization
def add(request: PageRequest) -> HttpResponse:
    """Add a role that allows nothing yet."""

    def change() -> str:
        role = roles.add(request.account, request.POST.get("name", "")[:200], by=request.principal)
        return f"The role {role.name} is added. It allows nothing yet: tick what it is to allow, and save."

    return attempt(request, change, back=_BACK)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_POST
@of_organization
def remove(request: PageRequest, role_id: str) -> HttpResponse:
    """Remove a role that no member has."""

    def change() -> str:
        roles.remove(request.account, role_id, by=request.principal)
        return "The role is removed."

    return attempt(request, change, back=_BACK)


def _ticked(request: PageRequest, role: OrganizationRole) -> Permissions:
    return {group: request.POST.getlist(f"{group}.{role.pk}") for group in GROUPS}


def _page(
    request: PageRequest, found: list[OrganizationRole], *, error: str = "", status: int = HTTPStatus.OK
) -> HttpResponse:
    own, manager = request.principal.role, manages(request)
    memberships = Membership.objects.filter(organization=request.account.pk).select_related("person")
    by_role: dict[str, list[str]] = {}
    for each in memberships.order_by("person__username"):
        by_role.setdefault(each.role_id, []).append(each.person.username)
    mine = {each.role_id for each in memberships if each.person_id == request.principal.person_id}
    columns = [
        {
            "role": role,
            "is_fixed": not manager or role.is_owner or role.pk in mine or not is_within(role.permissions, own),
            "why": _why_fixed(role, is_mine=role.pk in mine),
            "members": by_role.get(role.pk, []),
        }
        for role in found
    ]
    groups = [
        {"heading": _HEADINGS[group], "rows": [_row(group, name, columns, own) for name in names]}
        for group, names in GROUPS.items()
    ]
    context = {"columns": columns, "groups": groups, "error": error, "manages": manager}
    return render(request, "settings/organization/roles.html", context, status=status)


def _row(group: str, name: str, columns: list[dict[str, object]], own: Role | None) -> dict[str, object]:
    """Return a line of the matrix: a box for each role, fixed where the member may not change it."""
    cells = []
    for column in columns:
        role = column["role"]
        assert isinstance(role, OrganizationRole)  # noqa: S101  # put there right above
        cells.append(
            {
                "role": role,
                "field": f"{group}.{role.pk}",
                "is_ticked": name in role.permissions.get(group, []),
                "is_fixed": column["is_fixed"] or not is_within({group: [name]}, own),
            }
        )
    return {"name": name, "words": _WORDS[name], "cells": cells}


def _why_fixed(role: OrganizationRole, *, is_mine: bool) -> str:
    if role.is_owner:
        return "It always allows everything."
    return "This is your own role." if is_mine else "It allows more than your own role."
