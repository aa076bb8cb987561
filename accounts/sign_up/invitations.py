"""Invitations: links by which a user makes an account where sign-up is not open.

A link works once, for 14 days, and for one email, which counts as verified by it. Only its SHA-256 is kept.
"""

import hashlib
import secrets
from datetime import timedelta
from typing import Any

from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from accounts import audit
from accounts.administration.administrator import ADMINISTRATOR
from accounts.deployment.sign_up_policy import SignUp, policy
from accounts.email_addresses import normalize, normalize_or_lower
from accounts.lib.public_urls import public_url
from accounts.models import Account, Invitation
from accounts.sign_up import sign_up

LIFETIME = timedelta(days=14)


class CannotInvite(ValueError):
    """An invitation that cannot be made; the message says why."""


class InvitationOver(LookupError):
    """The invitation was used or revoked, has ended, or was never made, or sign-up is closed."""


def create(email: str) -> tuple[Invitation, str]:
    """Invite an email, and return the invitation with its link, which cannot be had again.

    An invitation of the same email that is open ends.

    Raises:
        CannotInvite: for an email that is none or has an account, and where sign-up is closed.
    """
    email = _checked(email)
    key = secrets.token_urlsafe(32)
    with transaction.atomic():
        revoke(email)
        invitation = Invitation.objects.create(email=email, digest=_digest(key), expires_at=timezone.now() + LIFETIME)
        audit.record("invitation.created", by=ADMINISTRATOR, account_id="", invitation=invitation.pk, email=email)
    return invitation, public_url(reverse("invited-sign-up", args=[key]))


def list_invitations() -> list[Invitation]:
    """Return every invitation, used and ended ones too, the newest first."""
    return list(Invitation.objects.order_by("-created_at", "-pk"))


def revoke(email: str) -> int:
    """End the open invitation of an email, and return how many ended: 1, or 0 where there was none."""
    email = normalize_or_lower(email)
    with transaction.atomic():
        ended = _open().filter(email=email).update(revoked_at=timezone.now())
        if ended:
            audit.record("invitation.revoked", by=ADMINISTRATOR, account_id="", email=email)
    return ended


def find(key: str) -> Invitation:
    """Return the open invitation that a link is for.

    Raises:
        InvitationOver: when there is none, or sign-up is closed.
    """
    found = None if policy() is SignUp.CLOSED else _open().filter(digest=_digest(key)).first()
    if found is None:
        raise InvitationOver
    return found


def accept(key: str, username: str, password: str, **fields: Any) -> Account:
    """Make the account of an invitation, and return it. Of two requests at once, one makes it.

    Raises:
        InvitationOver: when the invitation cannot be used, or not any more.
        ValidationError: for a username, password or email that cannot be; then the invitation stays open.
    """
    invitation = find(key)
    try:
        account = sign_up.build_verified(
            username, invitation.email, password, **fields
        )  # slow, so before the transaction
    except ValidationError:
        if not _open().filter(pk=invitation.pk).exists():  # the other request was faster
            raise InvitationOver from None
        raise
    with transaction.atomic():
        if not _open().filter(pk=invitation.pk).update(used_at=timezone.now()):
            raise InvitationOver
        sign_up.save_verified(account, invited=True)
        Invitation.objects.filter(pk=invitation.pk).update(account_id=account.pk)
    return account


def _open() -> "QuerySet[Invitation]":
    return Invitation.objects.filter(used_at=None, revoked_at=None, expires_at__gt=timezone.now())


def _checked(email: str) -> str:
    if policy() is SignUp.CLOSED:
        raise CannotInvite("Sign-up is closed (SIGN_UP), so that an invitation would make no account.")
    try:
        email = normalize(email)
    except ValueError as error:
        raise CannotInvite(f"{email!r} is not an email address.") from error
    if (
        Account.objects.filter(email=email).exists()
        or EmailAddress.objects.filter(email=email).filter(Q(verified=True) | Q(user__email=email)).exists()
    ):
        raise CannotInvite(f"There is an account with the email {email} already.")
    return email


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
