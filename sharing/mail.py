"""The e-mails of sharing: to whoever is newly given access, and to the owner who is asked for it."""

from collections.abc import Sequence

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.lib.rate_limits import count_use
from accounts.models import Account
from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Resource, Schedule
from sharing import mail_queue
from sharing.access import decide
from sharing.facts import load_facts
from sharing.labels import permission_help, permissions_label
from sharing.models import Issue
from sharing.permissions import Permission

# How many e-mails about new access leave in a day: from one user to another, from one, and to one.
_MAILS_BETWEEN_TWO, _MAILS_FROM_ONE, _MAILS_TO_ONE = 10, 300, 50
_LIMIT_SECONDS = 24 * 60 * 60


def email_access_granted(resource: Resource, account: Account, permissions: Permission, *, by: Principal) -> None:
    """Write to `account` that it has been given access; somebody who does not want these e-mails gets none.

    It leaves after the commit and holds nothing up; call it within the transaction of the grant.
    """
    if not account.notify_when_shared or not _may_write(by, account):
        return
    _write(
        "shared",
        account,
        f"{by.username} shared the {resource.info.noun} {resource} with you",
        {
            "resource": resource,
            "by": by.username,
            "may": permissions_label(permissions),
            "permissions": [
                permission_help(permission, Kind(resource.kind))
                for permission in Permission
                if permission in permissions | Permission.READ
            ],
        },
    )


def email_access_requested(resource: Resource, owner: Account, *, by: Principal) -> None:
    """Write to the owner of a resource that `by` asks for access, with a link to where it can be given."""
    _write(
        "access_requested",
        owner,
        f"{by.username} asks for access to your {resource.info.noun} {resource}",
        {"resource": resource, "by": by.username, "share_url": f"{resource.console_url}/share?add={by.username}"},
    )


def email_issue_update(issue: Issue, account: Account, what: str, text: str) -> None:
    """Write to somebody who has a part in an issue what has happened to it, while they can see it.

    `what` is the beginning of a sentence, as "ben opened the issue ..."; `text` is what was said.
    """
    if account.notify_of_issues and _sees(account, issue.actor):
        context = {"issue": issue, "what": what, "text": text}
        _write("issue", account, f"{issue.actor}: {issue.title}", context)


def email_schedule_failed(schedule: Schedule, owner: Account, failures: Sequence[str]) -> None:
    """Write to the owner of a schedule what it could not start, and why; call it in the transaction of its firing."""
    context = {"schedule": schedule, "failures": failures}
    _write("schedule_failed", owner, f"The schedule {schedule} could not start a run", context)


def _may_write(by: Principal, account: Account) -> bool:
    """Count an e-mail about access, and tell whether its giver and its recipient have not had too many of them."""
    giver = by.account_id or ""
    return all(
        count_use(action, key, limit, _LIMIT_SECONDS)
        for action, key, limit in (
            ("access-mail-between", f"{giver} {account.pk}", _MAILS_BETWEEN_TWO),
            ("access-mail-from", giver, _MAILS_FROM_ONE),
            ("access-mail-to", account.pk, _MAILS_TO_ONE),
        )
    )


def _sees(account: Account, resource: Resource) -> bool:
    """Tell whether an account can still read what an e-mail is about: access may have been taken away since."""
    facts = load_facts(resource, account.pk)
    return account.is_active and decide(account.principal, facts, Permission.READ).allowed


def _write(template: str, to: Account, subject: str, context: dict[str, object]) -> None:
    """Write to an account; a suspended one gets nothing."""
    if not to.is_active:
        return
    context = {
        **context,
        "to": to.username,
        "public_url": settings.PUBLIC_URL,
        "settings_url": f"{settings.PUBLIC_URL}/settings/notifications",
    }
    message = EmailMultiAlternatives(
        " ".join(subject.split()), render_to_string(f"emails/{template}.txt", context), to=[to.email]
    )
    message.attach_alternative(render_to_string(f"emails/{template}.html", context), "text/html")
    mail_queue.send_on_commit(message)
