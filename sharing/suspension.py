"""Suspending an account, and restoring it.

A suspended account is one that is not active. Everything that speaks for an account asks for that where it begins:
sign-in and sessions (django-allauth and Django), tokens (`accounts/tokens.py`), schedules
(`sharing/schedules/firing.py`), webhooks (`resources/webhooks/delivery.py`), workers before a run or build
(`resources/worker/suspended_accounts.py`), pre-signed links (`sharing/links/check_signature.py`,
`sharing/links/signing_keys.py`) and emails (`sharing/mail/share_mail.py`). So restoring an account needs to change
nothing but that. Sessions, and the runs and builds that go on, are ended here.
"""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import audit
from accounts.administration.administrator import ADMINISTRATOR
from accounts.models import Account, ApiToken
from accounts.sign_in import sessions
from resources.builds import ending
from resources.jobs.status import FINISHED
from resources.models import Build, Run, Schedule, Webhook
from resources.runs import aborting
from sharing.models import SignedLink


@dataclass(frozen=True, slots=True)
class EndedCounts:
    """How many things of an account ended when it was suspended; restoring the account does not bring them back."""

    sessions: int
    runs: int
    builds: int


@dataclass(frozen=True, slots=True)
class PausedCounts:
    """How many things of an account do nothing while it is suspended, and work again once it is restored."""

    tokens: int
    schedules: int
    webhooks: int
    links: int


def suspend(account: Account) -> EndedCounts | None:
    """Suspend an account; None where it was suspended before.

    Runs and builds that go on are aborted in either case, so that a suspension that was interrupted can be completed.
    """
    with transaction.atomic():
        changed = _set_active(account, False)
        ended = sessions.end_others(account, None, by=ADMINISTRATOR) if changed else 0
    # Only after the commit: a worker that takes a run from now on sees that its owner is suspended.
    runs, builds = _abort_runs(account), _abort_builds(account)
    return EndedCounts(ended, runs, builds) if changed else None


def restore(account: Account) -> bool:
    """Let a suspended account be used again, and return whether that changed anything."""
    with transaction.atomic():
        return _set_active(account, True)


def paused_by_suspension(account: Account) -> PausedCounts:
    """Count what of an account does nothing while it is suspended."""
    now = timezone.now()
    not_over = Q(expires_at=None) | Q(expires_at__gt=now)
    return PausedCounts(
        tokens=ApiToken.objects.filter(not_over, account=account, revoked_at=None, run_id="").count(),
        schedules=Schedule.objects.filter(owner=account, is_enabled=True).count(),
        webhooks=Webhook.objects.filter(owner=account, is_ad_hoc=False).count(),
        links=SignedLink.objects.filter(made_by=account, revoked_at=None, expires_at__gt=now).count(),
    )


def _set_active(account: Account, is_active: bool) -> bool:
    changed = Account.objects.filter(pk=account.pk, is_active=not is_active).update(is_active=is_active)
    account.is_active = is_active
    if changed:
        action = "account.restored" if is_active else "account.suspended"
        audit.record(action, by=ADMINISTRATOR, account_id=account.pk)
    return bool(changed)


def _abort_runs(account: Account) -> int:
    going_on = Run.objects.filter(owner=account).exclude(status__in=FINISHED)
    return sum(aborting.abort(run, gracefully=False, by=ADMINISTRATOR) for run in going_on)


def _abort_builds(account: Account) -> int:
    going_on = Build.objects.filter(owner=account).exclude(status__in=FINISHED)
    return sum(ending.abort(build, by=ADMINISTRATOR) for build in going_on)
