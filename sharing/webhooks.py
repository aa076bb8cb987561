"""Which webhooks a principal may make: those of a run of another account's Actor end with the run."""

from accounts.principal import Principal
from resources.models import Run
from resources.webhooks.editing import WebhookChange
from sharing import narrowing, refusals


def check_may_make(change: WebhookChange, *, by: Principal) -> None:
    """Check that `by` may make a webhook; what it names has been decided before.

    A run of another account's Actor may make ad-hoc webhooks on itself and on runs that it started, directly.

    Raises:
        ApiError: 403 that says why.
    """
    if by.run is None or not narrowing.is_run_of_other_account(by):
        return
    run_id = change.condition.run_id if change.condition else None
    if not (change.is_ad_hoc and run_id and _is_its_own(run_id, by.run.id)):
        raise refusals.withheld(narrowing.WEBHOOKS)


def _is_its_own(run_id: str, by_run: str) -> bool:
    return run_id == by_run or Run.objects.filter(pk=run_id, started_by_run=by_run).exists()
