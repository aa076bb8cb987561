"""Count uses that are limited, such as lookups of users by name.

Counts are kept in the database cache, so a limit holds across worker processes and machines. Wrong passwords are
counted here too (`accounts/sign_in/sign_in_limits.py`). django-allauth counts sign-up, password reset and the second
step of sign-in (`ACCOUNT_RATE_LIMITS`), in the same cache.
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
    """Count one use as `count_use` does and return it, so that it can be taken back; None when it is one too many."""
    usage: Usage | None = ratelimit.consume(
        HttpRequest(),  # only limits per address look at it
        app="latchkey",
        action=action,
        config={action: f"{limit}/{per_seconds}s/key"},
        key=key.encode("utf-8", "backslashreplace").decode(),
        limit_get=True,
    )
    return usage
