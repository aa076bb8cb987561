"""Accounts made without an email that verifies the address: by the administrator, or by an invitation."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction

from accounts import audit, tokens
from accounts.administration.administrator import ADMINISTRATOR
from accounts.models import Account


def create_verified(
    username: str, email: str, password: str, *, with_token: bool = False, **fields: Any
) -> tuple[Account, str | None]:
    """Make an account for the administrator, whose email counts as verified, and when asked a token; return both.

    Raises:
        ValidationError: when the username or email is wrong or taken, or the password too weak; then nothing is made.
    """
    account = build_verified(username, email, password, **fields)
    return account, save_verified(account, with_token=with_token)


def build_verified(username: str, email: str, password: str, **fields: Any) -> Account:
    """Return an account that can be saved, with its password hashed; nothing is written.

    It is slow on purpose, so it belongs before a transaction: SQLite lets one transaction write at a time.

    Raises:
        ValidationError: when the username or email is wrong or taken, or the password too weak.
    """
    account = Account(username=username, email=email, **fields)
    problems: dict[str, Any] = {}
    try:
        validate_password(password, account)
    except ValidationError as weak:
        problems["password"] = weak.messages
    account.set_password(password)
    try:
        account.full_clean()
    except ValidationError as wrong:
        problems |= wrong.message_dict
    if NON_FIELD_ERRORS in problems:  # the one constraint of the model is that on usernames
        problems.setdefault("username", []).extend(problems.pop(NON_FIELD_ERRORS))
    if EmailAddress.objects.filter(email=account.email).exists():
        problems.setdefault("email", ["Account with this Email already exists."])
    if problems:
        raise ValidationError(problems)
    return account


def save_verified(account: Account, *, with_token: bool = False, invited: bool = False) -> str | None:
    """Save an account from `build_verified`, with its email as verified, and when asked a token, which is returned.

    The administrator makes it, unless its user was `invited` and makes it.

    Raises:
        ValidationError: when the username or email was taken a moment ago; then nothing is made.
    """
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
            by = account.principal if invited else ADMINISTRATOR
            audit.record("account.created", by=by, account_id=account.pk, email=account.email, invited=invited)
            return tokens.create(account, "create_account", by=ADMINISTRATOR)[1] if with_token else None
    except IntegrityError as taken:
        raise ValidationError({"username": ["This username or email was taken a moment ago."]}) from taken
