"""Approvals: an account runs the full Actors of other accounts only where it has approved them, or approves all.

Every way to start a run comes by `check`, in the transaction in which the run begins. An approval that is withdrawn
limits the runs that go on, from their next request on.
"""

from enum import StrEnum

from django.conf import settings
from django.db import transaction

from accounts import audit
from accounts.models import Account
from accounts.principal import Principal
from resources import permission_levels
from resources.jobs.status import FINISHED
from resources.kinds import Kind
from resources.models import Actor, ActorApproval, Run
from resources.runs.cannot_run import CannotRun
from resources.runs.tokens import limit


class NotApproved(CannotRun):
    """The account has not approved the Actor for full permissions; `approval_url` is the page where it can."""

    def __init__(self, actor_id: str, account_id: str) -> None:
        self.approval_url = f"{settings.PUBLIC_URL}{approval_path(actor_id)}?account={account_id}"
        super().__init__(
            "full-permission-actor-not-approved",
            "This Actor asks for full permissions, and the account has not approved it. Approve it at "
            f"{self.approval_url}, or force limited permissions.",
        )


def approval_path(actor_id: str) -> str:
    """Return the path of the page on which an account approves an Actor."""
    return f"/actors/{actor_id}/approve"


class Remedy(StrEnum):
    """What lets the next run of an Actor have full permissions where one had limited ones."""

    APPROVE = "APPROVE"
    RAISE_LEVEL = "RAISE_LEVEL"


def find_remedy(actor: Actor, account_id: str) -> Remedy | None:
    """Return what an account can do so that its runs of an Actor have full permissions.

    None where only the developer of the Actor can, or where the run alone was limited.
    """
    is_own, is_limited = actor.owner_id == account_id, actor.permission_level == permission_levels.LIMITED
    if is_own:
        return Remedy.RAISE_LEVEL if is_limited else None
    return None if is_limited else Remedy.APPROVE


def check(actor: Actor, account_id: str, level: str | None) -> None:
    """Check that an account may begin a run of an Actor with a permission level, as a model keeps it.

    Call it in the transaction in which the run begins, so that an approval that is withdrawn meanwhile limits the run,
    and so does the setting to skip approvals when it is switched off.

    Raises:
        NotApproved: when it may not.
    """
    if level is not None or actor.owner_id == account_id:
        return
    approved = ActorApproval.objects.select_for_update().filter(account_id=account_id, actor_id=actor.pk)
    if approved.values_list("pk", flat=True).first():
        return
    skipping = Account.objects.select_for_update(no_key=True).filter(pk=account_id, skips_actor_approvals=True)
    if not skipping.values_list("pk", flat=True).first():
        raise NotApproved(actor.pk, account_id)


def is_approved(actor: Actor, account_id: str) -> bool:
    """Tell whether an account may run an Actor with full permissions."""
    return (
        actor.owner_id == account_id
        or ActorApproval.objects.filter(account_id=account_id, actor_id=actor.pk).exists()
        or skips_approvals(account_id)
    )


def skips_approvals(account_id: str) -> bool:
    """Tell whether an account runs full Actors of all others without approvals."""
    return Account.objects.filter(pk=account_id, skips_actor_approvals=True).exists()


def approve(actor: Actor, *, by: Principal) -> bool:
    """Let the account of `by` run an Actor with full permissions; return whether that is new."""
    with transaction.atomic():
        _, is_new = ActorApproval.objects.get_or_create(
            account_id=by.account_id, actor=actor, defaults={"person_id": by.person_id or by.account_id or ""}
        )
        if is_new:
            _record("actor.approved", actor, by)
    return is_new


def withdraw(actor: Actor, *, by: Principal) -> bool:
    """Take the approval of the account of `by` back, and return whether there was one.

    Runs that go on have limited permissions from then on.
    """
    account_id = by.account_id or ""
    with transaction.atomic():
        deleted, _ = ActorApproval.objects.filter(account_id=account_id, actor_id=actor.pk).delete()
        if not deleted:
            return False
        _record("actor.approval_withdrawn", actor, by)
        if not skips_approvals(account_id):
            _limit_runs(actor.pk, account_id)
    return True


def limit_unapproved(account_id: str) -> None:
    """Limit the runs that go on of all Actors of others that an account has not approved: approvals count again.

    Call it in a transaction.
    """
    approved = ActorApproval.objects.filter(account_id=account_id).values_list("actor_id", flat=True)
    own = Actor.objects.filter(owner_id=account_id).values_list("pk", flat=True)
    going_on = _full_runs(account_id)
    may_be_full = {*approved, *own.filter(pk__in={run.current_actor_id for run in going_on})}
    for run in going_on:
        if run.current_actor_id not in may_be_full:
            limit(run)


def _limit_runs(actor_id: str, account_id: str) -> None:
    for run in _full_runs(account_id):
        if run.current_actor_id == actor_id:
            limit(run)


def _full_runs(account_id: str) -> list[Run]:
    going_on = Run.objects.select_for_update(of=("self",)).filter(owner_id=account_id).exclude(status__in=FINISHED)
    return list(going_on.filter(permission_level=None))


def _record(action: str, actor: Actor, by: Principal) -> None:
    audit.record(
        action,
        by=by,
        account_id=by.account_id or "",
        subject_kind=Kind.ACTOR,
        subject_id=actor.pk,
        name=actor.name,
        level=permission_levels.FULL,
    )
