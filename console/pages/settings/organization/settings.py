"""Settings, Organization: who it is, its members and invitations, and what its Owner alone does with it."""

from collections.abc import Sequence

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.lookups import TooManyLookups, find_account
from accounts.organizations import editing, members, roles
from accounts.organizations.errors import OrganizationError
from accounts.organizations.permissions import AccountPermission, is_within
from accounts.request_types import PageRequest
from console.pages.account.reauthenticate import ask_first
from console.pages.settings.organization.common import attempt, check_is_owner, get_member, manages, of_organization
from resources.kinds import KINDS
from resources.models import Schedule
from sharing.declare import account_wide, account_wide_for
from sharing.organizations import deleting, leaving

_LONGEST = 200


@account_wide
@require_safe
@of_organization
def overview(request: PageRequest) -> HttpResponse:
    """Show the organization, its members and its invitations."""
    own = request.principal.role
    found = members.list_members(request.account)
    all_roles = roles.list_roles(request.account)
    manager = manages(request)
    rows = [
        {
            "member": each,
            "is_me": each.person_id == request.principal.person_id,
            "may_change": manager
            and not each.role.is_owner
            and each.person_id != request.principal.person_id
            and is_within(each.role.permissions, own),
        }
        for each in found
    ]
    context = {
        "rows": rows,
        "roles": all_roles,
        "givable": [role for role in all_roles if not role.is_owner and is_within(role.permissions, own)],
        "invitations": members.list_invitations(request.account),
        "manages": manager,
        "is_owner": any(each.role.is_owner and each.person_id == request.principal.person_id for each in found),
        "may_rename": request.principal.may_for_account(AccountPermission.UPDATE_PROFILE),
    }
    return render(request, "settings/organization/overview.html", context)


@account_wide_for(AccountPermission.UPDATE_PROFILE)
@require_POST
@of_organization
def rename(request: PageRequest) -> HttpResponse:
    """Give the organization another username."""
    username = request.POST.get("username", "")[:_LONGEST].strip()

    def change() -> str:
        if not editing.rename(request.account, username, by=request.principal):
            return "That is already its name."
        return f"The organization is called {username} now. Names of what it owns begin with that."

    return attempt(request, change)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_POST
@of_organization
def invite(request: PageRequest) -> HttpResponse:
    """Invite a person, by their username, user ID or verified email."""
    who = request.POST.get("who", "")[:_LONGEST].strip()

    def change() -> str:
        try:
            person = find_account(request, request.principal, who)
        except TooManyLookups:
            message = "You have named many accounts that do not exist. Wait ten minutes, then try again."
            raise OrganizationError("rate-limit-exceeded", message) from None
        if person is None:
            raise OrganizationError("user-not-found", f"No account found for “{who}”. Check the spelling.")
        invitation = members.invite(request.account, person, request.POST.get("role", ""), by=request.principal)
        return f"{person} is invited as {invitation.role}, and becomes a member when they accept."

    return attempt(request, change)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_POST
@of_organization
def revoke_invitation(request: PageRequest, invitation_id: str) -> HttpResponse:
    """Take an invitation back."""

    def change() -> str:
        members.revoke_invitation(request.account, invitation_id, by=request.principal)
        return "The invitation is taken back."

    return attempt(request, change)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_POST
@of_organization
def change_role(request: PageRequest, person_id: str) -> HttpResponse:
    """Give a member another role."""
    membership = get_member(request.account, person_id)

    def change() -> str:
        wanted = request.POST.get("role", "")
        if not members.change_role(request.account, person_id, wanted, by=request.principal):
            return f"{membership.person} has this role already."
        return f"The role of {membership.person} is changed. It counts from their next request on."

    return attempt(request, change)


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
@require_http_methods(["GET", "HEAD", "POST"])
@of_organization
def remove(request: PageRequest, person_id: str) -> HttpResponse:
    """Show what a member has and made, then remove them."""
    membership = get_member(request.account, person_id)
    if request.method != "POST":
        context = {"membership": membership, "traces": leaving.load_traces(membership), "leaves": False}
        return render(request, "settings/organization/remove.html", context)

    def change() -> str:
        switched_off = leaving.end_membership(request.account, person_id, by=request.principal)
        return f"{membership.person} is not a member any more. {_switched_off(switched_off)}".strip()

    return attempt(request, change)


@account_wide
@require_http_methods(["GET", "HEAD", "POST"])
@of_organization
def leave(request: PageRequest) -> HttpResponse:
    """Show what the member has and made, then end their membership."""
    membership = get_member(request.account, request.principal.person_id)
    if request.method != "POST":
        context = {"membership": membership, "traces": leaving.load_traces(membership), "leaves": True}
        return render(request, "settings/organization/remove.html", context)

    def change() -> str:
        leaving.end_membership(request.account, membership.person_id, by=request.principal)
        return f"You left {request.account}."

    return attempt(request, change, back="organizations")


@account_wide
@require_http_methods(["GET", "HEAD", "POST"])
@of_organization
def hand_over(request: PageRequest) -> HttpResponse:
    """Offer the role of the Owner to another member, who has to accept it."""
    check_is_owner(request)
    if request.method != "POST":
        found = [each for each in members.list_members(request.account) if not each.role.is_owner]
        others = [role for role in roles.list_roles(request.account) if not role.is_owner]
        return render(request, "settings/organization/hand_over.html", {"members": found, "roles": others})
    asked = ask_first(request, "settings-organization-hand-over", section="hand-over")
    if asked:
        return asked

    def change() -> str:
        to, next_role = request.POST.get("member", ""), request.POST.get("role", "")
        offer = members.offer_ownership(request.account, to, next_role, by=request.principal)
        return f"{offer.person} is asked to be the Owner. You stay the Owner until they accept."

    return attempt(request, change)


@account_wide
@require_http_methods(["GET", "HEAD", "POST"])
@of_organization
def delete(request: PageRequest) -> HttpResponse:
    """Show what goes with the organization, then delete it once its username is typed."""
    check_is_owner(request)
    contents = deleting.load_contents(request.account)
    counts = contents.resources.items()
    listed = [(number, KINDS[kind].noun if number == 1 else KINDS[kind].plural) for kind, number in counts]
    context = {"contents": contents, "listed": listed, "error": ""}
    if request.method != "POST":
        return render(request, "settings/organization/delete.html", context)
    asked = ask_first(request, "settings-organization-delete", section="delete-organization")
    if asked:
        return asked
    name = request.account.username
    if request.POST.get("username", "").strip() != name:
        context["error"] = f"Type {name} to delete it."
        return render(request, "settings/organization/delete.html", context, status=422)
    try:
        deleting.delete(request.account, by=request.principal)
    except OrganizationError as refused:
        context["error"] = str(refused)
        return render(request, "settings/organization/delete.html", context, status=422)
    messages.success(request, f"The organization {name} is deleted, with all that it had.")
    return redirect("organizations")


def _switched_off(schedules: Sequence[Schedule]) -> str:
    if not schedules:
        return ""
    names = ", ".join(str(each) for each in schedules)
    return f"Switched off, because they acted as this member: {names}."
