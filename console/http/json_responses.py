"""Answers of the API that carry JSON: `{"data": ...}`."""

from http import HTTPStatus
from typing import Any

import msgspec
from django.http import HttpResponse

from accounts.lib.api_errors import ApiError
from console.http.responses import BytesResponse

CREATED = HTTPStatus.CREATED
_JSON = {"Content-Type": "application/json; charset=utf-8"}
_encode = msgspec.json.Encoder().encode


def data_response(value: Any, status: HTTPStatus = HTTPStatus.OK, *, location: str | None = None) -> HttpResponse:
    """Return `value` as the API's success; `location` is the URL of what has been created."""
    headers = None if location is None else {"Location": location}
    return json_response(_encode({"data": value}), status, headers)


def json_response(
    body: bytes, status: HTTPStatus = HTTPStatus.OK, headers: dict[str, str] | None = None
) -> HttpResponse:
    """Return JSON that has been written already."""
    return BytesResponse(body, _JSON if headers is None else _JSON | headers, status)


def no_content() -> HttpResponse:
    """Return the 204 of something that has been done and has nothing to show."""
    return HttpResponse(status=HTTPStatus.NO_CONTENT)


def conflict_error(type_: str, message: str) -> ApiError:
    """Return the 409 for what collides with something that is there already."""
    return ApiError(HTTPStatus.CONFLICT, type_, message)


def bad_request_error(type_: str, message: str) -> ApiError:
    """Return the 400 for what cannot be done as it is asked for."""
    return ApiError(HTTPStatus.BAD_REQUEST, type_, message)
