"""Emails of sharing: to new grantees, before their access ends, and to owners who are asked for access."""

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlencode

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

from accounts.lib.rate_limits import count_use
from accounts.mail.queue import send_on_commit
from accounts.models import Account
from accounts.organizations import members
from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Actor, Resource, Schedule
from resources.runs.approvals import approval_path
from sharing.access import decide
from sharing.facts import load_facts
from sharing.models import Grant, Issue
from sharing.permissions import Permission
from sharing.visibility.labels import end_label, permission_help, permissions_label

# How many emails leave in a day: from one account to another, from one, and to one.
_ABOUT_ACCESS, _ABOUT_ISSUES = (10, 300, 50), (50, 300, 200)
_LIMIT_SECONDS = 24 * 60 * 60


def email_access_granted(
    resource: Resource,
    account: Account,
    permissions: Permission,
    *,
    by: Principal,
    expires_at: datetime | None = None,
) -> None:
    """Write to `account` that it has been given access, and until when; none where it does not want these emails.

    It leaves after the commit and holds nothing up; call it within the transaction of the grant.
    """
    if not account.notify_when_shared or not _may_write(by, account, "access", _ABOUT_ACCESS):
        return
    write(
        "shared",
        account,
        f"{by.username} shared the {resource.info.noun} {resource} with you",
        {
            "resource": resource,
            "by": by.username,
            "may": permissions_label(permissions),
            "until": end_label(expires_at),
            "permissions": [
                permission_help(permission, Kind(resource.kind))
                for permission in Permission
                if permission in permissions | Permission.READ
            ],
        },
    )


def email_access_ends(grant: Grant) -> None:
    """Write that a grant ends soon, to the owner of the resource, with a link to extend it, and to its account.

    Each gets so many emails about access in a day at most. Call it within a transaction.
    """
    resource, account = grant.resource, grant.account
    context = {
        "resource": resource,
        "username": account.username,
        "may": permissions_label(Permission(grant.permissions)),
        "until": end_label(grant.expires_at),
    }
    extend_url = f"{resource.console_url}/share/people/{account.pk}/extend"
    if _may_receive(resource.owner):
        subject = f"The access of {account.username} to your {resource.info.noun} {resource} ends"
        write("access_ends", resource.owner, subject, {**context, "extend_url": extend_url})
    if account.notify_when_shared and _may_receive(account):
        write("access_ends", account, f"Your access to the {resource.info.noun} {resource} ends", context)


def email_access_requested(resource: Resource, owner: Account, *, by: Principal) -> None:
    """Write to the owner of a resource that `by` asks for access, with a link to where it can be given."""
    write(
        "access_requested",
        owner,
        f"{by.username} asks for access to your {resource.info.noun} {resource}",
        {
            "resource": resource,
            "by": by.username,
            "share_url": f"{resource.console_url}/share?{urlencode({'add': by.username, 'account': owner.pk})}",
        },
    )


def email_issue_update(issue: Issue, account: Account, what: str, text: str, *, by: Principal) -> None:
    """Write to a user who has a part in an issue what `by` did to it, while the user can see it.

    `what` is the beginning of a sentence, as "ben opened the issue ..."; `text` is what was said. Of too many e-mails
    the later ones are not sent.
    """
    if account.notify_of_issues and _sees(account, issue.actor) and _may_write(by, account, "issue", _ABOUT_ISSUES):
        context = {"issue": issue, "what": what, "text": text}
        write("issue", account, f"{issue.actor}: {issue.title}", context)


def email_schedule_failed(schedule: Schedule, owner: Account, failures: Sequence[str]) -> None:
    """Write to the owner of a schedule what it could not start, and why; call it in the transaction of its firing."""
    context = {"schedule": schedule, "failures": failures}
    write("schedule_failed", owner, f"The schedule {schedule} could not start a run", context)


def email_approval_needed(actor: Actor, account: Account, schedules: Sequence[Schedule]) -> None:
    """Write to an account which of its schedules stop, because an Actor asks for full permissions now."""
    context = {
        "actor": actor,
        "owner": actor.owner.username,
        "schedules": schedules,
        "approval_url": f"{settings.PUBLIC_URL}{approval_path(actor.pk)}?account={account.pk}",
    }
    write("approval_needed", account, f"{actor.owner.username}/{actor.name} asks for full permissions", context)


def _may_write(by: Principal, account: Account, about: str, limits: tuple[int, int, int]) -> bool:
    """Count an e-mail, and tell whether the account that causes it and the one that gets it had not too many.

    `limits` are for a day: between the two, from the first, and to the second.
    """
    giver = by.account_id or ""
    keys = (("between", f"{giver} {account.pk}"), ("from", giver), ("to", account.pk))
    return all(
        count_use(f"{about}-mail-{which}", key, limit, _LIMIT_SECONDS)
        for (which, key), limit in zip(keys, limits, strict=True)
    )


def _may_receive(account: Account) -> bool:
    return count_use("access-mail-to", account.pk, _ABOUT_ACCESS[2], _LIMIT_SECONDS)


def _sees(account: Account, resource: Resource) -> bool:
    """Tell whether an account can still read what an e-mail is about: access may have been taken away since."""
    facts = load_facts(resource, account.pk)
    return account.is_active and decide(account.principal, facts, Permission.READ).allowed


def write(template: str, to: Account, subject: str, context: dict[str, object]) -> None:
    """Write to an account, to an organization by its Owner; a suspended one gets nothing.

    Links name the account that the email is for: the person may act for another one when they open it.
    """
    person = members.find_owner(to) if to.is_organization else to
    if not to.is_active or person is None or not person.is_active:
        return
    context = {
        **context,
        "to": to.username,
        "for_account": f"?{urlencode({'account': to.pk})}",
        "public_url": settings.PUBLIC_URL,
        "settings_url": f"{settings.PUBLIC_URL}/settings/notifications?{urlencode({'account': person.pk})}",
    }
    message = EmailMultiAlternatives(
        " ".join(subject.split()), render_to_string(f"emails/{template}.txt", context), to=[person.email]
    )
    message.attach_alternative(render_to_string(f"emails/{template}.html", context), "text/html")
    send_on_commit(message)
