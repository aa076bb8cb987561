"""What tests of runs have in common: an Actor that has been built, and somebody who does what a worker does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Account
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Actor, Build, Run, TaggedBuild
from resources.runs import ending
from resources.runs.tokens import make_run_token
from tests.support.api import ApiClient

# A line of the log of a run one of whose calls was refused, as console/http/refusal_log.py writes it.
REFUSED_CALL = (
    "ACCESS: GET /v2/datasets/abc/items was refused: 403 insufficient-permissions. The call had no API token; the one "
    "in APIFY_TOKEN speaks for the account that started the run. Missing: READ on the dataset."
)


def built_actor(owner: Account, *, name: str = "counter", number: str = "0.1.1", **fields: Any) -> Actor:
    """Make an Actor with a build that has succeeded, tagged latest."""
    actor = Actor.objects.create(owner=owner, name=name, **fields)
    built(actor, number)
    return actor


def built(actor: Actor, number: str, tag: str = "latest") -> Build:
    """Make a build of an Actor that has succeeded, and let a tag point to it."""
    build = Build.objects.create(
        owner_id=actor.owner_id, actor_id=actor.pk, number=number, tag=tag, status=JobStatus.SUCCEEDED
    )
    TaggedBuild.objects.update_or_create(actor=actor, tag=tag, defaults={"build": build})
    return build


def at_work(run: Run | str, status: JobStatus = JobStatus.RUNNING, **fields: Any) -> None:
    """Let a run be at work, as a worker does."""
    run_id = run if isinstance(run, str) else run.pk
    Run.objects.filter(pk=run_id).update(status=status, started_at=timezone.now(), worker="w1", **fields)


def ended(run: Run | str, status: JobStatus = JobStatus.SUCCEEDED, **fields: Any) -> None:
    """Let a run end, as a worker does."""
    assert ending.finish(run if isinstance(run, str) else run.pk, status, **fields)


@contextmanager
def worker(work: Callable[[Run], None]) -> Iterator[None]:
    """Stand in for a worker while the block goes on: take each run that is ready, do `work` with it, and end it.

    A run that `work` has ended is left as it is; another one has succeeded. Aborted ones are aborted.
    """
    stop = threading.Event()

    def loop() -> None:
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

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def client_of(run: Run) -> ApiClient:
    """Return a client that calls as the run does."""
    at_work(run)
    return ApiClient(make_run_token(Run.objects.get(pk=run.pk)))
