"""Which account a form was shown for: each form and each request of a script carries it.

A person acts for one account at a time, and may have pages of several open. A form that was shown for another account
than the one that is current changes nothing: the page that answers offers both.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.http import HttpRequest

SHOWN_FOR: Final = "shown_for"
HEADER: Final = "X-Shown-For"
ASKED_FOR: Final = "account"
View = TypeVar("View", bound=Callable[..., Any])


def shown_for(request: HttpRequest) -> set[str]:
    """Return the IDs of the accounts that a form and the script that sent it name; the form is read."""
    return {each for each in (request.headers.get(HEADER, ""), *request.POST.getlist(SHOWN_FOR)) if each}


def for_any_account(view: View) -> View:
    """Declare that the form of a view is about the person, whichever account is current: to switch, or to sign out."""
    view.for_any_account = True  # type: ignore[attr-defined]  # functions carry attributes
    return view
