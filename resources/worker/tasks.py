"""The tasks that a worker executes. They are queued by `resources/jobs/queue.py`, whose rows name them by their path.

A task may be delivered twice, or to a worker that dies: each begins by taking its job in the database, and does nothing
when another worker has it or it is done (`resources/worker/leases.py` finds the jobs of those who died).
"""

from django_tasks import task

from resources.jobs.queue import JOBS, WEBHOOKS
from resources.schedules import sealing
from resources.webhooks import delivery
from resources.worker import execute_build as building
from resources.worker import execute_run as running


@task(queue_name=JOBS)
def execute_run(run_id: str) -> None:
    """Run a run to its end that was queued by a version of before, unless it was taken up already."""
    running.execute(run_id)


@task(queue_name=JOBS)
def execute_build(build_id: str) -> None:
    """Build a build that was queued by a version of before, unless it was taken up already."""
    building.execute(build_id)


@task(queue_name=WEBHOOKS)
def deliver_webhook(dispatch_id: str) -> None:
    """Send a webhook that is due, and note what came of it."""
    delivery.deliver(dispatch_id)


@task(queue_name=JOBS)
def seal_saved_inputs(actor_id: str) -> None:
    """Encrypt the secret input fields that tasks and schedules of an Actor have saved before a build called them so."""
    sealing.encrypt_saved_inputs([actor_id])
