"""Settings, Activity: the audit trail of an account, in sentences."""

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.models import AuditEvent
from accounts.requests import PageRequest
from console.pages.settings_activity_wording import sentence_of
from sharing.declare import signed_in

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the trail, to be read by a person."""

    at: datetime
    sentence: str
    actor: str
    by_token: bool
    origin: str


@signed_in
@require_safe
def activity(request: PageRequest) -> HttpResponse:
    """Show what happened to the account and to what it owns, newest first."""
    events = AuditEvent.objects.filter(account_id=request.user.pk).order_by("-at", "-pk")
    page = Paginator(events, PER_PAGE).get_page(request.GET.get("page"))
    lines = [_line(event, request.user.pk) for event in page]
    return render(request, "settings/activity.html", {"page": page, "lines": lines})


def _line(event: AuditEvent, account_id: str) -> Line:
    actor = "You" if event.actor_id == account_id else event.actor_username or "Somebody not signed in"
    details = event.details
    origin = ", ".join(str(details[key]) for key in ("browser", "ip") if details.get(key))
    return Line(event.at, sentence_of(event), actor, bool(event.token_id), origin)
