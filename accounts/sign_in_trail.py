"""Lines of the audit trail about signing in and out, and about second factors.

They hang on the signals of Django and django-allauth, because it is their code that does these things.
"""

from typing import Any

from allauth.account.signals import user_logged_in, user_signed_up
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
from django.http import HttpRequest

from accounts import audit
from accounts.adapters import acting_principal
from accounts.models import Account
from accounts.sign_in import sessions, sign_in_limits


@receiver(user_signed_up)
def _signed_up(user: Account, **kwargs: Any) -> None:
    with transaction.atomic():
        audit.record("account.created", by=user.principal, account_id=user.pk, email=user.email)


@receiver(user_logged_in)
def _signed_in(user: Account, request: HttpRequest, **kwargs: Any) -> None:
    with transaction.atomic():
        audit.record("sign_in", by=user.principal, account_id=user.pk)
        sign_in_limits.remember(request, user)
    sessions.begin(request)


@receiver(user_logged_out)
def _signed_out(user: Account | None, **kwargs: Any) -> None:
    if user is not None:
        with transaction.atomic():
            audit.record("sign_out", by=user.principal, account_id=user.pk)


@receiver(authentication_failed)
def _second_factor_failed(user: Account, authenticator: Authenticator, **kwargs: Any) -> None:
    with transaction.atomic():
        method = authenticator.type
        audit.record("sign_in.failed", by=acting_principal(user), account_id=user.pk, method=method)


@receiver(post_save, sender=Authenticator)
def _factor_added(instance: Authenticator, created: bool, **kwargs: Any) -> None:
    if created:
        _record_factor("two_factor.added", instance)


@receiver(post_delete, sender=Authenticator)
def _factor_removed(instance: Authenticator, **kwargs: Any) -> None:
    _record_factor("two_factor.removed", instance)


def _record_factor(action: str, factor: Authenticator) -> None:
    """Record in the transaction of the change, which the views of these pages open."""
    account = factor.user
    with transaction.atomic():
        audit.record(action, by=acting_principal(account), account_id=account.pk, method=factor.type)
