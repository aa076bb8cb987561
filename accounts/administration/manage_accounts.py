"""What the server's administrator does with an account. Each change is recorded in the account's audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef, Q
from django.utils import timezone

from accounts import audit, tokens
from accounts.administration.administrator import ADMINISTRATOR, act_as_administrator
from accounts.email_addresses import normalize_or_lower
from accounts.models import Account
from accounts.sign_in import sessions


class NoAccount(LookupError):
    """No account is called that; the message says so."""


class EmailTaken(ValueError):
    """The email belongs to another account; the message says so."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account as `list_accounts` shows it. `tokens` is the number of API tokens of the account that are not over."""

    id: str
    username: str
    email: str
    is_verified: bool
    is_active: bool
    last_sign_in: datetime | None
    tokens: int


def find(text: str) -> Account:
    """Return the account that `text` names by user ID, username or email, suspended or not, verified or not.

    Raises:
        NoAccount: when there is none.
    """
    if "@" in text and "\x00" not in text:
        account = Account.objects.filter(email=normalize_or_lower(text)).first()
    else:
        account = Account.objects.find(text, among=Account.objects.all())
    if account is None:
        raise NoAccount(f"There is no account with the user ID, username or email {text!r}.")
    return account


def list_accounts() -> list[AccountRow]:
    """Return all accounts, the oldest first, by one statement; that they were listed is recorded."""
    verified = EmailAddress.objects.filter(user=OuterRef("pk"), email=OuterRef("email"), verified=True)
    not_over = Q(api_tokens__expires_at=None) | Q(api_tokens__expires_at__gt=timezone.now())
    of_users = Q(api_tokens__revoked_at=None, api_tokens__run_id="", api_tokens__isnull=False)
    found = Account.objects.annotate(
        is_verified=Exists(verified), tokens=Count("api_tokens", filter=of_users & not_over)
    )
    listed = [
        AccountRow(each.pk, each.username, each.email, each.is_verified, each.is_active, each.last_login, each.tokens)
        for each in found.order_by(F("created_at"), "pk")
    ]
    with transaction.atomic():
        audit.record("accounts.listed", by=ADMINISTRATOR, account_id="")
    return listed


def end_sessions(account: Account, *, keep_tokens: bool = False) -> tuple[int, int]:
    """End all sessions of an account and, unless `keep_tokens`, all its API tokens, those of its runs too.

    Returns:
        How many sessions ended, and how many API tokens.
    """
    with transaction.atomic():
        ended = sessions.end_others(account, None, by=ADMINISTRATOR)
        revoked = 0 if keep_tokens else tokens.end_all(account, by=ADMINISTRATOR)
        audit.record("account.sessions_ended", by=ADMINISTRATOR, account_id=account.pk, sessions=ended, tokens=revoked)
    return ended, revoked


def reset_two_factor(account: Account) -> Sequence[str]:
    """Remove all second factors of an account, its passkeys and recovery codes too; return their types.

    The types are django-allauth's: "totp", "webauthn" and "recovery_codes".
    """
    with transaction.atomic(), act_as_administrator():
        factors = list(Authenticator.objects.filter(user=account))
        for factor in factors:
            factor.delete()  # one by one, because each leaves a line in the audit trail (accounts/sign_in_trail.py)
    return [str(factor.type) for factor in factors]


def verify_email(account: Account) -> bool:
    """Count the email of an account as verified, and return whether that changed anything.

    Raises:
        EmailTaken: when another account has verified the same email.
    """
    if EmailAddress.objects.filter(email=account.email, verified=True).exclude(user=account).exists():
        raise EmailTaken(f"Another account has verified {account.email}.")
    with transaction.atomic():
        address, _ = EmailAddress.objects.get_or_create(
            user=account, email=account.email, defaults={"primary": True, "verified": False}
        )
        changed = EmailAddress.objects.filter(pk=address.pk, verified=False).update(verified=True)
        if changed:
            audit.record("email.verified", by=ADMINISTRATOR, account_id=account.pk, email=account.email)
    return bool(changed)


def reset_link(account: Account) -> str:
    """Return a link by which a user chooses a new password. It works once, for PASSWORD_RESET_TIMEOUT seconds."""
    key = f"{user_pk_to_url_str(account)}-{default_token_generator.make_token(account)}"
    with transaction.atomic():
        audit.record("password.reset_link_made", by=ADMINISTRATOR, account_id=account.pk)
    return str(get_adapter().get_reset_password_from_key_url(key))
