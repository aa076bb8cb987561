"""Queue what workers do besides runs and builds. The queue is a library's: Django's tasks, kept in the database.

Runs and builds need none: those that are READY are taken up in turn (`resources/worker/turns.py`).

What is queued is a row, written in the transaction of the change that wants it, so that either both are there or
neither. Workers execute it: the tasks are named here by their path, for they stand above (`resources/worker/tasks.py`)
and import what queues them.
"""

from datetime import datetime

from django.utils.module_loading import import_string
from django_tasks.base import Task

JOBS = "jobs"
WEBHOOKS = "webhooks"


def queue_dispatch(dispatch_id: str, after: datetime | None = None) -> None:
    """Have a worker send a webhook, once the transaction that one is in has been committed, and not before `after`."""
    _task("deliver_webhook").using(run_after=after).enqueue(dispatch_id)


def queue_input_encryption(actor_id: str) -> None:
    """Have a worker encrypt the inputs saved for an Actor, once the transaction that one is in has been committed."""
    _task("seal_saved_inputs").enqueue(actor_id)


def _task(name: str) -> Task[[str], None]:
    found: Task[[str], None] = import_string(f"resources.worker.tasks.{name}")
    return found
