"""Accounts made by whoever runs the server, with the rules of a sign-up and without its email."""

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts import audit, tokens
from accounts.administrator import ADMINISTRATOR
from accounts.models import Account


def create_verified(
    username: str, email: str, password: str, *, with_token: bool = False, **fields: Any
) -> tuple[Account, str | None]:
    """Make an account whose email counts as verified, and when asked a token; return both.

    Raises:
        ValidationError: when the username or email is wrong or taken, or the password too weak; then nothing is made.
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
    if EmailAddress.objects.filter(email=account.email).exists():
        problems.setdefault("email", ["Account with this Email already exists."])
    if problems:
        raise ValidationError(problems)
    try:
        with transaction.atomic():
            account.save(force_insert=True)
            EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
            audit.record("account.created", by=ADMINISTRATOR, account_id=account.pk, email=account.email)
            token = tokens.create(account, "create_account", by=ADMINISTRATOR)[1] if with_token else None
    except IntegrityError as taken:
        raise ValidationError({"username": ["Somebody took this username or email a moment ago."]}) from taken
    return account, token
