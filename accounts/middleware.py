"""Sets `request.principal`: from the session on the console's pages, from the token on the API.

A cookie never authenticates an API call, and an API token never opens a page.
"""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse

from accounts import tokens
from accounts.lib.api_errors import ApiError
from accounts.principal import ANONYMOUS, Principal
from accounts.request_context import request_context

API_ROOT = "/v2"
API_PREFIX = f"{API_ROOT}/"
UNKNOWN_TOKEN = ApiError(
    HTTPStatus.UNAUTHORIZED,
    "user-or-token-not-found",
    "The API token is unknown, expired or revoked.",
)


def is_api(request: HttpRequest) -> bool:
    """Tell whether a request is for the HTTP API and not for a page."""
    return request.path_info.startswith(API_PREFIX) or request.path_info == API_ROOT


class SessionPrincipalMiddleware:
    """Reads the session of a page. The API reads the token by itself (console/http/handler.py)."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set the principal, which may be anonymous."""
        request.principal = principal_from_session(request)  # type: ignore[attr-defined]  # our own attribute
        with request_context(request):
            return self.get_response(request)


def principal_from_session(request: HttpRequest) -> Principal:
    """Return the account that is signed in on this session, or the anonymous principal."""
    user = request.user
    if not user.is_authenticated or user.is_organization:
        return ANONYMOUS
    return Principal(user.pk, user.username, user.email)


def reload_principal(request: HttpRequest) -> Principal:
    """Return the account that a request's credential speaks for now, read anew: its token, or its session.

    Raises:
        UnknownToken: when there is a token and it speaks for no account any more.
    """
    if is_api(request):
        return principal_from_token(request)
    kept = request.session
    again = HttpRequest()
    again.session = type(kept)(kept.session_key)
    again.user = get_user(again)
    return principal_from_session(again)


def principal_from_token(request: HttpRequest) -> Principal:
    """Return the account that the request's API token speaks for, or the anonymous principal without a token.

    Raises:
        UnknownToken: when the token is unknown, expired or revoked.
    """
    text = token_from_request(request)
    return ANONYMOUS if text is None else tokens.resolve(text, user_agent=request.META.get("HTTP_USER_AGENT", ""))


def token_from_request(request: HttpRequest) -> str | None:
    """Return the text of the request's API token, None without one.

    An empty one is none, in the header too: programs write it there when the variable that they take it from is unset.

    Raises:
        UnknownToken: when it is in the address, and this server takes none from there.
    """
    scheme, _, value = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    in_header = str(value).strip() if scheme.lower() == "bearer" else ""
    if in_header:
        return in_header
    in_address = str(request.GET.get("token", ""))
    if in_address and not settings.API_ACCEPTS_TOKEN_IN_QUERY:
        raise tokens.UnknownToken
    return in_address or None
