"""Walking through the files of a run or build while programs are changing them, to tell how much of the disk they take.

Directories are entered by descriptors, one name at a time, so that no link is followed, even if names change meanwhile,
and no path is too long. Few descriptors are open at once: from far inside, the way back is "..", and it is checked
that this leads where it should. A directory that its owner has closed to itself is opened again, for what it may hide.
"""

import math
import os
import stat
import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

KEPT_OPEN = 32
_LARGE_BYTES = 1024**2  # what is as large as that is counted once, even if it is renamed meanwhile
_ENTRIES_AT_ONCE = 128
_ENTERING = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class _Directory:
    """A directory on the way, and the names of the directories in it that are still to be entered."""

    opened: int
    identity: tuple[int, int]
    names: list[str] = field(default_factory=list)


class Walk:
    """One walk through all files below a directory; `go_on` takes it as far as it comes in some time.

    `taken_bytes` is what the files take of the disk, sparse ones without their holes and hard links once; `files` is
    how many there are, directories too. `known` are the bytes of files that are large or have several links, by inode,
    and `devices` those that files were found on.
    """

    def __init__(self, directory: Path, *, writable: bool = False) -> None:
        self.taken_bytes = self.files = 0
        self.known: dict[int, int] = {}
        self.devices: set[int] = set()
        self._writable = writable
        self._way: list[_Directory] = []
        self._walking = self._walk(directory)

    def go_on(self, seconds: float) -> bool:
        """Go on for some time; return whether the walk has ended."""
        until = time.monotonic() + seconds
        return all(time.monotonic() < until for _ in self._walking)

    def close(self) -> None:
        """End the walk where it is. Safe to call again."""
        self._walking.close()
        for each in self._way:
            _close(each)
        self._way.clear()

    def _walk(self, directory: Path) -> Generator[None]:
        with suppress(OSError):  # it is gone, or was replaced by something else
            self._enter(_opened(str(directory), None))
            yield from self._count()
        while self._way:
            here = self._way[-1]
            if here.names:
                if self._enter_next(here):
                    yield from self._count()
            else:
                self._leave()
            yield

    def _enter(self, opened: int) -> None:
        about = os.fstat(opened)
        if self._writable or not about.st_mode & stat.S_IXUSR:  # without that, names can be read and nothing else
            with suppress(OSError):
                os.fchmod(opened, stat.S_IMODE(about.st_mode) | stat.S_IRWXU)
        self._way.append(_Directory(opened, (about.st_dev, about.st_ino)))
        self._add(about)

    def _enter_next(self, here: _Directory) -> bool:
        """Enter the next directory in one, and return whether it is still there."""
        try:
            inside = _opened(here.names.pop(), here.opened)
        except OSError:  # it was renamed or removed meanwhile
            return False
        self._enter(inside)
        if len(self._way) > KEPT_OPEN:
            _close(self._way[-2])
        return True

    def _leave(self) -> None:
        """Go back to where one came from. Where that has gone elsewhere, its own way back is lost: leave that, too."""
        left = self._way.pop()
        while self._way and self._way[-1].opened < 0:
            back = _back(left, self._way[-1])
            if back >= 0:
                self._way[-1].opened = back
                break
            self._way.pop()
        _close(left)

    def _count(self) -> Generator[None]:
        """Count what is in the directory that was entered last."""
        here = self._way[-1]
        with os.scandir(here.opened) as entries:
            for number, entry in enumerate(entries):
                if entry.is_dir(follow_symlinks=False):
                    here.names.append(entry.name)
                else:
                    with suppress(OSError):  # it was renamed or removed meanwhile
                        self._add(entry.stat(follow_symlinks=False))
                if number % _ENTRIES_AT_ONCE == 0:
                    yield

    def _add(self, about: os.stat_result) -> None:
        self.files += 1
        self.devices.add(about.st_dev)
        size = about.st_blocks * 512
        if size >= _LARGE_BYTES or (about.st_nlink > 1 and not stat.S_ISDIR(about.st_mode)):
            if about.st_ino in self.known:
                return
            self.known[about.st_ino] = size
        self.taken_bytes += size


def open_up(directory: Path) -> None:
    """Let the owner read and write all directories below one, and it, so that what is in them can be removed."""
    walk = Walk(directory, writable=True)
    walk.go_on(math.inf)
    walk.close()


def _opened(name: str, at: int | None) -> int:
    """Return a descriptor of a directory, which is opened to its owner first where it is closed.

    Raises:
        OSError: when it is gone, or something else by now.
    """
    with suppress(PermissionError):
        return os.open(name, _ENTERING, dir_fd=at)
    reached = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    try:
        Path(f"/proc/self/fd/{reached}").chmod(stat.S_IMODE(os.fstat(reached).st_mode) | stat.S_IRWXU)
        return os.open(".", _ENTERING, dir_fd=reached)
    finally:
        os.close(reached)


def _back(inside: _Directory, before: _Directory) -> int:
    """Return a descriptor of the directory that one was entered from, -1 where the way back leads elsewhere."""
    with suppress(OSError):
        back = os.open("..", _ENTERING, dir_fd=inside.opened)
        about = os.fstat(back)
        if (about.st_dev, about.st_ino) == before.identity:
            return back
        os.close(back)
    return -1


def _close(directory: _Directory) -> None:
    if directory.opened >= 0:
        os.close(directory.opened)
        directory.opened = -1
