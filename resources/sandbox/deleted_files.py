"""What a program's processes keep on the disk that has been deleted: files that are open, or mapped into memory.

Two ways of keeping them are not seen. A file whose only descriptor has been sent by a Unix socket and not yet received
is in no process: the kernel tells how many such files wait (`scm_fds` in /proc/<pid>/fdinfo), and not which. Of a file
that is mapped and no longer open only root, or a worker with CAP_CHECKPOINT_RESTORE, is told more than what is mapped.
Both take their place until the program ends, at the latest.
"""

import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress

# A line of /proc/<pid>/maps: from-to, access, offset, device, inode, path.
_MAPPED = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+) .* \(deleted\)$")


def deleted_files(pids: Sequence[int], devices: Collection[int], known: Mapping[int, int]) -> dict[int, int]:
    """Return the bytes that deleted files take, by inode; only those on some devices.

    Where it is not told how much a file takes that is mapped and no longer open, it counts as what is mapped of it, or
    as in `known`, what files took before by their inodes, if that is more.
    """
    taken: dict[int, int] = {}
    for pid in pids:
        for about in _open_files(pid):
            if about.st_nlink == 0 and about.st_dev in devices and stat.S_ISREG(about.st_mode):
                taken[about.st_ino] = about.st_blocks * 512
    mapped: dict[int, int] = {}
    for pid in pids:
        for inode, first, end in _mapped_files(pid, devices):
            if inode in taken:
                continue
            found = _mapped_file(pid, first, end)
            if found is not None and found.st_ino == inode:
                taken[inode] = found.st_blocks * 512
            else:
                mapped[inode] = max(mapped.get(inode, known.get(inode, 0)), end - first)
    return mapped | taken


def _open_files(pid: int) -> Iterator[os.stat_result]:
    with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
        for entry in entries:
            with suppress(OSError):  # it was closed in between
                yield entry.stat()


def _mapped_files(pid: int, devices: Collection[int]) -> Iterator[tuple[int, int, int]]:
    """Yield the inodes of deleted files that a process has mapped, and where each mapping begins and ends."""
    with suppress(OSError), open(f"/proc/{pid}/maps", errors="replace") as lines:  # noqa: PTH123  # very often
        for line in lines:
            found = _MAPPED.match(line)
            if found and os.makedev(int(found[3], 16), int(found[4], 16)) in devices:
                yield int(found[5]), int(found[1], 16), int(found[2], 16)


def _mapped_file(pid: int, first: int, end: int) -> os.stat_result | None:
    """Return what is told of the file of a mapping, None where that is not allowed, or it is gone."""
    try:
        return os.stat(f"/proc/{pid}/map_files/{first:x}-{end:x}")  # noqa: PTH116  # of many, often
    except OSError:
        return None
