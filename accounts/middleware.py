"""Sets `request.principal`: from the session on the console's pages, from the token on the API.

A cookie never authenticates an API call, and an API token never opens a page.
"""

from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import get_user
from django.http import HttpRequest, HttpResponse
from django.utils.functional import SimpleLazyObject

from accounts import tokens
from accounts.lib.api_errors import ApiError
from accounts.models import Account
from accounts.organizations.acting import load_organizations, load_principal
from accounts.principal import ANONYMOUS, Principal
from accounts.request_context import request_context

API_ROOT = "/v2"
API_PREFIX = f"{API_ROOT}/"
_ACTS_FOR = "acts_for"
_NO_MEMBER = "You are not a member of that organization any more. You act for your own account, {}, now."
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
        """Set the principal, which may be anonymous, and the account that it acts for."""
        asked: Any = request
        asked.principal = principal_from_session(request)
        user = request.user
        if user.is_authenticated and request.session.get(_ACTS_FOR, user.pk) != asked.principal.account_id:
            _act_for_own_account(request)
        asked.account = _account_of(request, asked.principal)
        asked.organizations = SimpleLazyObject(lambda: _organizations_of(request))
        with request_context(request):
            return self.get_response(request)


def principal_from_session(request: HttpRequest) -> Principal:
    """Return the person who is signed in on this session, as they act for the account that they chose last.

    They act for their own where they chose none, or are no member of that one any more. Anonymous without a person.
    """
    user = request.user
    if not user.is_authenticated or user.is_organization:
        return ANONYMOUS
    account_id = request.session.get(_ACTS_FOR, user.pk)
    return load_principal(user, account_id) or user.principal


def act_for(request: HttpRequest, principal: Principal) -> None:
    """Let a session act for the account of a principal, which is of its person, from the next request on."""
    request.session[_ACTS_FOR] = principal.account_id


def _act_for_own_account(request: HttpRequest) -> None:
    request.session.pop(_ACTS_FOR, None)
    messages.warning(request, _NO_MEMBER.format(request.user))


def _account_of(request: HttpRequest, principal: Principal) -> Any:
    """Return the account that a principal acts for; another than the person's own is loaded when it is asked for."""
    if principal.account_id in (None, request.user.pk):
        return request.user
    return SimpleLazyObject(lambda: Account.objects.get(pk=principal.account_id))


def _organizations_of(request: HttpRequest) -> Sequence[Principal]:
    return load_organizations(request.user) if request.user.is_authenticated else ()


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
