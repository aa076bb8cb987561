"""Which account a form was shown for: each form and each request of a script carries it.

A person acts for one account at a time, and may have pages of several open. A form that was shown for another account
than the one that is current changes nothing: the page that answers offers both.
"""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlencode, urlsplit

from django.http import HttpResponse
from django.shortcuts import render

from accounts.lib.ids import looks_like_id
from accounts.request_types import PageRequest
from sharing.enforcement.refusals import page_to_return_to

SHOWN_FOR: Final = "shown_for"
HEADER: Final = "X-Shown-For"
ASKED_FOR: Final = "account"
WAS_SENT: Final = "form_was_sent"
View = TypeVar("View", bound=Callable[..., Any])


def refuse_form(request: PageRequest) -> HttpResponse | None:
    """Refuse a form that was shown for another account than the one that is current; None where it is for this one.

    The form is read. For an organization one that names no account is refused, too, and so is one whose address is for
    another account.
    """
    named = {each for each in (request.headers.get(HEADER, ""), *request.POST.getlist(SHOWN_FOR)) if each}
    linked = request.GET.get(ASKED_FOR, "")
    if looks_like_id(linked) and linked != request.principal.account_id:
        named = {linked}
    if named == {request.principal.account_id} or (not named and not request.principal.person_id):
        return None
    if request.htmx:  # a refusal takes no part of a page; the whole page offers the accounts
        query = urlencode([(ASKED_FOR, next(iter(named), "")), (WAS_SENT, "1")])
        back_to = urlsplit(page_to_return_to(request)).path
        return HttpResponse(status=HTTPStatus.CONFLICT, headers={"HX-Redirect": f"{back_to}?{query}"})
    return offer_accounts(request, named, is_form=True)


def offer_accounts(request: PageRequest, named: Collection[str], *, is_form: bool) -> HttpResponse:
    """Answer that a form or a link is for other accounts, and offer those of them that are the person's."""
    mine = [request.user.principal, *request.organizations]
    others = [each for each in mine if each.account_id in named and each.account_id != request.principal.account_id]
    back_to = page_to_return_to(request)
    is_of_other = f"{ASKED_FOR}=" in back_to
    path = urlsplit(back_to).path
    context = {
        "others": others,
        "back_to": path if request.GET.get(WAS_SENT) else back_to,
        "stay": path if is_form and not (is_of_other and path.startswith("/settings")) else "/",
        "is_form": is_form,
    }
    return render(request, "other_account.html", context, status=HTTPStatus.CONFLICT)


def for_any_account(view: View) -> View:
    """Declare that the form of a view is about the person and no account: to switch accounts, or to sign out."""
    view.for_any_account = True  # type: ignore[attr-defined]  # functions carry attributes
    return view
