"""Permission levels: what an Actor asks for, and what a run of it has.

A run with full permissions may do all that its account may, unless its Actor belongs to another account; one with
limited permissions only what the table of `sharing/narrowings/run.py` says. A model keeps None for full permissions.
"""

from typing import Final

FULL: Final = "FULL_PERMISSIONS"
LIMITED: Final = "LIMITED_PERMISSIONS"


class LevelRefused(ValueError):
    """No level that there is. `field` is the API's name for what was given, the message says what it must be."""

    def __init__(self, field: str) -> None:
        super().__init__(f"it must be {FULL} or {LIMITED}.")
        self.field = field


def check(field: str, level: str | None) -> None:
    """Check a permission level that is about to be used or saved; None leaves it to the server.

    Raises:
        LevelRefused: for what is no level.
    """
    if level not in (None, FULL, LIMITED):
        raise LevelRefused(field)


def level_of(kept: str | None) -> str:
    """Return the level that a model keeps."""
    return LIMITED if kept == LIMITED else FULL


def to_keep(level: str) -> str | None:
    """Return a level as a model keeps it."""
    return LIMITED if level == LIMITED else None


def lower_of(*kept: str | None) -> str | None:
    """Return the lower one of levels, each as a model keeps it or as it was asked for; None asks for nothing."""
    return LIMITED if LIMITED in kept else None
