"""Handle an API call: authenticate, route, authorize, answer by the view, add headers.

It is what Django's handler does with middleware, for which a page has a dozen layers. The API needs two of them, and
it is called thousands of times a second.
"""

import logging
from functools import lru_cache
from http import HTTPStatus

from django.conf import settings
from django.core.handlers.exception import response_for_exception
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from accounts.lib.api_errors import RETRY_AFTER_SECONDS, ApiError
from accounts.middleware import UNKNOWN_TOKEN, principal_from_token
from accounts.request_context import request_context
from accounts.tokens import UnknownToken
from console.http import refusal_log
from console.http.error_handlers import as_api_response, fault_error, fault_response
from console.http.parking import PARKED, Wait
from console.http.responses import DefaultHeaders
from console.http.routing import resolve_view
from sharing.enforcement import reauthorize
from sharing.middleware import authorize
from sharing.permissions import Permission

_log = logging.getLogger(__name__)

# Open CORS and no sniffing. What one may read can change with the next request, so no cache in between keeps an answer,
# unless a view says more.
_ON_ALL = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "*",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}
_HEADERS = DefaultHeaders(_ON_ALL)
_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "*, Authorization",
    "Access-Control-Max-Age": "86400",
}
_REFUSALS = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND})
_WITHOUT_LENGTH = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


def respond(request: HttpRequest) -> HttpResponse:
    """Answer a preflight at once; add the headers to everything else, and take the body off a HEAD."""
    if request.method == "OPTIONS":
        response = HttpResponse(status=HTTPStatus.NO_CONTENT, headers=_PREFLIGHT_HEADERS)
    else:
        response = as_api_response(_answer(request))
        if response.status_code in _REFUSALS:
            refusal_log.log_refusal(request, response)
        elif response.streaming:
            reauthorize.reauthorize_stream(request, response)
    hsts_seconds = settings.SECURE_HSTS_SECONDS
    if hsts_seconds and request.is_secure():
        _headers_over_tls(hsts_seconds, settings.SECURE_HSTS_INCLUDE_SUBDOMAINS).apply(response)
    else:
        _HEADERS.apply(response)
    needed = getattr(request, "needed_permissions", None)
    if needed is not None:
        response.headers["X-Accepted-Permissions"] = _names(needed)
    if "signature=" in request.META.get("QUERY_STRING", ""):
        response.headers["Referrer-Policy"] = "no-referrer"  # the address opens what it is the address of
    if not response.streaming and response.status_code not in _WITHOUT_LENGTH:
        response.headers.setdefault("Content-Length", str(len(response.content)))
    if request.method == "HEAD":
        _take_body_off(response)
    return response


@lru_cache(maxsize=64)
def _names(permissions: tuple[Permission, ...]) -> str:
    """Return the permissions of which one is enough, as a header names them."""
    return ", ".join(permission.name or "" for permission in permissions)


@lru_cache(maxsize=4)
def _headers_over_tls(hsts_seconds: int, include_subdomains: bool) -> DefaultHeaders:
    """Return the headers with what Django's SecurityMiddleware adds to pages."""
    subdomains = "; includeSubDomains" if include_subdomains else ""
    return DefaultHeaders({**_ON_ALL, "Strict-Transport-Security": f"max-age={hsts_seconds}{subdomains}"})


def _answer(request: HttpRequest) -> HttpResponse:
    """Return the answer of the view that the path names, or the refusal; an exception becomes an answer, too."""
    parked: Wait | None = request.META.get(PARKED)
    try:
        with request_context(request):
            # A request that was parked has been let through, and has waited.
            return _call_view(request) if parked is None else parked.answer()  # type: ignore[return-value]  # see _call_view
    except UnknownToken:
        return UNKNOWN_TOKEN.response()
    except ApiError as error:
        response = error.response()
        if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            response.headers.setdefault("Retry-After", RETRY_AFTER_SECONDS)
        return response
    except reauthorize.NoLongerAllowed as refused:
        return refused.response
    except Exception as error:
        fault = fault_error(error)
        if fault is not None:
            _log.warning("%s %s: %s", request.method, request.path, " ".join(str(error).split()))
            return fault_response(request, fault)
        # Django reports it, and answers as console/http/error_handlers.py says
        return response_for_exception(request, error)


def _call_view(request: HttpRequest) -> HttpResponseBase:
    """Authenticate, route, authorize, and return the answer of the view or the refusal.

    Each is an HttpResponse or streams, which have the same headers, status and closers.

    Raises:
        UnknownToken: for a token that speaks for no account.
        Http404: for a path that no view answers at.
    """
    request.principal = principal_from_token(request)  # type: ignore[attr-defined]  # our own attribute
    found = resolve_view(request.path_info)
    if found is None:
        raise Http404
    view, arguments = found
    return authorize(request, view, arguments) or view(request, **arguments)


def _take_body_off(response: HttpResponse) -> None:
    if response.streaming:
        response.streaming_content = ()  # type: ignore[attr-defined]  # a streaming response has it
    else:
        response.content = b""
