"""Settings, Activity: the audit trail of an account, in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.administration.administrator import ADMINISTRATOR
from accounts.models import Account, ApiToken, AuditEvent
from accounts.organizations.permissions import AccountPermission
from accounts.request_types import PageRequest
from console.pages.components.tables import Paging
from console.pages.settings.activity_messages import activity_message
from sharing.declare import account_wide_for


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail, to be read by a person."""

    at: datetime
    sentence: str
    actor: str
    origin: str


@account_wide_for(AccountPermission.VIEW_AUDIT_TRAIL)
@require_safe
def activity(request: PageRequest) -> HttpResponse:
    """Show what happened to the account and to what it owns, newest first."""
    events = AuditEvent.objects.filter(account_id=request.account.pk).order_by("-at", "-pk")
    paging = Paging.of(request.GET, events.count())
    shown = list(events[paging.offset : paging.offset + paging.size])
    tokens = dict(ApiToken.objects.filter(account=request.account.pk).values_list("pk", "name"))
    lines = [_line(event, request.account, tokens) for event in shown]
    return render(request, "settings/activity.html", {"paging": paging, "lines": lines})


def _line(event: AuditEvent, account: Account, tokens: Mapping[str, str]) -> Line:
    return Line(event.at, activity_message(event), _actor(event, account, tokens), _origin(event, account.pk, tokens))


def _actor(event: AuditEvent, account: Account, tokens: Mapping[str, str]) -> str:
    """Say who did it: of an organization the member, where it was one, or its own token."""
    if event.person_username and event.actor_id == account.pk:
        return event.person_username
    if event.actor_id == account.pk:
        return (tokens.get(event.token_id) or event.actor_username) if account.is_organization else "You"
    by = f" for {event.actor_username}" if event.person_username else ""
    return f"{event.person_username or event.actor_username or 'Someone not signed in'}{by}"


def _origin(event: AuditEvent, account_id: str, tokens: Mapping[str, str]) -> str:
    """Say where it was done from. Addresses, browsers and tokens of other people are theirs."""
    if not event.actor_id and event.actor_username == ADMINISTRATOR.username:
        return "Command line"
    if event.actor_id not in ("", account_id):
        return "API" if event.token_id else "Console"
    by = f"API token {tokens.get(event.token_id, '')}".rstrip() if event.token_id else event.details.get("browser")
    run = f"run {event.run_id}" if event.run_id else ""
    return ", ".join(str(each) for each in (run, by, event.details.get("ip")) if each)
