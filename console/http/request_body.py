"""Reading what a client sends: its bytes in full but bounded, and JSON with its types checked.

Nothing here trusts a header. A body is read in pieces and cut off at the configured size, once as it comes over
the wire and once more as it comes out of its content encoding, so that a bomb never gets to unfold.
"""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import TypeVar

import msgspec
from django.conf import settings
from django.http import HttpRequest
from gunicorn.http.errors import ParseException
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value
from accounts.lib.content_encodings import Undecodable, UnpacksTooLarge, canonical, decoded
from console.http.server_ends import ServerEnds
from sharing.enforcement.reauthorize import reauthorize_after_delay

Body = TypeVar("Body")
Value = TypeVar("Value")


_PIECE = 65_536
# What is read of a body that is too large before it is refused: a client that is still sending sees no answer.
_DRAINED_BODIES = 16


def read(request: HttpRequest) -> bytes:
    """Return the body of a request, taken out of its content encoding.

    Raises:
        ApiError: 413 when it is over API_MAX_BODY_BYTES, encoded or not; 415 for an encoding that is not supported;
            400 when it is cut short or not in the encoding that it claims; 411 when its end cannot be known.
    """
    encoding = content_encoding(request)
    if encoding == "":
        return bytes(_collect(pieces(request)))
    encoded = _collect(pieces(request))
    return _decode(encoded, encoding)


def content_encoding(request: HttpRequest) -> str:
    """Return the encoding that a body comes in: "gzip", "deflate" or "br", and "" for none.

    Raises:
        ApiError: 415 for an encoding that is not supported.
    """
    text = request.META.get("HTTP_CONTENT_ENCODING", "")
    encoding = canonical(text)
    if encoding is None:
        raise ApiError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-content-encoding",
            f'Content-Encoding "{text[:100]}" is not supported. Supported: gzip, deflate, br, identity.',
        )
    return encoding


def read_json(request: HttpRequest, shape: type[Body]) -> Body:
    """Return the JSON body of a request in `shape`, a msgspec Struct whose names are those of the wire.

    Raises:
        ApiError: 400 `invalid-input` with the place where the JSON is wrong, 400 `invalid-value` with the field whose
            type is wrong, and whatever `read` raises.
    """
    return decode_json(read(request), shape)


def unset_if_null(value: Value | UnsetType | None) -> Value | UnsetType:
    """Return a field of a change; clients send null too for what is to stay as it is."""
    return UNSET if value is None else value


def empty_if_null(text: str | UnsetType | None) -> str | UnsetType:
    """Return a text of a change, which null empties."""
    return "" if text is None else text


def decode_json(body: bytes, shape: type[Body]) -> Body:
    """Return a body that has been read already in `shape`.

    Raises:
        ApiError: 400 `invalid-input` with the place where the JSON is wrong, 400 `invalid-value` with the field whose
            type is wrong.
    """
    try:
        body.decode()
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        raise _wrong_type(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _wrong_json(body, error) from None


def too_large(actual: int | None = None) -> ApiError:
    """Return the 413 for a body over the configured size; `actual` is its size in bytes where that is known."""
    known = "" if actual is None else f", actual length: {actual} bytes"
    return ApiError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "request-too-large",
        f"The payload is too large (limit: {settings.API_MAX_BODY_BYTES} bytes{known}).",
    )


def pieces(request: HttpRequest) -> Iterator[bytes]:
    """Yield the body as it arrives.

    Raises:
        ApiError: 400 when it ends before it should or its chunks are malformed, 411 when its end cannot be known, 503
            when the server ends before it has come.
        NoLongerAllowed: after the last piece, when the access of the request has gone while the body came.
    """
    chunked = "chunked" in request.META.get("HTTP_TRANSFER_ENCODING", "").lower()
    if chunked and not request.META.get("wsgi.input_terminated"):
        raise ApiError(HTTPStatus.LENGTH_REQUIRED, "invalid-header", "Send the body with a Content-Length.")
    take = request.META["wsgi.input"].read if chunked else request.read
    announced = None if chunked else content_length(request)
    read_so_far = 0
    try:
        while piece := take(_PIECE):
            read_so_far += len(piece)
            yield piece
    except (OSError, ParseException) as error:  # the latter is the server's, for chunks that are none
        if isinstance(error, ServerEnds) or isinstance(error.__cause__, ServerEnds):
            raise ApiError(
                HTTPStatus.SERVICE_UNAVAILABLE, "service-unavailable", "The server restarts. Try again in a moment."
            ) from None
        if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):  # it is under the lowest rate
            raise ApiError(HTTPStatus.REQUEST_TIMEOUT, "operation-timed-out", "The body came too slowly.") from None
        raise client_disconnected_error("The body broke off, or its chunks are malformed.") from None
    if announced is not None and read_so_far < announced:
        raise client_disconnected_error()
    reauthorize_after_delay(request)


def content_length(request: HttpRequest) -> int:
    """Return the length that a body is said to have, 0 where nothing is said."""
    text = request.META.get("CONTENT_LENGTH") or "0"
    return int(text) if text.isascii() and text.isdigit() else 0


def _collect(pieces: Iterator[bytes]) -> bytearray:
    limit = settings.API_MAX_BODY_BYTES
    collected, size = bytearray(), 0
    for piece in pieces:
        size += len(piece)
        if size > _DRAINED_BODIES * limit:
            raise too_large()
        if size <= limit:
            collected += piece
    if size > limit:
        raise too_large(size)
    return collected


def client_disconnected_error(message: str = "The body ended before its announced length.") -> ApiError:
    """Return the 400 for a request that its client has not seen through to its end."""
    return ApiError(HTTPStatus.BAD_REQUEST, "request-aborted-prematurely", message)


def _decode(encoded: bytearray, encoding: str) -> bytes:
    try:
        return b"".join(decoded([bytes(encoded)], encoding, limit=settings.API_MAX_BODY_BYTES))
    except UnpacksTooLarge:
        raise too_large() from None
    except Undecodable as error:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "invalid-input",
            f"The body could not be read as Content-Encoding {encoding}: {error}.",
        ) from None


_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<field>[^`]*)`")


def _wrong_type(error: msgspec.ValidationError) -> ApiError:
    text = str(error)
    place = _PATH.search(text)
    problem = text[: place.start()] if place else text
    inside = place["path"] if place else ""
    for pattern, says in ((_UNKNOWN_FIELD, "it cannot be changed here."), (_MISSING_FIELD, "it is required.")):
        found = pattern.search(problem)
        if found:
            return invalid_value(".".join(filter(None, (inside, found["field"]))), says)
    return invalid_value(inside or "body", f"{problem}.")


def _wrong_json(body: bytes, error: Exception) -> ApiError:
    if isinstance(error, UnicodeDecodeError):
        where = f"it is not UTF-8 at byte {error.start}"
    elif isinstance(error, RecursionError):
        where = "it is nested too deeply"
    elif not body.strip():
        where = "it is empty"
    else:
        where = _where(body) or str(error)
    return ApiError(HTTPStatus.BAD_REQUEST, "invalid-input", f"The body is not valid JSON: {where}.")


def _where(body: bytes) -> str:
    """Return what is wrong, with its line and column, which the fast parser does not tell."""
    try:
        json.loads(body)
    except json.JSONDecodeError as error:
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    except (ValueError, RecursionError):
        pass
    return ""
