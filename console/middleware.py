"""What the pages need besides Django's own middleware. No call of the API comes here (console/wsgi.py)."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, cast

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from accounts.lib.ids import looks_like_id
from accounts.middleware import is_api
from accounts.request_types import PageRequest
from console.http.error_handlers import error_page
from console.http.shown_account import ASKED_FOR, WAS_SENT, offer_accounts, refuse_form

SETTINGS: Final = "/settings"
GetResponse = Callable[[HttpRequest], HttpResponse]


class NoStoreMiddleware:
    """Let no cache keep a page, for it shows what one account may see at this moment; a view may say otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the header, unless the view has set one."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class MethodNotAllowedMiddleware:
    """Gives a page's bare refusal of a method a page to go on from. It keeps the header that names the methods."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as the view does, with a page where it only says that the method is not allowed."""
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        page = error_page(request, HTTPStatus.METHOD_NOT_ALLOWED, "This address cannot be opened by itself")
        page.headers["Allow"] = response.headers["Allow"]
        return page


class ShownAccountMiddleware:
    """Keeps a form that was shown for one account from changing another, and a link for one from showing another.

    Every form carries the account that it was shown for. For an organization one that carries none is refused, too.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the work is done once it may be answered and its form is read."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer with a page that offers both accounts, or return None."""
        asked = cast("PageRequest", request)
        current = asked.principal.account_id
        if current is None or is_api(request) or getattr(view, "for_any_account", False):
            return None
        if request.method in ("GET", "HEAD"):
            return _refuse_link(asked, current)
        if getattr(view, "csrf_exempt", False):
            return None  # it reads the form by itself, and asks `refuse_form` then
        return refuse_form(asked)


def _refuse_link(request: PageRequest, current: str) -> HttpResponse | None:
    """Refuse a link that is for another account; give the address of a page about an organization its account."""
    named = request.GET.get(ASKED_FOR, "")
    is_form = WAS_SENT in request.GET
    if (named and looks_like_id(named) and named != current) or (is_form and named != current):
        return offer_accounts(request, {named}, is_form=is_form)
    is_about_account = request.path == SETTINGS or request.path.startswith(f"{SETTINGS}/")
    if not named and is_about_account and request.principal.person_id and not request.htmx:
        query = request.GET.copy()
        query[ASKED_FOR] = current
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")
    return None
