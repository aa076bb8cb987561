"""Taking up jobs: a thread that looks for the next one whenever a place is free, and one thread for each job."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from typing import Final

from django.db import DatabaseError, close_old_connections, connections

from resources.models import Run
from resources.worker import execute_build, execute_run, leases, turns, worker_identity
from resources.worker.places import Places
from resources.worker.turns import Turns, WaitingJob

_log = logging.getLogger(__name__)

# How often it is looked for jobs.
INTERVAL_SECONDS: Final = 0.25
PAUSE_AFTER_ERROR_SECONDS: Final = 5.0


class Dispatcher:
    """Takes up jobs until the worker is to stop; `run` returns when all of them are over or have been released."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._turns = Turns()
        self._wake = threading.Event()
        self._threads: set[threading.Thread] = set()

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
                _log.warning("The database does not answer: %s", str(error).strip())
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
        if self._places.is_free():
            job = self._turns.find_next()
            if job is not None:
                if self._take(job):
                    self._turns.serve(job.owner_id)
                return True
        found = turns.find_child(self._places.parents())
        if found is not None:
            self._take(*found)
        return found is not None

    def _take(self, job: WaitingJob, parent: str = "") -> bool:
        """Take up a job, and return whether this worker has it now: another one may have been first."""
        with ExitStack() as stack:
            worker = stack.enter_context(worker_identity.attempt())
            if not leases.claim(job.model, job.job_id, worker):
                return False
            self._places.take(job.job_id, parent)
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
