"""Sign in as people do, and ask whether a client is signed in."""

import re
from http import HTTPStatus

from allauth.account.models import EmailAddress
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core import mail
from django.test import Client

from accounts.models import Account
from tests.support.cast import PASSWORD

WRONG = "wrong horse battery"
TOO_OFTEN = "Too many failed attempts"


def verify(account: Account) -> Account:
    """Have the account's e-mail verified, which it is unless a test said otherwise."""
    EmailAddress.objects.update_or_create(
        user=account, email=account.email, defaults={"verified": True, "primary": True}
    )
    return account


def sign_in(account: Account, *, client: Client | None = None, password: str = PASSWORD, next_url: str = ""):
    """Sign in through the form, as a person does; the sign-in is fresh afterwards."""
    client = client or Client()
    response = client.post("/sign-in", {"login": account.username, "password": password, "next": next_url})
    return client, response


def stale(client: Client) -> Client:
    """Make the sign-in of a client too old for anything sensitive."""
    session = client.session
    session["account_authentication_methods"] = []
    session.save()
    return client


def link_in_mail(number: int = -1) -> str:
    """Return the path of the link in an e-mail that was sent."""
    found = re.search(re.escape(settings.PUBLIC_URL) + r"(/\S+)", str(mail.outbox[number].body))
    assert found, mail.outbox[number].body
    return found[1]


def actions_of(account: Account) -> list[str]:
    from accounts.models import AuditEvent

    return list(AuditEvent.objects.filter(account_id=account.pk).order_by("pk").values_list("action", flat=True))


def code_of(secret: str) -> str:
    """Return the code that an authenticator app with this secret shows now."""
    counter = next(iter(totp.yield_hotp_counters_from_time()))
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


def attempt(login: str, password: str, address: str = "203.0.113.1", client: Client | None = None):
    """Try a password from an address."""
    return (client or Client()).post("/sign-in", {"login": login, "password": password}, REMOTE_ADDR=address)


def is_refused(response) -> bool:
    """Tell whether an attempt was refused because there were too many."""
    return TOO_OFTEN in response.content.decode()


def is_signed_in(client: Client) -> bool:
    """Tell whether a client is signed in."""
    return client.get("/settings").status_code == HTTPStatus.OK
