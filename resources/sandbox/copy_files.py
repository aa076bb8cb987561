"""Copying the files of a build for a run: as they are on the disk, and no more of them than the run's disk holds.

Holes stay holes and hard links stay links, so that the copy takes as much as what it is made of. Links are copied, not
followed. What is neither file nor directory nor link is left out.
"""

import errno
import os
import stat
from pathlib import Path

_FROM = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_TO = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_AT_ONCE = 1 << 30


class CannotCopy(Exception):
    """The files cannot be copied; the message says why."""


class TooLarge(CannotCopy):
    """The files take more than they may."""


def copy_directory(source: Path, target: Path, *, leave_out: str, most_bytes: int) -> None:
    """Copy a directory to where there is nothing yet, all but `leave_out`, a path in it.

    Raises:
        CannotCopy: when something cannot be read, or is nested too deeply to have a path.
        TooLarge: when the copy would take more than `most_bytes`.
    """
    copying = _Copying(most_bytes)
    left_out = source / leave_out
    waiting = [(source, target)]
    while waiting:
        here, there = waiting.pop()
        try:
            waiting += copying.copy_entries(here, there, left_out.name if here == left_out.parent else "")
        except OSError as error:
            name = str(here.relative_to(source))[:200]
            raise CannotCopy(f'The files of the build in "{name}" cannot be copied: {error.strerror}.') from error


class _Copying:
    """A copy that is being made: what it has taken so far, and where the files are that have several names."""

    def __init__(self, most_bytes: int) -> None:
        self._left_bytes = most_bytes
        self._copied: dict[int, Path] = {}

    def copy_entries(self, here: Path, there: Path, leave_out: str) -> list[tuple[Path, Path]]:
        """Copy a directory without the directories in it, and return these with where they are to be copied to."""
        opened = os.open(here, _FROM | os.O_DIRECTORY)
        inside = []
        try:
            self._take(os.fstat(opened))
            there.mkdir(mode=0o700)
            with os.scandir(opened) as entries:
                for entry in entries:
                    if entry.name == leave_out:
                        continue
                    about = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(about.st_mode):
                        inside.append((here / entry.name, there / entry.name))
                    elif stat.S_ISLNK(about.st_mode):
                        (there / entry.name).symlink_to(os.readlink(entry.name, dir_fd=opened))
                    elif stat.S_ISREG(about.st_mode):
                        self._copy_file(entry.name, opened, there / entry.name)
        finally:
            os.close(opened)
        return inside

    def _copy_file(self, name: str, at: int, target: Path) -> None:
        read = os.open(name, _FROM, dir_fd=at)
        try:
            about = os.fstat(read)
            if about.st_ino in self._copied:
                target.hardlink_to(self._copied[about.st_ino])
                return
            self._take(about)
            written = os.open(target, _TO, stat.S_IMODE(about.st_mode) & 0o777)
            try:
                _copy_content(read, written, about.st_size)
                os.fchmod(written, stat.S_IMODE(about.st_mode) & 0o777)
                os.utime(written, ns=(about.st_atime_ns, about.st_mtime_ns))
            finally:
                os.close(written)
            if about.st_nlink > 1:
                self._copied[about.st_ino] = target
        finally:
            os.close(read)

    def _take(self, about: os.stat_result) -> None:
        self._left_bytes -= about.st_blocks * 512
        if self._left_bytes < 0:
            raise TooLarge


def _copy_content(read: int, written: int, size: int) -> None:
    """Copy what is between the holes of a file."""
    os.truncate(written, size)
    at = _next_data(read, 0)
    while at is not None and at < size:
        hole = os.lseek(read, at, os.SEEK_HOLE)
        os.lseek(written, at, os.SEEK_SET)
        while at < hole and (sent := os.sendfile(written, read, at, min(hole - at, _AT_ONCE))):
            at += sent
        at = _next_data(read, hole)


def _next_data(read: int, at: int) -> int | None:
    """Return where a file goes on after a hole, None where it has nothing more."""
    try:
        return os.lseek(read, at, os.SEEK_DATA)
    except OSError as error:
        if error.errno == errno.ENXIO:
            return None
        raise
