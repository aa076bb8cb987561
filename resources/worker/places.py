"""The places of a worker, each for one run or build at a time.

There are WORKER_JOBS, and one more for each run here that has started a run which waits: it waits for that itself, as a
rule, and would else keep it from ever being taken up. Such a place is for what this very run has started. When the run
ends before that, what it has started goes on in its place. There are WORKER_JOBS_NESTED places at most.
"""

import threading


class Places:
    """Which jobs have the places of a worker. Safe to use from several threads."""

    def __init__(self, jobs: int, most: int) -> None:
        self._jobs = jobs
        self._most = max(jobs, most)
        self._lock = threading.Lock()
        self._held: dict[str, str] = {}  # by job: the run whose extra place it has, "" for one of WORKER_JOBS

    def is_free(self) -> bool:
        """Tell whether a job can be taken up, whichever it is."""
        with self._lock:
            return self._count_plain() < self._jobs

    def parents(self) -> set[str]:
        """Return the jobs here that there is one more place for."""
        with self._lock:
            full = len(self._held) >= self._most
            return set() if full else self._held.keys() - self._held.values()

    def take(self, job_id: str, parent: str = "") -> None:
        """Give a job a place, the extra one for `parent` if that is named."""
        with self._lock:
            self._held[job_id] = parent

    def leave(self, job_id: str) -> None:
        """Let a job that is over leave its place, to the one that has the extra place for it, if there is one."""
        with self._lock:
            place = self._held.pop(job_id)
            for other, parent in self._held.items():
                if parent == job_id:
                    self._held[other] = place

    def count(self) -> int:
        """Return how many jobs have a place."""
        with self._lock:
            return len(self._held)

    def _count_plain(self) -> int:
        return sum(not parent for parent in self._held.values())
