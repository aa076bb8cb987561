"""The organizations of a person: listed, made, joined, and switched to."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.middleware import act_for
from accounts.organizations import editing, members
from accounts.organizations.acting import load_principal
from accounts.organizations.errors import OrganizationError
from accounts.request_types import PageRequest
from console.http.shown_account import for_any_account
from console.pages.components.forms import BaseForm
from console.pages.components.resource_dialogs import name_field
from sharing.declare import any_token

_ABOUT_PERSON = "it is about the person, not the account that they act for"


class NewOrganizationForm(BaseForm):
    """The username of a new organization."""

    username = name_field(
        help_text="3 to 30 letters, digits, dots, dashes and underscores. It is part of the names of all that it owns."
    )
    labels = {"username": "Username of the organization"}
    first_field = "username"


@any_token(_ABOUT_PERSON)
@require_safe
def list_organizations(request: PageRequest) -> HttpResponse:
    """Show the organizations of the person, and the invitations that they can accept."""
    context = {"invitations": members.list_invitations_of(request.user)}
    return render(request, "settings/organization/yours.html", context)


@any_token(_ABOUT_PERSON)
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: PageRequest) -> HttpResponse:
    """Make an organization, and act for it from then on."""
    form = NewOrganizationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = editing.create(form.cleaned_data["username"], by=request.user.principal)
        except OrganizationError as refused:
            form.add_error("username", str(refused))
        else:
            _switch(request, made.pk)
            messages.success(request, f"The organization {made} is made. You are its Owner, and act for it now.")
            return redirect("settings-organization")
    context = {"form": form, "most_owned": editing.MOST_OWNED}
    return render(request, "settings/organization/new.html", context, status=422 if form.errors else 200)


@for_any_account
@any_token(_ABOUT_PERSON)
@require_POST
def switch(request: PageRequest) -> HttpResponse:
    """Act for another account of the person from now on."""
    back_to = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back_to, {request.get_host()}, require_https=request.is_secure()):
        back_to = "/"
    _switch(request, request.POST.get("account", ""))
    return redirect(back_to)


@any_token(_ABOUT_PERSON)
@require_POST
def accept(request: PageRequest, invitation_id: str) -> HttpResponse:
    """Accept an invitation, or the role of the Owner, and act for the organization from then on."""
    try:
        accepted = members.accept(request.user, invitation_id)
    except OrganizationError as refused:
        messages.error(request, str(refused))
        return redirect("organizations")
    _switch(request, accepted.organization_id)
    messages.success(request, f"You are {accepted.role} in {accepted.organization}, and act for it now.")
    return redirect("dashboard")


@any_token(_ABOUT_PERSON)
@require_POST
def decline(request: PageRequest, invitation_id: str) -> HttpResponse:
    """Decline an invitation, or the role of the Owner."""
    try:
        declined = members.decline(request.user, invitation_id)
        messages.success(request, f"You declined the invitation of {declined.organization}.")
    except OrganizationError as refused:
        messages.error(request, str(refused))
    return redirect("organizations")


def _switch(request: PageRequest, account_id: str) -> None:
    principal = load_principal(request.user, account_id) if "\x00" not in account_id else None
    if principal is None:
        raise Http404
    act_for(request, principal)
