"""Permission levels of Actors and runs, as clients ask for them.

Every run has full permissions here. A level that is not enforced must not be promised, so limited permissions are
refused wherever they can be given.
"""

from typing import Final

FULL: Final = "FULL_PERMISSIONS"
LIMITED: Final = "LIMITED_PERMISSIONS"


class LevelRefused(ValueError):
    """A level that no Actor or run can have. `field` and `type` are the API's, the message says why."""

    def __init__(self, field: str, message: str, type_: str) -> None:
        super().__init__(message)
        self.field = field
        self.type = type_


def check(field: str, level: str | None) -> None:
    """Check a permission level that is about to be used or saved; None leaves it to the server.

    Raises:
        LevelRefused: for everything but full permissions.
    """
    if level == LIMITED:
        message = f"this server does not have {LIMITED}: every run has full permissions. Use {FULL}, or leave it out."
        raise LevelRefused(field, message, "platform-feature-disabled")
    if level is not None and level != FULL:
        raise LevelRefused(field, f"it must be {FULL}.", "invalid-value")
