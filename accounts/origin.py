"""Where the request that is being answered comes from, for the audit trail."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


@contextmanager
def answering(request: HttpRequest) -> Iterator[None]:
    """Note that whatever happens within is asked for by `request`."""
    before = _request.set(request)
    try:
        yield
    finally:
        _request.reset(before)


def origin() -> dict[str, str]:
    """Return the client's address, and the browser where it has one; nothing outside a request."""
    from accounts.sessions import browser_name

    request = _request.get()
    if request is None:
        return {}
    found = {"ip": get_adapter().get_client_ip(request)}
    if not getattr(getattr(request, "principal", None), "token_id", None):
        found["browser"] = browser_name(request.META.get("HTTP_USER_AGENT", ""))
    return found
