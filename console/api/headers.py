"""The headers of an answer. A dozen of them take Django longer to check and to list than the decision takes."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.http.response import ResponseHeaders


class Headers(ResponseHeaders):
    """Django's headers, with a short way for what is plain ASCII: it needs no encoding and has no line breaks."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Set a header; what is not plain goes Django's way."""
        if value.__class__ is str and value.isascii() and value.isprintable() and key.isascii() and key.isprintable():
            self._store[key.lower()] = (key, value)
        else:
            super().__setitem__(key, value)

    def items(self) -> Any:
        """Return the names and values, which are kept side by side."""
        return self._store.values()


class Answer(HttpResponse):
    """An answer of the API whose body is at hand. `headers` have the Content-Type among them."""

    def __init__(self, body: bytes, headers: Mapping[str, str], status: int = HTTPStatus.OK) -> None:
        super().__init__(body, content_type=headers["Content-Type"], status=status)
        self.headers = Headers(headers)
