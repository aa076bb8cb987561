"""Fast response headers: Django's own checks take longer than the access decision."""

from collections.abc import Mapping
from http import HTTPStatus
from http.cookies import SimpleCookie
from typing import Any

from django.http import HttpResponse
from django.http.response import ResponseHeaders


class PlainHeaders(ResponseHeaders):
    """Django's headers, with a short way for what is plain ASCII: it needs no encoding and has no line breaks."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self._store: dict[str, tuple[str, Any]] = {}
        if _is_plain("".join(data) + "".join(data.values())):
            for name, value in data.items():
                self._store[name.lower()] = (name, value)
        else:
            for name, value in data.items():
                super().__setitem__(name, value)

    def items(self) -> Any:
        """Return the names and values, which are kept side by side."""
        return self._store.values()


class DefaultHeaders:
    """Headers that responses have unless they set them themselves."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._store = PlainHeaders(headers)._store

    def apply(self, response: HttpResponse) -> None:
        """Give a response those of the headers that it does not have."""
        response.headers._store = self._store | response.headers._store


class BytesResponse(HttpResponse):
    """An answer of the API whose body is at hand. `headers` have the Content-Type among them, and no length."""

    # Whether the application looks after all that waits for Django's signal of the end of a request.
    ends_quietly = False

    def __init__(self, body: bytes, headers: Mapping[str, str], status: int = HTTPStatus.OK) -> None:
        # All that Django sets, without its way there (tests/console/api/test_shape.py holds that it is all).
        self.headers = PlainHeaders({**headers, "Content-Length": str(len(body))})
        self.status_code = int(status)
        self.cookies = SimpleCookie()
        self.closed = False
        self._container = [body]
        self._charset = self._reason_phrase = self._handler_class = None
        self._resource_closers: list[Any] = []

    def close(self) -> None:
        """Let go of what is open.

        Django would besides signal the end of the request, which takes longer than the decision. All that this is for
        here is the connection, which our own application looks after (console/wsgi.py), but no other server does.
        """
        if not self.ends_quietly:
            super().close()
            return
        for closer in self._resource_closers:
            closer()
        self._resource_closers.clear()
        self.closed = True


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()
