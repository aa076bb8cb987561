"""Whether a disk has space for something new. Some of it is kept back, so that reading and deleting go on."""

import errno
import os
import shutil
from pathlib import Path

from django.conf import settings
from django.db import connection

_MEGABYTE = 1024 * 1024
# Of a small disk no more than this part is kept back, or nothing could be saved at all.
_LARGEST_PART = 1 / 5
_PRAGMAS = ("freelist_count", "page_count", "page_size")


def check(directory: Path) -> None:
    """Check that something new may be saved on a disk.

    Raises:
        OSError: ENOSPC when it has no more than what is kept back.
    """
    if is_short(directory):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def check_database(size: int = 0) -> None:
    """Check that something new of so many bytes may be saved in the database, where it is a file of this host.

    Raises:
        OSError: ENOSPC when there is no space for it; what was deleted from the file counts as space.
    """
    if not has_room_in_database(size):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def has_room_in_database(size: int = 0) -> bool:
    """Tell whether something new of so many bytes may be saved in the database; always where it is on another host."""
    if connection.vendor != "sqlite":
        return True
    file = Path(settings.DATABASES["default"]["NAME"])
    reserve = kept_back(file.parent)
    # SQLite writes into its log, which it cannot always begin anew, and from there into the file, perhaps later.
    if free_bytes(file.parent) - 2 * size - _file_size(file.with_name(f"{file.name}-wal")) > reserve:
        return True
    in_file, to_grow = _look_into(file)
    # What is free is asked last, for another process may be writing into the file just now.
    left = free_bytes(file.parent) - size - to_grow - max(0, size - in_file)
    return left >= 0 and left + max(0, in_file - size) > reserve


def is_short(directory: Path, times: int = 1) -> bool:
    """Tell whether a disk has no more free bytes than what is kept back, or so many times as much."""
    return free_bytes(directory) <= times * kept_back(directory)


def free_bytes(directory: Path) -> int:
    """Return how many bytes are free on the disk of a directory, which need not be there yet."""
    return _sizes(directory)[1]


def kept_back(directory: Path) -> int:
    """Return how many bytes of a disk are kept back: DISK_RESERVE_MBYTES, or a fifth of a disk that is small."""
    total = _sizes(directory)[0]
    return min(int(settings.DISK_RESERVE_MBYTES * _MEGABYTE), int(total * _LARGEST_PART))


def _sizes(directory: Path) -> tuple[int, int]:
    try:
        usage = shutil.disk_usage(directory)
    except FileNotFoundError:
        return _sizes(directory.parent)
    return usage.total, usage.free


def _look_into(file: Path) -> tuple[int, int]:
    """Return how many bytes of the database's file hold nothing, and by how many it is still to grow."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        free, pages, size = (connection.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS)
    return int(free * size), max(0, int(pages * size) - _file_size(file))


def _file_size(file: Path) -> int:
    """Return how many bytes of the disk a file takes, for SQLite makes it longer before it writes; 0 without a file."""
    try:
        return file.stat().st_blocks * 512
    except FileNotFoundError:
        return 0
