"""Whether a disk has space for something new. Some of it is kept back, so that reading and deleting go on."""

import errno
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection

_MEGABYTE = 1024 * 1024
_PRAGMAS = ("freelist_count", "page_size")


def check(directory: Path) -> None:
    """Check that something new may be saved on a disk.

    Raises:
        OSError: ENOSPC when it has no more than what is kept back.
    """
    if is_short(directory):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def check_database() -> None:
    """Check that something new may be saved in the database, where it is a file of this host.

    Raises:
        OSError: ENOSPC when there is no space for it; what was deleted from the file counts as space.
    """
    if connection.vendor == "sqlite" and is_short(_database_directory()) and _free_in_file() < kept_back():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def is_short(directory: Path, times: int = 1) -> bool:
    """Tell whether a disk has no more free bytes than what is kept back, or so many times as much."""
    return free_bytes(directory) <= times * kept_back()


def free_bytes(directory: Path) -> int:
    """Return how many bytes are free on the disk of a directory, which need not be there yet."""
    try:
        return shutil.disk_usage(directory).free
    except FileNotFoundError:
        return free_bytes(directory.parent)


def kept_back() -> int:
    """Return how many bytes are kept back (DISK_RESERVE_MBYTES)."""
    return int(settings.DISK_RESERVE_MBYTES * _MEGABYTE)


def _database_directory() -> Path:
    return Path(settings.DATABASES["default"]["NAME"]).parent


def _free_in_file() -> int:
    """Return how many bytes of the database's file hold nothing: what is saved next goes there first."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        pages, size = (connection.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS)
    return int(pages * size)
