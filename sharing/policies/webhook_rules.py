"""Which webhooks a principal may make and see: for a run that is restrained, those that end with it."""

from django.db.models import Q, QuerySet

from accounts.principal import Principal
from resources.models import Run, Webhook
from resources.webhooks.editing import WebhookChange
from sharing import token_limits
from sharing.enforcement import refusals


def check_create(change: WebhookChange, *, by: Principal) -> None:
    """Check that `by` may make a webhook; what it names has been decided before.

    A run of another account's Actor, or with limited permissions, may make ad-hoc webhooks on itself and on runs that
    it started, directly.

    Raises:
        ApiError: 403 that says why.
    """
    if by.run is None or not token_limits.is_restrained_run(by):
        return
    run_id = change.condition.run_id if change.condition else None
    if not (change.is_ad_hoc and run_id and _is_its_own(run_id, by.run.id)):
        raise refusals.token_limited_error(token_limits.why_restrained(by, token_limits.WEBHOOKS))


def visible_webhooks(principal: Principal) -> "QuerySet[Webhook]":
    """Return the webhooks that a principal may see: those of its account.

    Such a run sees only ad-hoc webhooks on itself and on runs that it started, directly: the
    URLs of all others, and what was sent to them, are not for code that the account did not write.
    """
    webhooks = Webhook.objects.filter(owner_id=principal.account_id or "")
    if principal.run is None or not token_limits.is_restrained_run(principal):
        return webhooks
    started = Run.objects.filter(started_by_run=principal.run.id).values("pk")
    return webhooks.filter(Q(run_id=principal.run.id) | Q(run_id__in=started), is_ad_hoc=True)


def _is_its_own(run_id: str, by_run: str) -> bool:
    return run_id == by_run or Run.objects.filter(pk=run_id, started_by_run=by_run).exists()
