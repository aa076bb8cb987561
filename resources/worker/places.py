"""The places of a worker, each for one run or build at a time.

There are WORKER_JOBS plain ones, and extra ones up to WORKER_JOBS_NESTED in all. A run here that has started a run has
one extra place for it: it waits for that itself, as a rule, and would else keep it from ever being taken up. When the
run ends before that, what it has started goes on in its place. Where the plain places are held by such runs, an account
that has no job here may have an extra place, too: it must not wait for the end of a whole chain. One of many extra
places is for such accounts alone.
"""

import threading
from dataclasses import dataclass
from typing import Final

_EXTRA_FOR_EACH_KEPT: Final = 8


@dataclass(slots=True)
class _Held:
    owner_id: str
    parent: str  # the run whose extra place it has
    is_extra: bool
    started_by: str  # the run that has started it


class Places:
    """Which jobs have the places of a worker. Safe to use from several threads."""

    def __init__(self, jobs: int, most: int) -> None:
        self._jobs = jobs
        self._extra = max(0, most - jobs)
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def is_free(self) -> bool:
        """Tell whether a job can be taken up, whichever it is."""
        with self._lock:
            return len(self._held) - self._count_extra() < self._jobs

    def parents(self) -> set[str]:
        """Return the jobs here that there is one more place for."""
        with self._lock:
            is_full = self._count_extra() >= self._extra - self._extra // _EXTRA_FOR_EACH_KEPT
            return set() if is_full else self._held.keys() - {each.parent for each in self._held.values()}

    def find_last(self) -> set[str]:
        """Return the jobs here that have started none of the others."""
        with self._lock:
            return self._held.keys() - {each.started_by for each in self._held.values()}

    def find_guests(self) -> set[str] | None:
        """Return the accounts that may not have a place because they have one; None where no other may have one."""
        with self._lock:
            guests = sum(each.is_extra and not each.parent for each in self._held.values())
            has_chain = any(each.parent for each in self._held.values())
            if not has_chain or guests >= self._jobs or self._count_extra() >= self._extra:
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
