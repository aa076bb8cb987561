"""How much an account may run at once: ACCOUNT_MAX_RUNS and ACCOUNT_MAX_MEMORY_MBYTES, each 0 for no limit."""

from django.conf import settings
from django.db.models import Count, Sum

from accounts.models import Account
from resources.jobs.ending import UNFINISHED
from resources.models import Run
from resources.runs.cannot_run import CannotRun


class LimitExceeded(CannotRun):
    """The account has as much at work, or waiting, as it may."""


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
