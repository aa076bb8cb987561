"""How often somebody may do a thing that must not be done too often, such as looking people up by name.

Counts are kept in the database cache, so a limit holds across worker processes and machines. Sign-in, sign-up and
password reset have their own limits, in django-allauth's `ACCOUNT_RATE_LIMITS`, on the same ground.
"""

from typing import Protocol

from allauth.core.internal import ratelimit
from django.http import HttpRequest


class Usage(Protocol):
    """A use that was counted."""

    def rollback(self) -> None:
        """Take the use back."""


def count_use(action: str, key: str, limit: int, per_seconds: int) -> bool:
    """Count one use of `action` by `key` and tell whether it is among the first `limit` in any `per_seconds`.

    `key` says who is counted: an account's ID, or a client's address. A refused use is not counted. Within a
    transaction that fails the count is taken back with it.
    """
    return take_use(action, key, limit, per_seconds) is not None


def take_use(action: str, key: str, limit: int, per_seconds: int) -> Usage | None:
    """Count one use as `allowed` does and return it, so that it can be taken back; None when it is one too many."""
    usage: Usage | None = ratelimit.consume(
        HttpRequest(),  # only limits per address look at it
        app="latchkey",
        action=action,
        config={action: f"{limit}/{per_seconds}s/key"},
        key=key.encode("utf-8", "backslashreplace").decode(),
        limit_get=True,
    )
    return usage
