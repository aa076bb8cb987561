"""Holding a run or build to its disk: how much its files take is measured again and again, at a bounded cost.

A walk through the files costs more the more there are. It is taken in short parts, between which the program is
attended as ever, and what it cost decides when the next one begins: all walks together take at most 5 % of a core. So a
program with few files is measured twice a second, and one with very many less often.

A program could move its files out of the way of a walk. Half of that share is kept for this: where the file system has
lost more free space than the program has left, its processes are stopped for a walk that begins early. Only what such
a walk has counted, or the first one, is taken as certain. A program whose processes cannot be stopped is killed.

What has been deleted and is still open, or mapped into memory, takes its place on the disk, too.
"""

import math
import os
import time
from pathlib import Path

from resources.sandbox import processes
from resources.sandbox.deleted_files import deleted_files
from resources.sandbox.disk_usage import Walk

MAX_FILES = 1_000_000  # many more than that could be measured too seldom
_PART_SECONDS = 0.02
_PAUSE_SECONDS = 0.5
_SHARE, _USUAL_SHARE = 0.05, 0.025  # of a core


class Disk:
    """What the files of a program take, which lie below one directory. It may take `most_bytes`."""

    def __init__(self, directory: Path, most_bytes: int) -> None:
        self.taken_bytes = 0
        self._directory = directory
        self.most_bytes = most_bytes
        self._walk: Walk | None = None
        self._known: dict[int, int] = {}
        self._cost_seconds = self._spent_seconds = 0.0
        self._begun_at = time.monotonic()
        self._due_at = self._ended_at = -math.inf
        self._certain_bytes = self._free_bytes_then = 0

    @property
    def is_measuring(self) -> bool:
        """Whether a walk is in the midst of it, and is to be gone on with soon."""
        return self._walk is not None

    def measure(self, root: int) -> str:
        """Go on measuring for a moment where it is time to; return what there is too much of, "" for nothing.

        `root` is the process that the program's processes descend from.
        """
        now = time.monotonic()
        if self._walk is None and now < self._due_at:
            return self._measure_stopped(root) if self._is_suspicious(now) else ""
        return self._go_on(_PART_SECONDS, root)

    def measure_last(self) -> str:
        """Measure once more what a program has left that has ended; return as `measure` does."""
        self.close()
        return self._go_on(math.inf, None)

    def _go_on(self, seconds: float, root: int | None) -> str:
        begun = time.thread_time()
        if self._ended_at == -math.inf and self._walk is None:
            self._free_bytes_then = self._free_bytes()
        walk = self._walk = self._walk or Walk(self._directory)
        ended = walk.go_on(seconds)
        taken = walk.taken_bytes
        if ended:
            deleted = deleted_files(processes.process_tree(root) if root else [], walk.devices, self._known)
            taken = self.taken_bytes = taken + sum(deleted[each] for each in deleted.keys() - walk.known.keys())
            self._known = deleted | walk.known
        self._cost_seconds += time.thread_time() - begun
        if ended:
            self._end()
        return "disk space" if taken > self.most_bytes else "files" if walk.files > MAX_FILES else ""

    def _end(self) -> None:
        self._ended_at = time.monotonic()
        self._due_at = self._ended_at + max(_PAUSE_SECONDS, self._cost_seconds / _USUAL_SHARE)
        self._spent_seconds += self._cost_seconds
        self._cost_seconds = 0.0
        self.close()

    def _measure_stopped(self, root: int) -> str:
        try:
            with processes.stopped(root):
                too_much = self._go_on(math.inf, root)
                self._certain_bytes, self._free_bytes_then = self.taken_bytes, self._free_bytes()
        except processes.CannotStop:
            return "processes that start others"
        return too_much

    def _is_suspicious(self, now: float) -> bool:
        """Tell whether more has been written to the disk than was ever found, and there is time to look for it."""
        if now < max(self._ended_at + _PAUSE_SECONDS, self._begun_at + self._spent_seconds / _SHARE):
            return False
        return self._free_bytes_then - self._free_bytes() > self.most_bytes - self._certain_bytes

    def _free_bytes(self) -> int:
        about = os.statvfs(self._directory)
        return about.f_bfree * about.f_frsize

    def close(self) -> None:
        """Stop measuring. Safe to call again."""
        if self._walk is not None:
            self._walk.close()
            self._walk = None
