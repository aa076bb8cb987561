"""Periodic maintenance of a worker.

Each chore can be done by several workers at once, or by one that dies over it: each thing is claimed in the database.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone
from django.utils.module_loading import import_string
from django_tasks_db.models import DBTaskResult

from accounts.lib import database_clock
from accounts.lib.database_errors import describe
from accounts.mail import queue as email_queue
from resources.jobs.status import FINISHED
from resources.models import Build, Run
from resources.records import discarding
from resources.runs import run_counts
from resources.sandbox import directories
from resources.webhooks import delivery
from resources.worker import leases, worker_identity

_log = logging.getLogger(__name__)

_KEEP_TASKS = timedelta(days=3)
BATCH = 1000


@dataclass(slots=True)
class Chore:
    """Something to be done every so many seconds."""

    do: Callable[[], object]
    every_seconds: float
    due_at: float = 0.0


def urgent_chores(worker: str) -> list[Chore]:
    """Return the urgent chores of a worker; they do not wait for the others."""
    return [
        Chore(lambda: leases.reclaim_expired_leases(worker), 5),
        *(Chore(import_string(name), seconds) for name, seconds in settings.WORKER_CHORES.items()),
    ]


def background_chores() -> list[Chore]:
    """Return the chores of a worker that may take a while."""
    return [
        Chore(delivery.queue_overdue, 60),
        Chore(email_queue.queue_overdue, 60),
        Chore(run_counts.fold, 60),
        Chore(forget_tasks, 3600),
        Chore(discarding.delete_due, 3600),
        Chore(discarding.delete_when_short, 60),
        Chore(remove_left_directories, 3600),
    ]


class Chores:
    """Chores that are done one after the other, by one thread of a worker."""

    def __init__(self, chores: Sequence[Chore]) -> None:
        self._chores = chores

    def do_what_is_due(self, now: float) -> None:
        """Do each chore whose time has come at `now`, a time of the monotonic clock; one that fails is tried again."""
        for chore in self._chores:
            if now >= chore.due_at and not worker_identity.stopping.is_set():
                chore.due_at = now + chore.every_seconds
                try:
                    chore.do()
                except DatabaseError as error:
                    _log.warning("%s", describe(error))
                except Exception:
                    _log.exception("A chore of the worker failed.")


def forget_tasks() -> int:
    """Delete what the queue remembers of tasks that were done days ago; return how many there were.

    A batch at a time, so that clients that queue jobs do not wait for all of it.
    """
    done = DBTaskResult.objects.finished().filter(finished_at__lt=database_clock.now() - _KEEP_TASKS).order_by()
    forgotten = 0
    while not worker_identity.stopping.is_set():
        ids = list(done.values_list("pk", flat=True)[:BATCH])
        forgotten += DBTaskResult.objects.filter(pk__in=ids).delete()[0]
        if len(ids) < BATCH:
            break
    return forgotten


def remove_left_directories() -> int:
    """Remove from this machine what belongs to builds that were deleted and runs that have ended; return how many."""
    removed = 0
    for directory in directories.kept("builds"):
        build_id, _, making = directory.name.partition(".")
        builds = Build.objects.filter(pk=build_id)
        if not builds.exists() or (making and builds.filter(status__in=FINISHED).exists() and _is_old(directory)):
            directories.remove(directory)
            removed += 1
    for directory in directories.kept("runs"):
        if not Run.objects.filter(pk=directories.job_id_from(directory)).exclude(status__in=FINISHED).exists():
            directories.remove(directory)
            removed += 1
    return removed


def _is_old(directory: Path) -> bool:
    age: float = timezone.now().timestamp() - directory.lstat().st_mtime
    return age > timedelta(days=1).total_seconds()
