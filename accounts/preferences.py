"""What an account prefers that concerns nobody's access."""

from django.db import transaction

from accounts import audit
from accounts.models import Account
from accounts.principal import Principal


def set_notify_when_shared(account: Account, notify: bool, *, by: Principal) -> bool:
    """Choose whether an e-mail tells the account what is shared with it; return whether that changed anything."""
    with transaction.atomic():
        before = Account.objects.select_for_update().get(pk=account.pk).notify_when_shared
        if before == notify:
            return False
        Account.objects.filter(pk=account.pk).update(notify_when_shared=notify)
        audit.record("account.notify_when_shared.changed", by=by, account_id=account.pk, before=before, after=notify)
    account.notify_when_shared = notify
    return True
