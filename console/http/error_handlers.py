"""Error handlers: 404 and 500 as JSON on the API and as pages elsewhere."""

import sys
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.lib.api_errors import RETRY_AFTER_SECONDS, ApiError
from accounts.lib.database_errors import is_full, is_unavailable
from accounts.middleware import is_api
from resources.records.files import StorageAway

_FOR_THE_API: dict[int, ApiError] = {}


def as_api_response(response: HttpResponse) -> HttpResponse:
    """Return an answer of the API as it is, unless it is one of the pages that Django shows to developers.

    With DEBUG Django does not ask the handlers below. What it would show is in the log as well.
    """
    is_page = response.status_code in _FOR_THE_API and response.headers.get("Content-Type", "").startswith("text/")
    return _FOR_THE_API[response.status_code].response() if is_page and settings.DEBUG else response


def error_page(request: HttpRequest, status: HTTPStatus, message: str) -> HttpResponse:
    """Answer a page with an error; its heading is `message`, which is a sentence."""
    return render(request, "error.html", {"status": status, "message": message.removesuffix(".")}, status=status)


def _handler(status: HTTPStatus, type_: str, message: str) -> Any:
    error = _FOR_THE_API[status] = ApiError(status, type_, message)

    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if is_api(request):
            return error.response()
        return error_page(request, status, message)

    return handle


bad_request = _handler(HTTPStatus.BAD_REQUEST, "invalid-input", "The request could not be understood.")
forbidden = _handler(HTTPStatus.FORBIDDEN, "insufficient-permissions", "This is not permitted.")
not_found = _handler(HTTPStatus.NOT_FOUND, "page-not-found", "There is nothing at this address.")
_server_error = _handler(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal-server-error", "Something went wrong on our side. It has been logged."
)
_UNAVAILABLE = ApiError(
    HTTPStatus.SERVICE_UNAVAILABLE, "service-unavailable", "The database does not answer. Try again in a moment."
)
_RECORDS_UNAVAILABLE = ApiError(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "service-unavailable",
    "The storage of records does not answer. Try again in a moment.",
)
_FULL = ApiError(
    HTTPStatus.INSUFFICIENT_STORAGE,
    "insufficient-storage",
    "The server's disk is full, so this was not saved. Reading and deleting work; its administrator has to make space.",
)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what went wrong with a 500, or with a 503 or 507 where the database is away or the disk is full."""
    fault = fault_error(sys.exc_info()[1])
    if fault is None:
        response: HttpResponse = _server_error(request)
        return response
    return fault_response(request, fault)


def fault_error(error: BaseException | None) -> ApiError | None:
    """Return the answer to an error that is no bug: a database or bucket that is away, or a full disk; else None."""
    if error is None:
        return None
    if isinstance(error, StorageAway):
        return _RECORDS_UNAVAILABLE
    if is_full(error):
        return _FULL
    return _UNAVAILABLE if is_unavailable(error) else None


def fault_response(request: HttpRequest, fault: ApiError) -> HttpResponse:
    """Answer with a fault. A page is plain text: to render one of ours would ask the database again."""
    if is_api(request):
        response: HttpResponse = fault.response()
    else:
        response = HttpResponse(f"{fault.message}\n", content_type="text/plain; charset=utf-8", status=fault.status)
    if fault.status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = RETRY_AFTER_SECONDS
    return response
