"""Read files of untrusted builds; links do not lead out of their directory.

A name is followed one part at a time from a directory, by descriptors: links lead on within the directory, and one that
leads out of it is no file, just like one that leads to nothing. What is no regular file is not opened: a FIFO or device
keeps no reader waiting. This holds while programs still rename and replace what is there.
"""

import errno
import os
import stat
from collections import deque
from itertools import islice
from pathlib import Path

_MAX_LINKS = 40  # as the kernel's
_MAX_PARTS = 512
_MAX_NAMES = 10_000
_NO_LINK = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


def read(directory: Path, name: str, size: int) -> bytes | None:
    """Return the first `size` bytes of a regular file by its path in a directory, None where there is no such file."""
    try:
        reached = _reach(directory, name)
    except (OSError, ValueError):
        return None
    try:
        return _beginning(reached, size) if stat.S_ISREG(os.fstat(reached).st_mode) else None
    except OSError:  # it may not be read, or is held by a lease
        return None
    finally:
        os.close(reached)


def is_file(directory: Path, name: str) -> bool:
    """Tell whether a path in a directory is that of a regular file."""
    return stat.S_ISREG(_read_mode(directory, name))


def is_directory(directory: Path, name: str) -> bool:
    """Tell whether a path in a directory is that of a directory."""
    return stat.S_ISDIR(_read_mode(directory, name))


def make_executable(directory: Path, name: str) -> bool:
    """Make a script with a #! line, or a binary, executable; return whether a file is that then, or was already."""
    is_program = (read(directory, name, 4) or b"").startswith((b"#!", b"\x7fELF"))
    try:
        reached = _reach(directory, name)
    except (OSError, ValueError):
        return False
    try:
        mode = os.fstat(reached).st_mode
        if not stat.S_ISREG(mode):
            return False
        if is_program and not mode & stat.S_IXUSR:
            mode |= stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH
            os.chmod(f"/proc/self/fd/{reached}", stat.S_IMODE(mode))  # noqa: PTH101  # no path but a descriptor
        return bool(mode & stat.S_IXUSR)
    except OSError:
        return False
    finally:
        os.close(reached)


def names(directory: Path) -> list[str]:
    """Return the names in a directory, in order; of more than 10,000, some of them. Of a link to one, none."""
    try:
        opened = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        with os.scandir(opened) as entries:
            return sorted(each.name for each in islice(entries, _MAX_NAMES))
    finally:
        os.close(opened)


def is_no_link_but_a_directory(path: Path) -> bool:
    """Tell whether the last part of a path is a directory itself, and no link to one."""
    try:
        return stat.S_ISDIR(path.lstat().st_mode)
    except OSError:
        return False


def _read_mode(directory: Path, name: str) -> int:
    try:
        reached = _reach(directory, name)
    except (OSError, ValueError):
        return 0
    try:
        return os.fstat(reached).st_mode
    finally:
        os.close(reached)


def _beginning(reached: int, size: int) -> bytes:
    opened = os.open(f"/proc/self/fd/{reached}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as file:
        return file.read(size)


def _reach(directory: Path, name: str) -> int:
    """Return a descriptor of what a path in a directory leads to, which says what it is and cannot be read from.

    Raises:
        OSError: when there is nothing, or something that is elsewhere.
        ValueError: for a name that no file can have.
    """
    if name.startswith("/"):
        raise _leads_out()
    way = [os.open(directory, _NO_LINK | os.O_DIRECTORY)]
    parts, links = deque(name.split("/")), 0
    try:
        while parts:
            part = parts.popleft()
            if not stat.S_ISDIR(os.fstat(way[-1]).st_mode):
                raise NotADirectoryError(errno.ENOTDIR, "This is no directory.")
            if part in ("", "."):
                continue
            if part == "..":
                os.close(way.pop())
                if not way:
                    raise _leads_out()
                continue
            way.append(os.open(part, _NO_LINK, dir_fd=way[-1]))
            if stat.S_ISLNK(os.fstat(way[-1]).st_mode):
                links += 1
                parts.extendleft(reversed(_read_target(way.pop())))
            if links > _MAX_LINKS or len(way) + len(parts) > _MAX_PARTS:
                raise OSError(errno.ELOOP, "This leads on and on.")
        return way.pop()
    finally:
        for each in way:
            os.close(each)


def _read_target(link: int) -> list[str]:
    try:
        target = os.readlink("", dir_fd=link)
    finally:
        os.close(link)
    if target.startswith("/"):
        raise _leads_out()
    return target.split("/")


def _leads_out() -> OSError:
    return OSError(errno.EXDEV, "This leads out of the directory.")
