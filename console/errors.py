"""The last answers: what nobody else answered, in the form of its surface."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.errors import ApiError
from accounts.middleware import is_api


def _handler(status: HTTPStatus, type_: str, message: str) -> Any:
    def handle(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
        if is_api(request):
            return ApiError(status, type_, message).response()
        return render(request, "error.html", {"status": status, "message": message}, status=status)

    return handle


bad_request = _handler(HTTPStatus.BAD_REQUEST, "invalid-input", "The request could not be understood.")
forbidden = _handler(HTTPStatus.FORBIDDEN, "insufficient-permissions", "This is not permitted.")
not_found = _handler(HTTPStatus.NOT_FOUND, "page-not-found", "There is nothing at this address.")
server_error = _handler(
    HTTPStatus.INTERNAL_SERVER_ERROR, "internal-server-error", "Something went wrong on our side. It has been logged."
)
