"""What follows when a grant has ended: its line in the audit trail, and that it is forgotten after a while.

That it has ended does not depend on it (sharing/grant_ends.py).
"""

from datetime import datetime

from django.db import transaction

from accounts import audit
from accounts.lib import database_clock
from accounts.models import Account
from accounts.principal import Principal
from resources.models import Resource
from sharing.grant_ends import SHOWN_AS_ENDED
from sharing.models import Grant
from sharing.permissions import Permission

# It stands in lines of the audit trail. No account can be called that: usernames have no spaces.
BY_ITSELF = Principal(username="Latchkey itself")
# So many at a time, that what else is to be done waits no longer than a second or two.
MOST = 1000


def record_ends() -> int:
    """Write the lines of grants that have ended, and forget those that ended long ago; return how many lines."""
    now = database_clock.now()
    due = Grant.objects.filter(expires_at__lte=now, end_recorded_at=None).order_by("expires_at", "pk")
    recorded = 0
    for id_ in list(due.values_list("pk", flat=True)[:MOST]):
        with transaction.atomic():
            grant = due.select_for_update(of=("self",)).select_related("resource", "account").filter(pk=id_).first()
            if grant is not None and record_end(grant, grant.resource, grant.account):
                recorded += 1
    _forget(now)
    return recorded


def record_end(grant: Grant, resource: Resource, account: Account) -> bool:
    """Write that a grant has ended, dated with the moment at which it did, unless it is written; return whether it was.

    Raises:
        TransactionManagementError: outside a transaction.
    """
    mine = Grant.objects.filter(pk=grant.pk, expires_at=grant.expires_at, end_recorded_at=None)
    if not mine.update(end_recorded_at=database_clock.now()):
        return False
    audit.record(
        "grant.ended",
        by=BY_ITSELF,
        account_id=resource.owner_id,
        subject_kind=resource.kind,
        subject_id=resource.pk,
        at=grant.expires_at,
        name=resource.name,
        grantee={"id": account.pk, "username": account.username},
        before=Permission(grant.permissions).names,
        after=[],
    )
    return True


def _forget(now: datetime) -> None:
    """Delete grants that are not shown any more; their lines stay in the trail."""
    long_ago = now - SHOWN_AS_ENDED
    old = Grant.objects.filter(expires_at__lte=long_ago, end_recorded_at__lte=long_ago)
    Grant.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:MOST])).delete()
