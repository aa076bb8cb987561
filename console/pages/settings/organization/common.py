"""What the pages of an organization have in common."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from accounts.models import Account, Membership
from accounts.organizations.errors import OrganizationError
from accounts.organizations.permissions import AccountPermission
from accounts.request_types import PageRequest

View = TypeVar("View", bound=Callable[..., Any])


def of_organization(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view be for those who act for an organization; to others there is nothing at its address."""

    @wraps(view)
    def check(request: PageRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.account.is_organization:
            raise Http404
        return view(request, *args, **kwargs)

    return check


def attempt(request: PageRequest, change: Callable[[], str], *, back: str = "settings-organization") -> HttpResponse:
    """Make a change and go back to a page, with the sentence that `change` returns or that says why it is refused."""
    try:
        messages.success(request, change())
    except OrganizationError as refused:
        messages.error(request, str(refused))
    return redirect(back)


def manages(request: PageRequest) -> bool:
    """Tell whether the member who acts may manage members and roles."""
    return request.principal.may_for_account(AccountPermission.MANAGE_ORGANIZATION)


def check_is_owner(request: PageRequest) -> None:
    """Let the Owner go on.

    Raises:
        Http404: for all other members.
    """
    if not get_member(request.account, request.principal.person_id).role.is_owner:
        raise Http404


def get_member(organization: Account, person_id: str) -> Membership:
    """Return the membership of a person.

    Raises:
        Http404: when they have none.
    """
    found = Membership.objects.select_related("person", "role", "organization").filter(organization=organization.pk)
    membership = found.filter(person_id=person_id).first() if "\x00" not in person_id else None
    if membership is None:
        raise Http404
    return membership
