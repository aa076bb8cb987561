"""Taking up jobs: a thread that looks for the next one whenever a place is free, and one thread for each job."""

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from django.db import DatabaseError, close_old_connections, connections

from accounts.deployment import exposure
from accounts.lib.database_errors import describe
from resources.jobs.status import JobStatus
from resources.models import Run
from resources.worker import execute_build, execute_run, leases, turns, worker_identity
from resources.worker.places import Places
from resources.worker.turns import Turns, WaitingJob

_log = logging.getLogger(__name__)

# How often it is looked for jobs.
INTERVAL_SECONDS: Final = 0.25
PAUSE_AFTER_ERROR_SECONDS: Final = 5.0
# How long the same runs must hold all places, each having started one that has none, until one of these is ended. That
# they wait for these cannot be told: one that has only started another may work on, and end.
STUCK_SECONDS: Final = 300.0
STUCK: Final = (
    "This run could not begin: all places of the only worker are held by runs that have started others, and those that "
    "came last have started runs that have no place. Let runs start each other less deep."
)

clock = time.monotonic


class Dispatcher:
    """Takes up jobs until the worker is to stop; `run` returns when all of them are over or have been released."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._turns = Turns()
        self._wake = threading.Event()
        self._threads: set[threading.Thread] = set()
        self._stuck: frozenset[str] = frozenset()  # the runs that seem to be, since `_stuck_at`
        self._stuck_at = 0.0

    def run(self) -> None:
        """Take up jobs."""
        while not worker_identity.stopping.is_set():
            self._wake.clear()
            pause = INTERVAL_SECONDS
            try:
                if self._take_next():
                    continue
                close_old_connections()
            except DatabaseError as error:
                _log.warning("%s", describe(error))
                close_old_connections()
                pause = PAUSE_AFTER_ERROR_SECONDS
            except Exception:
                _log.exception("Taking up a job failed.")
                pause = PAUSE_AFTER_ERROR_SECONDS
            self._wake.wait(pause)
        for thread in list(self._threads):
            thread.join()
        connections.close_all()

    def wake(self) -> None:
        """Have it look again now."""
        self._wake.set()

    def _take_next(self) -> bool:
        """Take up the next job there is a place for, and return whether it is worth looking again at once."""
        parents = self._places.parents()
        if self._places.is_free():
            job = self._turns.find_next()
            if job is not None:
                # What a run here waits for takes its extra place, so that the plain ones are left for others.
                parent = job.started_by_run if job.started_by_run in parents else None
                self._take_in_turn(job, parent or "")
                return True
        child = self._turns.find_child(parents)
        with_places = self._places.find_guests()
        guest = None if with_places is None else self._turns.find_next(without=with_places)
        if guest is not None and (child is None or self._turns.comes_first(guest, child)):
            self._take_in_turn(guest, is_extra=True)
        elif child is not None:
            self._take_in_turn(child, child.started_by_run or "")
        else:
            return self._end_stuck()
        return True

    def _take_in_turn(self, job: WaitingJob, parent: str = "", *, is_extra: bool = False) -> None:
        if self._take(job, parent, is_extra=is_extra):
            self._turns.serve(job.owner_id)

    def _end_stuck(self) -> bool:
        """End the newest run that has no place where, as far as can be told, no place can ever become free."""
        last = frozenset() if self._places.parents() or self._places.is_free() else self._places.find_last()
        job_id = turns.find_newest_child(last) if last else None
        if job_id is None or last != self._stuck:
            self._stuck, self._stuck_at = last if job_id else frozenset(), clock()
            return False
        if clock() - self._stuck_at < STUCK_SECONDS:
            return False
        self._stuck = frozenset()
        if exposure.has_other_worker():  # it may have a place
            return False
        with worker_identity.attempt() as worker:
            if leases.claim(Run, job_id, worker):
                _log.warning("Run %s is ended: all places are held by runs that have started others.", job_id)
                leases.end(Run, job_id, worker, JobStatus.FAILED, message=STUCK)
        return True

    def _take(self, job: WaitingJob, parent: str = "", *, is_extra: bool = False) -> bool:
        """Take up a job, and return whether this worker has it now: another one may have been first."""
        with ExitStack() as stack:
            worker = stack.enter_context(worker_identity.attempt())
            if not leases.claim(job.model, job.job_id, worker):
                return False
            started_by = job.started_by_run or ""
            self._places.take(job.job_id, parent, owner_id=job.owner_id, started_by=started_by, is_extra=is_extra)
            held = stack.pop_all()
        thread = threading.Thread(target=self._work, args=(job, worker, held), name=f"job {job.job_id}")
        self._threads.add(thread)
        try:
            thread.start()
        except RuntimeError:  # the machine has no more threads
            _log.exception("No thread is to be had for another job.")
            self._end(job, held, thread)
            leases.release(job.model, job.job_id, worker)
            worker_identity.stopping.wait(PAUSE_AFTER_ERROR_SECONDS)
        return True

    def _work(self, job: WaitingJob, worker: str, held: ExitStack) -> None:
        execute: Callable[[str, str], None] = (
            execute_run.execute_claimed if job.model is Run else execute_build.execute_claimed
        )
        try:
            execute(job.job_id, worker)
        except Exception:
            _log.exception("Job %s was left as it is; it counts as abandoned.", job.job_id)
        finally:
            connections.close_all()
            self._end(job, held, threading.current_thread())

    def _end(self, job: WaitingJob, held: ExitStack, thread: threading.Thread) -> None:
        held.close()
        self._places.leave(job.job_id)
        self._threads.discard(thread)
        self.wake()
