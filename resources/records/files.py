"""Where the bytes of records are: `STORAGES["records"]`, under names that are made here and never under a record's key.

A file is written whole before any row names it, is never changed, and goes only some hours after no row names it any
more. So a crash leaves the old record or the new one, and at worst a file that no row names
(`resources/records/cleaning.py`).
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, Protocol, cast

from django.core.files.storage import storages

from accounts.lib.ids import new_id

log = logging.getLogger(__name__)


class StorageAway(Exception):
    """Where the bytes of records are does not answer now; the same may work a moment later."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file as it is found when looking through all of them."""

    name: str
    modified_at: datetime


class RecordStorage(Protocol):
    """What is asked of a storage for records, beyond what Django asks of every storage.

    `is_local` says that the files are on this machine, so that a backup copies them.
    """

    is_local: bool

    def save(self, name: str, content: Any) -> str:
        """Write `content.chunks()` and return when they are safe; leave nothing behind when that fails."""

    def open_part(self, name: str, start: int = 0, length: int | None = None) -> IO[bytes]:
        """Return a stream of the file from `start` on; it may go on after `length`.

        Raises:
            FileNotFoundError: when there is no such file.
        """

    def exists(self, name: str) -> bool:
        """Tell whether there is such a file."""

    def size(self, name: str) -> int:
        """Return how many bytes a file has.

        Raises:
            FileNotFoundError: when there is no such file.
        """

    def path(self, name: str) -> str:
        """Return where a file is on this machine; only where `is_local`."""

    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is fine."""

    def walk(self) -> Iterator[StoredFile]:
        """Yield every file that there is, in constant memory."""

    def is_short(self) -> bool:
        """Tell whether there is no space for something new."""

    def check(self) -> None:
        """Look whether it can be used.

        Raises:
            StorageAway: when it does not answer.
            OSError: when nothing can be written to it.
        """

    def identity(self, *, make: bool = False) -> str:
        """Return what tells this place from any other, at most 300 characters; "" where it has none and none is made.

        Every host that sees the same files sees the same one.
        """


def storage() -> RecordStorage:
    """Return the storage that is configured."""
    return cast("RecordStorage", storages["records"])


def new_name(store_id: str) -> str:
    """Return a name that no file has yet. All files of a store are in one folder, so that they can go together."""
    return f"{_folder(store_id)}/{new_id()}"


def discard(name: str) -> bool:
    """Delete a file that no row names any more, and return whether it is gone. Where not, cleaning will find it."""
    try:
        storage().delete(name)
    except Exception:
        log.warning("The file of a record could not be deleted: %s", name, exc_info=True)
        return False
    return True


def _folder(store_id: str) -> str:
    return f"{store_id[:2]}/{store_id}"
