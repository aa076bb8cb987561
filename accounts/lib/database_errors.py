"""What an error of the database means for who asked: it is away, it is full, or the statement is wrong."""

import errno
import shutil
import sqlite3
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError

# Classes and codes of PostgreSQL (Appendix A of its manual).
_CONNECTION_CLASSES = ("08", "57P")  # connection exceptions, and a server that shuts down or starts
# Too many connections; a lock is not given in time; a statement takes longer than it may.
_BUSY = frozenset({"53300", "55P03", "57014"})
_FULL = frozenset({"53100"})
_DISK_FULL_ERRNO = frozenset({errno.ENOSPC, errno.EDQUOT})
_SQLITE_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
# SQLite says "disk I/O error" where its shared memory cannot grow on a disk without space.
_NEARLY_NOTHING = 1024 * 1024


def is_unavailable(error: BaseException) -> bool:
    """Tell whether the database did not answer, or was too busy to: the same may work a moment later."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    cause = error.__cause__ or error
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause) in _SQLITE_BUSY
    code = getattr(cause, "sqlstate", None)
    if code:
        return code in _BUSY or code.startswith(_CONNECTION_CLASSES)
    return is_about_connection(cause)


def is_full(error: BaseException) -> bool:
    """Tell whether the disk has no space left, for a file or for the database."""
    if isinstance(error, OSError):
        return error.errno in _DISK_FULL_ERRNO
    cause = error.__cause__
    if isinstance(cause, sqlite3.Error):
        code = _sqlite_code(cause)
        return code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _has_no_space())
    return getattr(cause, "sqlstate", None) in _FULL


def describe(error: BaseException) -> str:
    """Return a sentence about an error of the database; only of a connection that failed, that it does not answer."""
    said = " ".join(str(error).split())
    return f"The database does not answer: {said}" if is_unavailable(error) else f"The database refuses: {said}"


def _sqlite_code(error: sqlite3.Error) -> int:
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF  # without what extends it


def is_about_connection(cause: BaseException) -> bool:
    """Tell whether an error of the driver, without a code, is about the connection.

    Where the server has answered with a refusal, such as of the password, the text of libpq says FATAL.
    """
    return "FATAL:" not in str(cause) or "starting up" in str(cause) or "shutting down" in str(cause)


def _has_no_space() -> bool:
    name = settings.DATABASES["default"]["NAME"]
    try:
        return shutil.disk_usage(Path(name).parent).free < _NEARLY_NOTHING
    except OSError:
        return False
