"""The demo's password, which is published, and so opens nothing where others than this machine can come.

The backend refuses it at every sign-in and re-authentication while the deployment is exposed; back on loopback it signs
in again. No user can choose it anew. What it opened before (sessions, API tokens) ends when a server starts that others
can reach.
"""

import logging
import threading
from typing import Any

from allauth.usersessions.models import UserSession
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import Error, connection, transaction
from django.http import HttpRequest

from accounts import audit, tokens
from accounts.administration.administrator import ADMINISTRATOR
from accounts.deployment import exposure
from accounts.lib.database_errors import describe
from accounts.models import Account, ApiToken, AuditEvent
from accounts.sign_in import sessions

logger = logging.getLogger(__name__)

PUBLISHED_PASSWORD = "lend-me-the-latchkey"  # noqa: S105
# The action of the line of the audit trail that remembers which accounts are the demo's.
DEMO_LOADED = "demo.loaded"


class PublishedPasswordBackend:
    """Comes before the other authentication backends, and stops them at the published password."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        """Sign no user in.

        Raises:
            PermissionDenied: for the published password of any account, where the deployment is exposed; then no
                other backend is asked.
        """
        if credentials.get("password") == PUBLISHED_PASSWORD and exposure.exposure_reasons():
            raise PermissionDenied


class PublishedPasswordValidator:
    """Refuses the published password for every account, on loopback too."""

    def validate(self, password: str, user: Account | None = None) -> None:
        """Check a password that a user is about to choose.

        Raises:
            ValidationError: for the published one.
        """
        if password == PUBLISHED_PASSWORD:
            raise ValidationError("This password is published in the documentation.", code="password_published")

    def get_help_text(self) -> str:
        """Return the rule in a sentence."""
        return "The password cannot be that of the demo."


def accounts_with_published_password() -> list[Account]:
    """Return the demo's accounts that were made with the published password and have had no other since.

    It is read from the audit trail and costs no password hash: it is for what is printed and warned of.
    """
    event = _loading()
    if event is None or not event.details["local"]:
        return []
    changes = ("password.changed", "password.reset", "password.set")
    changed = set(AuditEvent.objects.filter(action__in=changes, pk__gt=event.pk).values_list("account_id", flat=True))
    return [account for account in _demo_accounts() if account.pk not in changed]


def revoke_access() -> list[Account]:
    """End the sessions and API tokens of the accounts that still have the published password, if others can come.

    It costs a password hash for each account of the demo that has a session or a token, so nothing at later starts.

    Returns:
        The accounts for which something ended.
    """
    if not exposure.exposure_reasons():
        return []
    return [account for account in _demo_accounts() if _has_something_open(account) and _end(account)]


def revoke_access_when_possible() -> None:
    """Call `revoke_access` now; while the database is unreachable, retry from a thread."""
    try:
        revoke_access()
    except Error as error:
        logger.warning("%s", describe(error))
        threading.Thread(target=_end_later, name="published password", daemon=True).start()


def _end_later() -> None:
    never = threading.Event()
    while not never.wait(exposure.RETRY_SECONDS):
        try:
            revoke_access()
        except Error:
            continue
        else:
            return
        finally:
            connection.close()


def _demo_accounts() -> list[Account]:
    event = _loading()
    if event is None:
        return []
    return list(Account.objects.filter(pk__in=event.details["accounts"].values()).order_by("username"))


def _loading() -> AuditEvent | None:
    return AuditEvent.objects.filter(action=DEMO_LOADED).order_by("pk").first()


def _has_something_open(account: Account) -> bool:
    return (
        UserSession.objects.filter(user=account).exists()
        or ApiToken.objects.filter(account=account, revoked_at=None).exists()
    )


def _end(account: Account) -> bool:
    if not account.check_password(PUBLISHED_PASSWORD):
        return False
    with transaction.atomic():
        ended = sessions.end_others(account, None, by=ADMINISTRATOR)
        revoked = tokens.end_all(account, by=ADMINISTRATOR)
        if ended or revoked:
            audit.record(
                "account.published_password_closed",
                by=ADMINISTRATOR,
                account_id=account.pk,
                sessions=ended,
                tokens=revoked,
            )
    if ended or revoked:
        logger.warning("The password of %s is published: its sessions and API tokens ended.", account.username)
    return bool(ended or revoked)
