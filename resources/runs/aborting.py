"""Aborting a run: at once, or with some time to put its things in order."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts import audit
from accounts.lib import database_clock
from accounts.principal import Principal
from resources.jobs.status import JobStatus
from resources.models import Run
from resources.runs.ending import finish


def abort(run: Run, *, gracefully: bool, by: Principal) -> bool:
    """Abort a run, and return whether that changed anything. `run` is as it is afterwards.

    One that no worker has begun is aborted there and then. One at work becomes ABORTING; its worker stops it at
    `graceful_until`, which is now, or in WORKER_GRACE_SECS where it is to go `gracefully`, and then it is ABORTED. One
    that is on its way out already can only be stopped sooner.
    """
    with transaction.atomic():
        changed = finish(run.pk, JobStatus.ABORTED, only_from={JobStatus.READY}) or _stop_at_work(run.pk, gracefully)
        if changed:
            audit.record(
                "run.aborted",
                by=by,
                account_id=run.owner_id,
                subject_kind=run.kind,
                subject_id=run.pk,
                gracefully=gracefully,
            )
    run.refresh_from_db()
    return changed


def abort_with_message(run_id: str, message: str) -> bool:
    """Abort a run gracefully, for a reason of the server's, and return whether that changed anything.

    The message is its status message, unless it has one of its own.
    """
    if finish(run_id, JobStatus.ABORTED, message=message, only_from={JobStatus.READY}):
        return True
    if not _stop_at_work(run_id, gracefully=True):
        return False
    Run.objects.filter(pk=run_id, status_message="").update(status_message=message)
    return True


def _stop_at_work(run_id: str, gracefully: bool) -> bool:
    until = database_clock.now() + timedelta(seconds=settings.WORKER_GRACE_SECS if gracefully else 0)
    running = Q(status=JobStatus.RUNNING)
    waiting_longer = Q(status=JobStatus.ABORTING, graceful_until__gt=until)
    return bool(
        Run.objects.filter(running | waiting_longer, pk=run_id).update(status=JobStatus.ABORTING, graceful_until=until)
    )
