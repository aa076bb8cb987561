"""Loads the demo, once.

That it was loaded is remembered in the audit trail, which outlives all that it tells of: what a user deleted
from the demo stays deleted.
"""

import secrets
from dataclasses import dataclass

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from accounts import audit
from accounts.deployment import exposure
from accounts.models import Account, AuditEvent
from accounts.principal import ANONYMOUS
from accounts.published_password import DEMO_LOADED, PUBLISHED_PASSWORD, accounts_with_published_password
from console.demo.world import PEOPLE, Person, World


class CannotLoad(Exception):
    """The demo cannot be loaded into this database; the message says why."""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One of the demo's people who is still there; `password` is None where it is not known, or does not sign in."""

    username: str
    password: str | None
    about: str


def load_at_first_start(*, local: bool) -> list[SignIn]:
    """Load the demo into an unused database, and return who can sign in, now or from before.

    `local` says that only this machine can reach the server. Elsewhere the passwords are random, and are
    returned only when the demo is loaded.
    """
    if not was_loaded() and not Account.objects.exists():
        return load(local=local)
    return people_present()


def load(*, local: bool) -> list[SignIn]:
    """Load the demo, whole or not at all, and return who can sign in.

    Raises:
        CannotLoad: when it was loaded before, or one of its usernames or emails is taken.
    """
    password = PUBLISHED_PASSWORD if local else secrets.token_urlsafe(12)
    try:
        with transaction.atomic():
            if was_loaded():
                raise CannotLoad("The demo was loaded before; what was deleted from it is not added again.")
            people = {person.username: _account(person, password) for person in PEOPLE}
            World(people).build()
            Account.objects.filter(pk__in=[each.pk for each in people.values()]).update(
                notify_when_shared=True, notify_of_issues=True
            )
            ids = {username: account.pk for username, account in people.items()}
            audit.record(DEMO_LOADED, by=ANONYMOUS, account_id="", accounts=ids, local=local)
    except IntegrityError as error:
        names = ", ".join(person.username for person in PEOPLE)
        raise CannotLoad(f"The demo needs the usernames and emails of {names}; some are taken.") from error
    return [SignIn(person.username, password, person.about) for person in PEOPLE]


def was_loaded() -> bool:
    """Tell whether the demo was ever loaded into this database, whatever is left of it."""
    return AuditEvent.objects.filter(action=DEMO_LOADED).exists()


def people_present() -> list[SignIn]:
    """Return the demo's people whose accounts are still there."""
    event = AuditEvent.objects.filter(action=DEMO_LOADED).order_by("id").first()
    if event is None:
        return []
    ids = event.details["accounts"]
    there = set(Account.objects.filter(pk__in=ids.values(), is_active=True).values_list("pk", flat=True))
    sign_in = (
        {account.pk for account in accounts_with_published_password()} if not exposure.exposure_reasons() else set()
    )
    return [
        SignIn(each.username, PUBLISHED_PASSWORD if ids[each.username] in sign_in else None, each.about)
        for each in PEOPLE
        if ids[each.username] in there
    ]


def _account(person: Person, password: str) -> Account:
    account = Account.objects.create_user(
        person.username,
        f"{person.username}@example.com",
        password,
        general_access=person.general_access,
        share_runs_with_actor_creators=person.shares_runs,
        notify_of_issues=False,
        notify_when_shared=False,  # until everything is shared: the demo sends no e-mail
    )
    EmailAddress.objects.create(user=account, email=account.email, verified=True, primary=True)
    return account
