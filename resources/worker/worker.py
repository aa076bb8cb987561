"""A worker: a process that runs and builds, several jobs at once, sends webhooks, and does what others have left.

One thread takes up runs and builds (`dispatch.py`), each into a thread of its own. Webhooks and emails are in queues,
which are django-tasks-db's, as is the loop that takes from them: WEBHOOK_JOBS of these have a thread each here, so that
not all of them wait for a receiver that does not answer, and two are for emails. The main thread does the chores that a
user waits for, and another one the rest.

A worker that is asked to end (SIGTERM, or Ctrl-C) takes nothing more. What it runs is asked to end, is killed after
some seconds, and goes back into the queue: another worker, or the next start of this one, begins it anew with the same
storages, as Apify does when it moves a run to another machine. A worker that is killed gives nothing back. Its programs
die with it, and once their leases have run out others end its runs as FAILED, or begin those anew that were to be
restarted on error.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connections
from django_tasks_db.management.commands.db_worker import Worker as QueueWorker

from accounts.lib.database_errors import describe
from accounts.lib.descriptors import allow_descriptors
from accounts.mail.queue import EMAILS
from resources.jobs.queue import JOBS, WEBHOOKS
from resources.worker import events, maintenance, worker_identity
from resources.worker.dispatch import Dispatcher
from resources.worker.places import Places

_log = logging.getLogger(__name__)

INTERVAL_SECONDS = 0.5
# A mail server that hangs holds up the emails, and nothing else.
EMAIL_JOBS = 2
CHORES_SECONDS = 1.0
# What a job has open here: its connections for events, its log, its sandbox, its connection to the database.
_DESCRIPTORS_OF_JOB = 64
_PAUSE_AFTER_ERROR_SECONDS = 5.0


class Worker:
    """This process as a worker: `run` returns once it was asked to end, and every job has been released."""

    def __init__(self, jobs: int, webhooks: int) -> None:
        self._jobs = jobs
        self._most = max(jobs, settings.WORKER_JOBS_NESTED)
        self._dispatcher = Dispatcher(Places(jobs, self._most, deepest=settings.RUN_MAX_DEPTH))
        self._queue_workers = [_queue_worker(JOBS, 0)]
        self._queue_workers += [_queue_worker(WEBHOOKS, 1 + number) for number in range(webhooks)]
        self._queue_workers += [_queue_worker(EMAILS, 1 + webhooks + number) for number in range(EMAIL_JOBS)]

    def run(self) -> None:
        """Work until asked to end."""
        threads = [threading.Thread(target=_work, args=(each,), name=each.worker_id) for each in self._queue_workers]
        threads.append(threading.Thread(target=self._dispatcher.run, name="jobs"))
        threads.append(threading.Thread(target=_do_others, name="chores"))
        allow_descriptors(1000 + _DESCRIPTORS_OF_JOB * self._most)
        _have_connections(len(threads) + self._most + 1)
        for thread in threads:
            thread.start()
        _warn_of_root()
        _log.info(
            "Worker %s is ready for %d jobs at once, and for %d with those that wait for others.",
            worker_identity.name(),
            self._jobs,
            self._most,
        )
        try:
            _do(maintenance.urgent_chores(worker_identity.name()))
        finally:
            self.stop()
            for thread in threads:
                thread.join()
            events.close()
            connections.close_all()

    def stop(self, number: int = 0, frame: FrameType | None = None) -> None:
        """Have it end; a handler of signals. Safe to call again."""
        worker_identity.stopping.set()
        self._dispatcher.wake()
        for each in self._queue_workers:
            each.running = False

    def stop_on_signals(self) -> None:
        """End on SIGTERM and on Ctrl-C."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)


def prepare(jobs: int) -> Worker:
    """Return a worker that is to be run; from now on SIGTERM and Ctrl-C end it in good order."""
    worker = Worker(jobs, settings.WEBHOOK_JOBS)
    worker.stop_on_signals()
    return worker


def _warn_of_root() -> None:
    if os.geteuid() == 0:
        _log.warning(
            "This worker runs as root, and should not: runs and builds can then read files that only root may read, "
            "and a bug in the kernel gives them the whole machine. Start it as a user of its own."
        )


def _queue_worker(queue: str, number: int) -> QueueWorker:
    return QueueWorker(
        queue_names=[queue],
        interval=INTERVAL_SECONDS,
        batch=False,
        backend_name="default",
        startup_delay=False,
        max_tasks=None,
        worker_id=f"{worker_identity.name()[:58]}/{number}",
        excluded_queue_names=[],
    )


def _have_connections(count: int) -> None:
    """Let the pool have a connection for each thread: one that runs a job, or waits for a receiver, keeps its own."""
    pool = connections.settings["default"].get("OPTIONS", {}).get("pool")
    if pool:
        pool["max_size"] = max(pool["max_size"], count)


def _do(todo: Sequence[maintenance.Chore]) -> None:
    """Do chores, each in its time, until the worker is to stop."""
    doing = maintenance.Chores(todo)
    while not worker_identity.stopping.is_set():
        doing.do_what_is_due(time.monotonic())
        close_old_connections()
        worker_identity.stopping.wait(CHORES_SECONDS)


def _do_others() -> None:
    _do(maintenance.background_chores())
    connections.close_all()


def _work(queue_worker: QueueWorker) -> None:
    """Take from the queue until it is to stop; a database that does not answer is asked again a little later."""
    while queue_worker.running:
        try:
            queue_worker.run()
        except DatabaseError as error:
            _log.warning("%s", describe(error))
            close_old_connections()
            worker_identity.stopping.wait(_PAUSE_AFTER_ERROR_SECONDS)
        except Exception:
            _log.exception("Taking from the queue failed.")
            worker_identity.stopping.wait(_PAUSE_AFTER_ERROR_SECONDS)
    connections.close_all()
