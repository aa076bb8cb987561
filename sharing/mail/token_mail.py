"""Emails to the owners of API tokens that are about to end, once for each end."""

from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Account, ApiToken
from accounts.tokens import WARNING
from sharing.mail.share_mail import write

AT_ONCE = 100


def warn_of_ends(now: datetime | None = None) -> int:
    """Write to the owners of tokens that end within three days of `now`; return how many tokens there were.

    It is a chore of the workers (the setting WORKER_CHORES): each end is claimed in the database, so that one of them
    writes.
    """
    now = now or timezone.now()
    ending = ApiToken.objects.filter(
        expires_at__gt=now, expires_at__lte=now + WARNING, revoked_at=None, run_id="", account__is_active=True
    ).exclude(warned_of=F("expires_at"))
    return sum(_warn(token) for token in list(ending.order_by("expires_at").select_related("account")[:AT_ONCE]))


def _warn(token: ApiToken) -> bool:
    with transaction.atomic():
        mine = ApiToken.objects.filter(pk=token.pk, expires_at=token.expires_at, revoked_at=None)
        if not mine.exclude(warned_of=F("expires_at")).update(warned_of=token.expires_at):
            return False
        to = Account.objects.filter(pk=token.member_id).first() if token.member_id else token.account
        if to is not None and to.email:
            write("token_ends", to, f"The API token {token.name} ends soon", {"token": token})
    return True
