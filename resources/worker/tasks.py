"""What can be queued for a worker. The queue itself is a library's: Django's task framework, kept in the database.

What is queued is a row, written in the transaction of the change that wants it, so that either both are there or
neither. A task may be delivered twice, or to a worker that dies: each begins by taking its job in the database, and
does nothing when somebody else has it or it is done (`resources/worker/leases.py` finds the jobs of those who died).
"""

from datetime import datetime

from django_tasks import task

RUNS_AND_BUILDS = "jobs"
WEBHOOKS = "webhooks"


@task(queue_name=RUNS_AND_BUILDS)
def execute_run(run_id: str) -> None:
    """Take a run that is ready, and run it to its end."""
    from resources.worker.execute_run import execute

    execute(run_id)


@task(queue_name=RUNS_AND_BUILDS)
def execute_build(build_id: str) -> None:
    """Take a build that is ready, and build it."""
    from resources.worker.execute_build import execute

    execute(build_id)


@task(queue_name=WEBHOOKS)
def deliver_webhook(dispatch_id: str) -> None:
    """Send a webhook that is due, and note what came of it."""
    from resources.webhooks.delivery import deliver

    deliver(dispatch_id)


@task(queue_name=RUNS_AND_BUILDS)
def seal_saved_inputs(actor_id: str) -> None:
    """Encrypt the secret input fields that tasks and schedules of an Actor have saved before a build called them so."""
    from resources.schedules.sealing import seal_saved

    seal_saved([actor_id])


def queue_run(run_id: str) -> None:
    """Have a worker execute a run, once the transaction that one is in has been committed."""
    execute_run.enqueue(run_id)


def queue_build(build_id: str) -> None:
    """Have a worker execute a build, once the transaction that one is in has been committed."""
    execute_build.enqueue(build_id)


def queue_dispatch(dispatch_id: str, after: datetime | None = None) -> None:
    """Have a worker send a webhook, once the transaction that one is in has been committed, and not before `after`."""
    deliver_webhook.using(run_after=after).enqueue(dispatch_id)


def queue_sealing(actor_id: str) -> None:
    """Have a worker encrypt the inputs saved for an Actor, once the transaction that one is in has been committed."""
    seal_saved_inputs.enqueue(actor_id)
