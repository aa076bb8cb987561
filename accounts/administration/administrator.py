"""The server's administrator: who acts by `manage.py`, and needs no account for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from accounts.principal import Principal

# It stands in lines of the audit trail. No account can be called that: usernames have neither spaces nor apostrophes.
ADMINISTRATOR = Principal(username="The server's administrator")

_acting: ContextVar[bool] = ContextVar("administrator", default=False)


@contextmanager
def act_as_administrator() -> Iterator[None]:
    """Note that the administrator does what happens within, for what is recorded by signals of other libraries."""
    before = _acting.set(True)
    try:
        yield
    finally:
        _acting.reset(before)


def is_administrator_acting() -> bool:
    """Tell whether the administrator does what is being done now."""
    return _acting.get()
