"""Requests that wait without a thread.

A view that has to wait raises `Parked` with what it waits for. Our own server keeps the connection aside, with one
thread for all that wait, and goes on with the request in a thread when the wait is over (console/server/lot.py). Other
servers cannot, and there the view waits in its thread.
"""

import time
from collections.abc import Sequence
from typing import ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseBase

# Set by our own server in the environment of a request: whether it can be parked, and what it was parked for.
CAN_PARK = "latchkey.can_park"
PARKED = "latchkey.parked"

clock = time.monotonic


class Watch:
    """Looks after many stays at once."""

    def look(self, stays: Sequence["Stay"]) -> None:
        """Set `is_over` on each stay whose wait is over, and `has_news` on each that something can be sent in."""

    def rest(self) -> None:
        """Let go of what is held until the next look."""


class Stay:
    """What one parked request waits for.

    The server calls `refusal` and `take`, and its watch, from the thread that looks after all that are parked, and
    all else from the thread that goes on with the request.
    """

    watch: ClassVar[Watch]

    def __init__(self, request: HttpRequest, seconds: float) -> None:
        self.request = request
        self.begun_at = clock()
        self.deadline = self.begun_at + seconds
        self.is_over = False
        self.has_news = False
        self.refused: HttpResponse | None = None

    def refusal(self) -> HttpResponse | None:
        """Return the refusal of a request that is no longer allowed; None while it is, or was a moment ago."""
        judge = getattr(self.request, "judge", None)
        refused: HttpResponse | None = None if judge is None else judge.refusal_when_due()
        return refused

    def take(self) -> bytes:
        """Return what can be sent now, some of it where it is much; empty where nothing can."""
        return b""


class Wait(Stay):
    """A stay that nothing is sent in: the answer is made in a thread afterwards."""

    def answer(self) -> HttpResponseBase:
        """Return the answer.

        Raises:
            ApiError: as a view does.
        """
        raise NotImplementedError


class Parked(BaseException):
    """Raised by a view that waits. It is no Exception, so that nothing on its way takes it for an error."""

    def __init__(self, stay: Wait) -> None:
        super().__init__()
        self.stay = stay


def can_park(request: HttpRequest) -> bool:
    """Tell whether the server can keep the request aside while it waits."""
    return bool(request.META.get(CAN_PARK))
