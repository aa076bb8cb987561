"""Requests of a queue as the API reads and writes them.

What a client stores with a request and only wants back is kept byte by byte as it came: numbers of any size and the
order of keys survive.
"""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from accounts.lib.api_errors import invalid_value
from accounts.lib.timestamps import from_milliseconds, iso, milliseconds
from console.http.pagination import MAX_NUMBER
from resources.request_queues.structs import MAX_TEXT, HeadRequest, NewRequest, Registered, StoredRequest

Method = Literal["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]
Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
_ABSENT: Final = Raw(b"")
# A client that puts one of these at the end of a URL asks for something else than it means.
_NO_KEYS: Final = ("", ".", "..")
_FIRST_YEAR, _LAST_YEAR = 1970, 9998
# What clients read without asking whether it is there: crawlee takes no null for these.
_DEFAULTS: Final[dict[str, Any]] = {"headers": {}, "userData": {}, "noRetry": False}
_decode_details = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class RequestBody(msgspec.Struct, rename="camel"):
    """A request as a client sends it. What the description does not know is not kept."""

    unique_key: Text
    url: Text
    id: str | UnsetType | None = UNSET
    method: Method | None = None
    retry_count: Annotated[int, Meta(ge=0, le=MAX_NUMBER)] | None = None
    loaded_url: str | None = None
    payload: Raw = _ABSENT
    headers: Raw = _ABSENT
    user_data: Raw = _ABSENT
    no_retry: bool | None = None
    error_messages: list[str] | None = None
    handled_at: Annotated[datetime, Meta(tz=True)] | None = None

    def checked(self, where: str = "") -> NewRequest:
        """Return the request for the queue; `where` is what the names of its fields begin with in errors.

        Raises:
            ApiError: 400 naming the field, for what its type alone cannot rule out.
        """
        for name, text in (("uniqueKey", self.unique_key), ("url", self.url)):
            if "\x00" in text:
                raise invalid_value(where + name, "it must not contain NUL.")
        for name, key in (("uniqueKey", self.unique_key), ("id", self.id)):
            if key in _NO_KEYS:
                raise invalid_value(where + name, 'it must not be empty, "." or "..".')
        if self.handled_at is not None and not _FIRST_YEAR <= self.handled_at.year <= _LAST_YEAR:
            raise invalid_value(f"{where}handledAt", f"it must lie between the years {_FIRST_YEAR} and {_LAST_YEAR}.")
        return NewRequest(
            self.unique_key,
            self.url,
            self.method or "GET",
            self.retry_count or 0,
            None if self.handled_at is None else max(0, milliseconds(self.handled_at)),
            self._details(where),
        )

    def _details(self, where: str) -> str:
        """Return a JSON object with what is only kept to be given back."""
        fields: dict[str, Raw | str | bool | list[str]] = {}
        if self.loaded_url is not None:
            fields["loadedUrl"] = self.loaded_url
        for name, value, first_bytes, types in (
            ("payload", self.payload, b'"{', "a text or an object"),
            ("headers", self.headers, b"{", "an object"),
            ("userData", self.user_data, b"{", "an object"),
        ):
            raw = bytes(value)
            if raw in (b"", b"null"):
                continue
            if raw[:1] not in [bytes([byte]) for byte in first_bytes]:
                raise invalid_value(where + name, f"it must be {types}.")
            fields[name] = Raw(raw)
        if self.no_retry is not None:
            fields["noRetry"] = self.no_retry
        if self.error_messages is not None:
            fields["errorMessages"] = self.error_messages
        return _encode(fields).decode() if fields else "{}"


class RequestToDelete(msgspec.Struct, rename="camel"):
    """One line of a batch to delete: a request called by its ID or by its unique key."""

    id: str | None = None
    unique_key: str | None = None


def serialize_request(request: StoredRequest) -> dict[str, Any]:
    """Return a request of a queue as the API writes it."""
    fields: dict[str, Any] = {
        "id": request.id,
        "uniqueKey": request.unique_key,
        "url": request.url,
        "method": request.method,
        "retryCount": request.retry_count,
        **_DEFAULTS,
        **_decode_details(request.details),
    }
    if request.handled_at is not None:
        fields["handledAt"] = iso(from_milliseconds(request.handled_at))
    if request.lock_expires_at is not None:
        fields["lockExpiresAt"] = iso(from_milliseconds(request.lock_expires_at))
    return fields


def serialize_head_item(request: HeadRequest) -> dict[str, Any]:
    """Return a request at the head of a queue as the API writes it."""
    return {
        "id": request.id,
        "uniqueKey": request.unique_key,
        "url": request.url,
        "method": request.method,
        "retryCount": request.retry_count,
    }


def serialize_registered(request: Registered) -> dict[str, Any]:
    """Return what became of a request that was added or replaced, as the API writes it."""
    return {
        "requestId": request.id,
        "uniqueKey": request.unique_key,
        "wasAlreadyPresent": request.was_present,
        "wasAlreadyHandled": request.was_handled,
    }
