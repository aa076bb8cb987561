"""The notice before access ends: an email to the owner, who can extend it with one click, and one to the account."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from accounts.lib import database_clock
from sharing.mail import share_mail
from sharing.models import Grant

BEFORE = timedelta(days=3)
# So many at a time, that what else is to be done waits no longer than a second or two.
MOST = 200


def announce_ends() -> int:
    """Write of each grant that ends within three days, once; return how many.

    One that was given for less than that is not announced: who gave it has just said when it ends.
    """
    now = database_clock.now()
    due = Grant.objects.filter(
        expires_at__gt=now, expires_at__lte=now + BEFORE, end_recorded_at=None, notice_sent_at=None
    ).filter(created_at__lte=F("expires_at") - BEFORE)
    announced = 0
    for grant in list(due.select_related("resource__owner", "account").order_by("expires_at", "pk")[:MOST]):
        with transaction.atomic():
            mine = Grant.objects.filter(pk=grant.pk, expires_at=grant.expires_at, notice_sent_at=None)
            if mine.update(notice_sent_at=now):
                share_mail.email_access_ends(grant)
                announced += 1
    return announced
