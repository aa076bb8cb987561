"""Files that only the server's own user can read. The settings see to it, so it holds for each process.

Nothing here needs Django.
"""

import os
from pathlib import Path

UMASK = 0o077
# What older versions have made for others to read, besides the data directory itself.
_MENDED = ("*.sqlite3", "*.sqlite3-wal", "*.sqlite3-shm", "secret-key*")


def keep_private(data_dir: Path) -> None:
    """Let new files of this process be private, and make the data directory and the database in it private."""
    os.umask(UMASK)
    for path in (data_dir, *(each for pattern in _MENDED for each in data_dir.glob(pattern))):
        _close(path)


def _close(path: Path) -> None:
    try:
        mode = path.stat().st_mode
        if mode & UMASK:
            path.chmod(mode & ~UMASK & 0o7777)
    except OSError:
        pass  # another user's, or gone meanwhile; the directory around it is what keeps others out
