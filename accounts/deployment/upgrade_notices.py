"""Tell users once what an upgrade changed for them: at the start of the server, and on the dashboard.

A migration (or the code that first meets old data) records a notice by its key; the text stands here, with the details
filled in. A notice without an account is for the administrator and is printed when the server starts. One with an
account stands on that account's dashboard until the user closes it.
"""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import UpgradeNotice

ADMINISTRATOR = ""
# The key, then the title and the text, in which `{name}` is a detail that was recorded with the notice.
TEXTS: dict[str, tuple[str, str]] = {
    "sign-up-by-invitation": (
        "Sign-up is by invitation now",
        "Others can reach this server, so that a user needs a link to sign up: manage.py invite EMAIL. SIGN_UP=open "
        "opens sign-up for every user who comes, as before.",
    ),
    "secret-inputs-of-runs": (
        "Secret input fields are encrypted now",
        "Earlier runs of {actors} Actors still have their secret input fields in plain text, for all who may read the "
        "runs. Encrypt them with: manage.py encrypt_input_secrets",
    ),
    "saved-secret-inputs": (
        "Secret input fields are encrypted now",
        "Pages and the API show the secret fields of your tasks and schedules no more. Only your own runs use them: "
        "other users who run a task of yours give values of their own.",
    ),
    "cookies-renamed": (
        "All users sign in again once",
        "Over https, cookies now have names that start with __Host-, so that other hosts of the domain cannot set "
        "them. A session also ends after 14 days without use, and 90 days after the sign-in.",
    ),
    "emails-not-merged": (
        "Some accounts have the same email",
        "The domain of an email is now kept in one form. These accounts have an email that another account has in "
        "that form, so they keep what they had: {accounts}. Ask the users which account they want to keep.",
    ),
    "link-keys": (
        "Some signed links to your storages have ended",
        "Each account and API token that can write a storage now has its own key for signing links, so that a link "
        "ends with the access of its maker. Until now all of them had the same key. Other accounts can write, or could "
        "write once, {count} of your storages, so links that programs have signed open nothing there now: {names}. "
        "Links that were made in the console go on. Programs get the new key when they ask for the storage again.",
    ),
    "permission-levels": (
        "Runs of yours have full permissions",
        "You had saved a permission level that this server does not have, such as LIMITED_PERMISSIONS. It never had "
        "an effect: every run had full permissions, and still has. So the level is no longer saved, and it is refused "
        "from now on. If code should not have full permissions, do not run it. {names}.",
    ),
    "permission-levels-of-accounts": (
        "Permission levels that had no effect are cleared",
        "{actors} Actors, {tasks} tasks and {schedules} schedules of {accounts} accounts had a permission level that "
        "this server does not have, such as LIMITED_PERMISSIONS, while all their runs had full permissions. The owners "
        "are told on their dashboards.",
    ),
    "names-of-actors": (
        "Some of your Actors have a new name",
        "Names of Actors no longer differ by case alone. Where several of your Actors had the same name in different "
        "case, the oldest keeps it: {names}. Programs that use IDs work as before.",
    ),
    "names-of-actors-of-accounts": (
        "Some Actors have a new name",
        "Names of Actors no longer differ by case alone. {actors} Actors of {accounts} accounts had the name of an "
        "older Actor of their owner in different case. Now their names end in a number. The owners are told on their "
        "dashboards.",
    ),
    "actors-approved-by-migration": (
        "Actors of others that you run are approved for full permissions",
        "An Actor of another account that asks for full permissions can now run in your account only where you have "
        "approved it. {count} Actors that you have run lately, or that your tasks and schedules name, are approved as "
        "they were: {names}. Look through them in Settings → Security & Privacy, and withdraw what you do not need.",
    ),
    "actor-wants-full-permissions": (
        "Schedules of yours stop until you approve an Actor",
        "{actor} asks for full permissions now. Your schedules that start it stop until you approve it, on the page of "
        "the Actor.",
    ),
    "link-keys-of-accounts": (
        "Signed links to some storages have ended",
        "Each account and API token that can write a storage now has its own key for signing links. Where another "
        "account than the owner can write a storage, or could once, links that programs have signed open nothing any "
        "more: {storages} storages of {accounts} accounts, whose owners are told on their dashboards. Links that were "
        "made in the console go on, and so does what owners have signed for storages that only they could ever write.",
    ),
}


def record(key: str, account_id: str = ADMINISTRATOR, **details: Any) -> None:
    """Record a notice for an account or the administrator, unless there is one with this key already.

    `details` are JSON values for the placeholders of the text.

    Raises:
        KeyError: when `TEXTS` has no such key.
    """
    _ = TEXTS[key]
    UpgradeNotice.objects.get_or_create(key=key, account_id=account_id, defaults={"details": details})


def record_again(key: str, account_id: str, **details: Any) -> None:
    """Record a notice for an account in place of the one that it has with this key, closed or not.

    Raises:
        KeyError: when `TEXTS` has no such key.
    """
    _ = TEXTS[key]
    UpgradeNotice.objects.update_or_create(
        key=key, account_id=account_id, defaults={"details": details, "seen_at": None}
    )


def unseen(account_id: str) -> list[UpgradeNotice]:
    """Return the notices that an account (or the administrator) has not closed, oldest first."""
    return list(_unseen(account_id).order_by("id"))


def close(account_id: str, notice_id: int | None = None) -> None:
    """Close one notice of an account (or the administrator), or all of them."""
    found = _unseen(account_id)
    (found if notice_id is None else found.filter(pk=notice_id)).update(seen_at=timezone.now())


def title(notice: UpgradeNotice) -> str:
    """Return the title of a notice, "" for a key that this version does not know."""
    return TEXTS.get(notice.key, ("", ""))[0]


def text(notice: UpgradeNotice) -> str:
    """Return the text of a notice with its details filled in."""
    return TEXTS.get(notice.key, ("", ""))[1].format_map(notice.details)


def _unseen(account_id: str) -> "QuerySet[UpgradeNotice]":
    return UpgradeNotice.objects.filter(account_id=account_id, seen_at=None, key__in=TEXTS)
