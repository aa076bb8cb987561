"""The request that is being answered: where it comes from, for the audit trail, and its one `now`."""

from contextvars import ContextVar
from datetime import datetime

from allauth.account.adapter import get_adapter
from django.http import HttpRequest
from django.utils import timezone

from accounts.lib.user_agents import browser_name


class request_context:  # noqa: N801  # it reads as a statement; contextlib's way to write it takes three times as long
    """Note that whatever happens within is asked for by `request`."""

    __slots__ = ("_before", "moment", "request")

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.moment: datetime | None = None

    def __enter__(self) -> None:
        self._before = _context.set(self)

    def __exit__(self, *raised: object) -> None:
        _context.reset(self._before)


_context: ContextVar[request_context | None] = ContextVar("context", default=None)


def now() -> datetime:
    """Return the moment that a request is judged at, in UTC: the same all through it, and outside of one the time."""
    context = _context.get()
    if context is None:
        return timezone.now()
    if context.moment is None:
        context.moment = timezone.now()
    return context.moment


def judge_at_new_moment() -> None:
    """Have the request that is being answered judged from here on by what the time is then."""
    context = _context.get()
    if context is not None:
        context.moment = None


def client_details() -> dict[str, str]:
    """Return the client's address, and the browser where it has one; nothing outside a request."""
    context = _context.get()
    if context is None:
        return {}
    request = context.request
    found = {"ip": get_adapter().get_client_ip(request)}
    if not getattr(getattr(request, "principal", None), "token_id", None):
        found["browser"] = browser_name(request.META.get("HTTP_USER_AGENT", ""))
    return found
