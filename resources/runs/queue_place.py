"""Where in the queue of its account a job is that waits for a worker. Accounts take turns: others do not count."""

from typing import Final

from resources.jobs.conditions import has_status
from resources.jobs.status import JobStatus
from resources.models import Build, Run

MOST_COUNTED: Final = 1000


def find_queue_place(job: Run | Build) -> int | None:
    """Return which of the jobs of its owner that wait a job is: 1 for the next one, None when it does not wait.

    Those behind the first thousand are all said to be behind the first thousand.
    """
    asked_at = job.list_at if isinstance(job, Run) else job.started_at
    if job.status != JobStatus.READY or asked_at is None:
        return None
    ready = {JobStatus.READY}
    runs = Run.objects.filter(has_status(Run, ready), list_owner=job.owner_id, list_at__lt=asked_at)
    builds = Build.objects.filter(has_status(Build, ready), list_owner=job.owner_id, started_at__lt=asked_at)
    before = sum(each.order_by()[:MOST_COUNTED].count() for each in (runs, builds))
    return min(before, MOST_COUNTED) + 1
