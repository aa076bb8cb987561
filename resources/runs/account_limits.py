"""How much may run at once: ACCOUNT_MAX_RUNS, ACCOUNT_MAX_MEMORY_MBYTES and RUN_MAX_DEPTH, each 0 for no limit."""

from django.conf import settings
from django.db.models import Count, Sum

from accounts.models import Account
from resources.jobs.ending import UNFINISHED
from resources.models import Run
from resources.runs.cannot_run import CannotRun


class LimitExceeded(CannotRun):
    """The account has as much at work, or waiting, as it may."""


def check_depth(parent_id: str | None) -> None:
    """Check that a run may start another one; runs that have ended keep no place and count no more.

    Raises:
        LimitExceeded: when it has been started by runs that go on, and these by others, more deeply than is allowed.
    """
    depth = 1
    while parent_id and settings.RUN_MAX_DEPTH:
        going_on = Run.objects.filter(pk=parent_id, status__in=sorted(UNFINISHED))
        found = going_on.values_list("started_by_run", flat=True)[:1]
        if not found:
            return
        depth += 1
        if depth > settings.RUN_MAX_DEPTH:
            raise LimitExceeded(
                "concurrent-runs-limit-exceeded",
                f"Runs can start each other at most {settings.RUN_MAX_DEPTH} deep while they wait for each other.",
            )
        parent_id = found[0]


def check(account_id: str, memory_mbytes: int) -> None:
    """Check that an account may have another run with so much memory; call it in the transaction that makes the run.

    Other starts of the account wait until that transaction is over.

    Raises:
        LimitExceeded: when it would have more at once than it may, those that wait included.
    """
    if not (settings.ACCOUNT_MAX_RUNS or settings.ACCOUNT_MAX_MEMORY_MBYTES):
        return
    Account.objects.select_for_update(of=("self",)).filter(pk=account_id).values_list("pk").first()
    active = Run.objects.filter(list_owner=account_id, status__in=sorted(UNFINISHED))
    used = active.aggregate(runs=Count("pk"), memory=Sum("memory_mbytes", default=0))
    most_runs, most_memory = settings.ACCOUNT_MAX_RUNS, settings.ACCOUNT_MAX_MEMORY_MBYTES
    if most_runs and used["runs"] >= most_runs:
        raise LimitExceeded(
            "concurrent-runs-limit-exceeded",
            f"With this run the account would exceed its limit of {most_runs} runs at once. Wait until one has ended.",
        )
    if most_memory and used["memory"] + memory_mbytes > most_memory:
        raise LimitExceeded(
            "actor-memory-limit-exceeded",
            f"With this run the account would exceed its limit of {most_memory} MB of memory for all runs at once "
            f"(currently used: {used['memory']} MB, requested: {memory_mbytes} MB).",
        )
