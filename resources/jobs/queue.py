"""Queue jobs for a worker. The queue is a library's: Django's task framework, kept in the database.

What is queued is a row, written in the transaction of the change that wants it, so that either both are there or
neither. Workers execute it: the tasks are named here by their path, for they stand above (`resources/worker/tasks.py`)
and import what queues them.
"""

from datetime import datetime

from django.utils.module_loading import import_string
from django_tasks.base import Task

RUNS_AND_BUILDS = "jobs"
WEBHOOKS = "webhooks"


def queue_run(run_id: str) -> None:
    """Have a worker execute a run, once the transaction that one is in has been committed."""
    _task("execute_run").enqueue(run_id)


def queue_build(build_id: str) -> None:
    """Have a worker execute a build, once the transaction that one is in has been committed."""
    _task("execute_build").enqueue(build_id)


def queue_dispatch(dispatch_id: str, after: datetime | None = None) -> None:
    """Have a worker send a webhook, once the transaction that one is in has been committed, and not before `after`."""
    _task("deliver_webhook").using(run_after=after).enqueue(dispatch_id)


def queue_input_encryption(actor_id: str) -> None:
    """Have a worker encrypt the inputs saved for an Actor, once the transaction that one is in has been committed."""
    _task("seal_saved_inputs").enqueue(actor_id)


def _task(name: str) -> Task[[str], None]:
    found: Task[[str], None] = import_string(f"resources.worker.tasks.{name}")
    return found
