"""Where the request that is being answered comes from, for the audit trail."""

from contextvars import ContextVar

from allauth.account.adapter import get_adapter
from django.http import HttpRequest

from accounts.lib.user_agents import browser_name

_request: ContextVar[HttpRequest | None] = ContextVar("request", default=None)


class request_context:  # noqa: N801  # it reads as a statement; contextlib's way to write it takes three times as long
    """Note that whatever happens within is asked for by `request`."""

    __slots__ = ("_before", "_request")

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    def __enter__(self) -> None:
        self._before = _request.set(self._request)

    def __exit__(self, *raised: object) -> None:
        _request.reset(self._before)


def client_details() -> dict[str, str]:
    """Return the client's address, and the browser where it has one; nothing outside a request."""
    request = _request.get()
    if request is None:
        return {}
    found = {"ip": get_adapter().get_client_ip(request)}
    if not getattr(getattr(request, "principal", None), "token_id", None):
        found["browser"] = browser_name(request.META.get("HTTP_USER_AGENT", ""))
    return found
