"""Which middleware serves which surface.

The console's pages read a session, check CSRF tokens and speak HTML; the API knows no cookies and is called
thousands of times a second. So everything that belongs to pages steps aside for `/v2/`.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import csp.middleware
import django.contrib.auth.middleware
import django.contrib.messages.middleware
import django.contrib.sessions.middleware
import django.middleware.clickjacking
import django.middleware.common
import django.middleware.csrf
import django.middleware.security
import django_htmx.middleware
import whitenoise.middleware
from django.http import HttpRequest, HttpResponse

from accounts.middleware import API_PREFIX, is_api
from accounts.sessions import SessionActivityMiddleware as _SessionActivityMiddleware
from console.api.way import respond
from console.errors import error_page
from resources.calls import caller

GetResponse = Callable[[HttpRequest], HttpResponse]
_HOOKS = ("process_view", "process_exception", "process_template_response")


def pages_only(factory: Callable[[GetResponse], Any], hooks: tuple[str, ...] = _HOOKS) -> Callable[[GetResponse], Any]:
    """Return the middleware with those of its `hooks`, passing requests to the API by as if it were not there."""

    def middleware(get_response: GetResponse) -> Callable[[HttpRequest], HttpResponse]:
        inner = factory(get_response)

        def outer(request: HttpRequest) -> HttpResponse:
            return get_response(request) if is_api(request) else inner(request)

        def passing_by(hook: Callable[..., Any]) -> Callable[..., Any]:
            return lambda request, *args, **kwargs: None if is_api(request) else hook(request, *args, **kwargs)

        for name in hooks:
            hook = getattr(inner, name, None)
            if hook is not None:
                setattr(outer, name, passing_by(hook))
        return outer

    return middleware


SecurityMiddleware = pages_only(django.middleware.security.SecurityMiddleware)
WhiteNoiseMiddleware = pages_only(whitenoise.middleware.WhiteNoiseMiddleware)
CSPMiddleware = pages_only(csp.middleware.CSPMiddleware)
SessionMiddleware = pages_only(django.contrib.sessions.middleware.SessionMiddleware)
CommonMiddleware = pages_only(django.middleware.common.CommonMiddleware)
# It gives and reads the cookie. The check comes after the decision, for it reads the form.
CsrfViewMiddleware = pages_only(django.middleware.csrf.CsrfViewMiddleware, hooks=())
AuthenticationMiddleware = pages_only(django.contrib.auth.middleware.AuthenticationMiddleware)
MessageMiddleware = pages_only(django.contrib.messages.middleware.MessageMiddleware)
SessionActivityMiddleware = pages_only(_SessionActivityMiddleware)
HtmxMiddleware = pages_only(django_htmx.middleware.HtmxMiddleware)
XFrameOptionsMiddleware = pages_only(django.middleware.clickjacking.XFrameOptionsMiddleware)


def _kept_by_nobody(get_response: GetResponse) -> GetResponse:
    """Let no cache keep a page, for it shows what one account may see at this moment; a view may say otherwise."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return middleware


NoStoreMiddleware = pages_only(_kept_by_nobody)


class _CsrfCheck(django.middleware.csrf.CsrfViewMiddleware):
    """Only the check of the token; the cookie is looked after by the middleware above."""

    def __call__(self, request: HttpRequest) -> Any:
        return self.get_response(request)


CsrfCheckMiddleware = pages_only(_CsrfCheck)


class MethodNotAllowedMiddleware:
    """Gives a page's bare refusal of a method a page to go on from. It keeps the header that names the methods."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as the view does, with a page where it only says that the method is not allowed."""
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED or is_api(request):
            return response
        page = error_page(request, HTTPStatus.METHOD_NOT_ALLOWED, "This address cannot be opened by itself")
        page.headers["Allow"] = response.headers["Allow"]
        return page


class ApiMiddleware:
    """Answers the API (console/api/way.py), before everything that belongs to pages.

    A dozen layers that step aside one by one would cost as much as the decision.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer a call of the API, or pass the request of a page on."""
        return respond(request) if is_api(request) or _comes_from_a_run(request) else self.get_response(request)


def _comes_from_a_run(request: HttpRequest) -> bool:
    """Tell whether a run calls the API by the address that it was given, and if so take the run out of the path."""
    run_id, path = caller(request.path_info)
    if not run_id or not path.startswith(API_PREFIX):
        return False
    request.from_run = run_id  # type: ignore[attr-defined]  # our own attribute
    request.path_info = path
    return True
