"""Error handlers: 404 and 500 as JSON on the API and as pages elsewhere."""

from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.lib.api_errors import ApiError
from accounts.middleware import is_api

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
server_error = _handler(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal-server-error", "Something went wrong on our side. It has been logged."
)
