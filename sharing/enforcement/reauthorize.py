"""Authorize a request again during a long upload or response, in case access was revoked.

The middleware puts a `Reauthorizer` on every request that it lets through. `reauthorize_stream` checks every streaming
response, and `reauthorize_after_delay` every body that has been read, before anything of it is kept. So no view has to
think of it.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any, Protocol

from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from accounts.lib.counters import not_counted
from sharing.enforcement.access_gone import AccessGone

# How many seconds an answer goes on before it is judged again.
EVERY_SECONDS = 5.0
# A body that came at once, as most do, is not judged again: it would cost as much as the decision.
AT_ONCE_SECONDS = 0.1

clock = time.monotonic


class NoLongerAllowed(Exception):
    """Access was revoked while the body came or the request waited; `response` is the refusal."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(HTTPStatus(response.status_code))
        self.response = response


class Reauthorizer:
    """Asks again whether a request is allowed, when it is time."""

    __slots__ = ("_arguments", "_ask", "_at")

    def __init__(self, ask: Callable[..., HttpResponse | None], *arguments: Any) -> None:
        self._ask = ask  # with its arguments beside it, for every request has one of these, and few are asked
        self._arguments = arguments
        self._at = clock()

    def refusal(self, after_seconds: float, *, keeps_connection: bool = False) -> HttpResponse | None:
        """Return the refusal, or None while the request is allowed; it is asked only after so many seconds.

        Neither a connection to the database nor a transaction is held afterwards, while a client reads, unless the
        caller keeps its connection for the next one.
        """
        now = clock()
        if now - self._at < after_seconds:
            return None
        with not_counted():
            refusal = self._ask(*self._arguments)
        if not keeps_connection and not connection.in_atomic_block:
            connection.close()
        self._at = now
        return refusal

    def refusal_when_due(self) -> HttpResponse | None:
        """Return the refusal of a request that goes on and is judged every few seconds, by one that judges many."""
        return self.refusal(EVERY_SECONDS, keeps_connection=True)

    def keep_on(self) -> None:
        """Let an answer go on.

        Raises:
            AccessGone: when the request is no longer allowed.
        """
        if self.refusal(EVERY_SECONDS) is not None:
            raise AccessGone


def reauthorize_stream(request: HttpRequest, response: HttpResponseBase) -> None:
    """Have a streaming answer judged again every few seconds, be it sent piece by piece or as a file."""
    judge = get_reauthorizer(request)
    if judge is None or not response.streaming:
        return
    file = getattr(response, "file_to_stream", None)
    if file is not None:
        response.file_to_stream = _WatchedFile(file, judge)  # type: ignore[attr-defined]  # a file response has it
    pieces = response.streaming_content  # type: ignore[attr-defined]  # a streaming response has it
    response.streaming_content = _watched(pieces, judge)  # type: ignore[attr-defined]


def reauthorize_after_delay(request: HttpRequest) -> None:
    """Judge a request again after its body was read or it waited, unless that took no time.

    Raises:
        NoLongerAllowed: when the request is no longer allowed.
    """
    judge = get_reauthorizer(request)
    refusal = None if judge is None else judge.refusal(AT_ONCE_SECONDS)
    if refusal is not None:
        raise NoLongerAllowed(refusal)


def get_reauthorizer(request: HttpRequest) -> Reauthorizer | None:
    """Return the judge of a request; None where nothing is needed, or nothing has been decided."""
    return getattr(request, "judge", None)


def _watched(pieces: Iterable[bytes], judge: Reauthorizer) -> Iterator[bytes]:
    for piece in pieces:
        judge.keep_on()
        yield piece
    judge.keep_on()  # the end says that the answer is whole


class _File(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _WatchedFile:
    """A file that is judged before each of its pieces is read, by servers that read files."""

    def __init__(self, file: _File, judge: Reauthorizer) -> None:
        self._file = file
        self._judge = judge
        if hasattr(file, "fileno"):  # servers that can send a file by itself ask for it
            self.fileno = file.fileno

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            AccessGone: when the request is no longer allowed.
        """
        self._judge.keep_on()
        return self._file.read(size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
