"""The one shape in which the HTTP API says no: `{"error": {"type", "message"}}`.

It lives on the lowest floor because every floor refuses something. The types are those of `ErrorType` in
the OpenAPI description of the Apify API v2.
"""

from http import HTTPStatus
from typing import Any

from django.http import JsonResponse

# Said with a 503, for what may work a moment later.
RETRY_AFTER_SECONDS = "2"


class ApiError(Exception):
    """A refusal with a type that clients can branch on, a sentence for people, and an HTTP status; `data` says more."""

    def __init__(self, status: HTTPStatus, type_: str, message: str, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.type = type_
        self.message = message
        self.data = data

    def response(self) -> JsonResponse:
        """Return the error as the API sends it."""
        more = {} if self.data is None else {"data": self.data}
        return JsonResponse({"error": {"type": self.type, "message": self.message, **more}}, status=self.status)


def record_not_found(message: str = "The requested resource was not found.") -> ApiError:
    """Return the 404 for what is missing, or must not be told from missing."""
    return ApiError(HTTPStatus.NOT_FOUND, "record-not-found", message)


def invalid_value(field: str, problem: str) -> ApiError:
    """Return the 400 for a value of the wrong type or out of its bounds, naming the field."""
    return ApiError(HTTPStatus.BAD_REQUEST, "invalid-value", f'Invalid value of "{field}": {problem}')
