"""What a program's processes keep on the disk that has been deleted: files that are open, or mapped into memory."""

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

# A line of /proc/<pid>/maps: from-to, access, offset, device, inode, path.
_MAPPED = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) .* \(deleted\)$")


def deleted_files(pids: Sequence[int], devices: Collection[int], known: Mapping[int, int]) -> dict[int, int]:
    """Return the bytes that deleted files take, by inode; only those on some devices.

    How much a file takes that is mapped and no longer open cannot be asked for: it counts as what is mapped of it, or
    as in `known`, what files took before by their inodes, if that is more.
    """
    taken: dict[int, int] = {}
    for pid in pids:
        for about in _open_files(pid):
            if about.st_nlink == 0 and about.st_dev in devices and stat.S_ISREG(about.st_mode):
                taken[about.st_ino] = about.st_blocks * 512
    mapped: dict[int, int] = {}
    for pid in pids:
        for inode, size in _mapped_files(pid, devices):
            if inode not in taken:
                mapped[inode] = max(mapped.get(inode, known.get(inode, 0)), size)
    return taken | mapped


def _open_files(pid: int) -> Iterator[os.stat_result]:
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):  # it was closed in between
                yield entry.stat()


def _mapped_files(pid: int, devices: Collection[int]) -> Iterator[tuple[int, int]]:
    """Yield the inodes of deleted files that a process has mapped, and how many bytes of each, for each mapping."""
    with suppress(OSError), open(f"/proc/{pid}/maps", errors="replace") as lines:  # noqa: PTH123  # very often
        for line in lines:
            found = _MAPPED.match(line)
            if found and os.makedev(int(found[3], 16), int(found[4], 16)) in devices:
                yield int(found[5]), int(found[2], 16) - int(found[1], 16)
