"""Links with a secret in them, which are made when their email is sent, so that no table holds one."""

import secrets
from typing import Any

from allauth.account.forms import EmailAwarePasswordResetTokenGenerator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.urls import reverse

from accounts.lib.public_urls import public_url
from accounts.models import Account, AccountKind

RESET_PASSWORD, VERIFY_EMAIL = "reset-password", "verify-email"  # names of links


class LinkGone(Exception):
    """There is nothing for the link to do any more."""


class PendingLink(str):
    """The place of a link in the text of an email; `details` say which link is put there when the email is sent."""

    details: dict[str, Any]

    def __new__(cls, kind: str, subject: object, email: str, next_page: str | None) -> "PendingLink":
        """Make one that is unlike anything that a user could have written into the email.

        Args:
            kind: RESET_PASSWORD or VERIFY_EMAIL.
            subject: the primary key of the account, or of the email address.
            email: where it goes: it is made only while this is an address of the account.
            next_page: the path to which the link leads on, if any.
        """
        made = super().__new__(cls, f"link-{secrets.token_hex(16)}")
        made.details = {"place": str(made), "kind": kind, "subject": subject, "email": email, "next": next_page}
        return made


def make_link(details: dict[str, Any]) -> str:
    """Return the link that `details` of a PendingLink ask for, good for its full time from now on.

    Raises:
        LinkGone: when the account is suspended or deleted, or the email is verified, deleted or another one by now.
    """
    make = _reset_password if details["kind"] == RESET_PASSWORD else _verify_email
    return public_url(make(details["subject"], details["email"]), next=details["next"])


def _reset_password(account_id: Any, email: str) -> str:
    account = Account.objects.filter(pk=account_id, is_active=True, kind=AccountKind.PERSON).first()
    if account is None or not _has(account, email):
        raise LinkGone
    key = EmailAwarePasswordResetTokenGenerator().make_token(account)
    return reverse("account_reset_password_from_key", kwargs={"uidb36": user_pk_to_url_str(account), "key": key})


def _verify_email(address_id: Any, email: str) -> str:
    address = EmailAddress.objects.filter(pk=address_id, email=email, verified=False).first()
    if address is None:
        raise LinkGone
    return reverse("account_confirm_email", args=[EmailConfirmationHMAC(address).key])


def _has(account: Account, email: str) -> bool:
    """Tell whether an email is still an account's: a link that resets its password must not go to one of before."""
    known = EmailAddress.objects.filter(user=account, email__iexact=email)
    return account.email.lower() == email.lower() or known.exists()
