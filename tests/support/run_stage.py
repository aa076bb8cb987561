"""Do with runs what a worker does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.utils import timezone

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Run
from resources.runs import ending
from resources.runs.tokens import make_run_token
from tests.support.api import ApiClient
from tests.support.threads import going_on

# A line of the log of a run one of whose calls was refused, as console/http/refusal_log.py writes it.
REFUSED_CALL = (
    "ACCESS: GET /v2/datasets/abc/items was refused: 403 insufficient-permissions. The call had no API token; the one "
    "in APIFY_TOKEN speaks for the account that started the run. Missing: READ on the dataset."
)


def at_work(run: Run | str, status: JobStatus = JobStatus.RUNNING, **fields: Any) -> Run:
    """Let a run be at work, as a worker does, and return it as it is then."""
    found = _found(run)
    Run.objects.filter(pk=found.pk).update(status=status, started_at=timezone.now(), worker="w1", **fields)
    found.refresh_from_db()
    return found


def ended(run: Run | str, status: JobStatus = JobStatus.SUCCEEDED, **fields: Any) -> Run:
    """Let a run end, as a worker does, and return it as it is then."""
    found = _found(run)
    assert ending.finish(found.pk, status, **fields)
    found.refresh_from_db()
    return found


def _found(run: Run | str) -> Run:
    return Run.objects.get(pk=run) if isinstance(run, str) else run


@contextmanager
def worker(work: Callable[[Run], None]) -> Iterator[None]:
    """Stand in for a worker while the block goes on: take each run that is ready, do `work` with it, and end it.

    A run that `work` has ended is left as it is; another one has succeeded. Aborted ones are aborted.
    """

    def loop(stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                for run in Run.objects.filter(status=JobStatus.READY, kind=Kind.RUN):
                    at_work(run)
                    work(Run.objects.get(pk=run.pk))
                    ending.finish(run.pk, JobStatus.SUCCEEDED, exit_code=0, only_from={JobStatus.RUNNING})
                for run in Run.objects.filter(status=JobStatus.ABORTING, graceful_until__lte=timezone.now()):
                    ending.finish(run.pk, JobStatus.ABORTED)
                stop.wait(0.02)
        finally:
            connection.close()

    with going_on(loop):
        yield


def client_of(run: Run) -> ApiClient:
    """Return a client that calls as the run does, which is at work from then on."""
    return ApiClient(make_run_token(at_work(run)))
