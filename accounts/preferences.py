"""Preferences of an account; none of them affects access."""

from django.db import transaction

from accounts import audit
from accounts.models import Account
from accounts.principal import Principal

EMAILS = ("notify_when_shared", "notify_of_issues")


def set_email(account: Account, choice: str, wanted: bool, *, by: Principal) -> bool:
    """Choose whether an account gets a sort of e-mail, one of EMAILS; return whether that changed anything."""
    if choice not in EMAILS:
        raise ValueError(choice)
    with transaction.atomic():
        before = getattr(Account.objects.select_for_update().get(pk=account.pk), choice)
        if before == wanted:
            return False
        Account.objects.filter(pk=account.pk).update(**{choice: wanted})
        audit.record(f"account.{choice}.changed", by=by, account_id=account.pk, before=before, after=wanted)
    setattr(account, choice, wanted)
    return True
