"""The places of a worker, each for one run or build at a time.

There are WORKER_JOBS plain ones, and extra ones up to WORKER_JOBS_NESTED in all. A run here that has started a run has
one extra place for it: it waits for that itself, as a rule, and would else keep it from ever being taken up. When the
run ends before that, what it has started goes on in its place: together they are a chain.

As soon as a job has such a place, an account that has no job here may have an extra one, too, as a guest: it must not
wait for the end of a whole chain. A guest begins a chain of its own, so it is let in only while all chains, each as
deep as runs may start each other, have their places: else runs that wait for others could hold them all. Where there
is no limit to that depth, nothing is held free for it. Of every eight extra places one is kept for guests.
"""

import threading
from dataclasses import dataclass
from typing import Final

_EXTRA_FOR_EACH_KEPT: Final = 8  # RUN_MAX_DEPTH goes by it, too


@dataclass(slots=True)
class _Held:
    owner_id: str
    parent: str  # the run whose extra place it has
    is_extra: bool
    started_by: str  # the run that has started it


class Places:
    """Which jobs have the places of a worker. Safe to use from several threads."""

    def __init__(self, jobs: int, most: int, *, deepest: int = 0) -> None:
        """Have `jobs` plain places, and `most` in all; runs start each other at most `deepest` deep, 0 for no limit."""
        self._jobs = jobs
        self._extra = max(0, most - jobs)
        self._extra_for_children = self._extra - self._extra // _EXTRA_FOR_EACH_KEPT
        self._deepest = deepest
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def is_free(self) -> bool:
        """Tell whether a job can be taken up, whichever it is."""
        with self._lock:
            return len(self._held) - self._count_extra() < self._jobs

    def parents(self) -> set[str]:
        """Return the jobs here that there is one more place for."""
        with self._lock:
            is_full = self._count_extra() >= self._extra_for_children
            return set() if is_full else self._held.keys() - {each.parent for each in self._held.values()}

    def find_last(self) -> frozenset[str]:
        """Return the jobs here that have started none of the others."""
        with self._lock:
            return frozenset(self._held.keys() - {each.started_by for each in self._held.values()})

    def find_guests(self) -> set[str] | None:
        """Return the accounts that may not have a place because they have one; None where no other may have one."""
        with self._lock:
            guests = sum(each.is_extra and not each.parent for each in self._held.values())
            has_chain = any(each.parent for each in self._held.values())
            if not has_chain or guests >= self._jobs or self._count_extra() >= self._extra:
                return None
            # The plain places may all become chains, whether they are taken now or not.
            if (self._jobs + guests + 1) * self._deepest - self._jobs > self._extra_for_children:
                return None
            return {each.owner_id for each in self._held.values()}

    def take(
        self, job_id: str, parent: str = "", *, owner_id: str = "", started_by: str = "", is_extra: bool = False
    ) -> None:
        """Give a job of an account a place, an extra one if that is said or it is the one for a `parent`."""
        with self._lock:
            self._held[job_id] = _Held(owner_id, parent, is_extra or bool(parent), started_by)

    def leave(self, job_id: str) -> None:
        """Let a job that is over leave its place, to the one that has the extra place for it, if there is one."""
        with self._lock:
            left = self._held.pop(job_id)
            for other in self._held.values():
                if other.parent == job_id:
                    other.parent, other.is_extra = left.parent, left.is_extra

    def count(self) -> int:
        """Return how many jobs have a place."""
        with self._lock:
            return len(self._held)

    def _count_extra(self) -> int:
        return sum(each.is_extra for each in self._held.values())
