"""The section of Security & Privacy about Actors: the level of new ones, and which of other accounts are approved."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from accounts.models import Account
from accounts.request_types import PageRequest
from console.pages.account.reauthenticate import back_from_confirmation
from console.pages.components.level_sentences import level_label
from resources import permission_levels
from resources.models import ActorApproval

SECTION = "actors"


@dataclass(frozen=True, slots=True)
class ShownApproval:
    """An approval as the page lists it."""

    actor_id: str
    name: str
    how: str
    at: datetime
    asks_for: str


def actors_context(request: PageRequest) -> dict[str, Any]:
    """Return what the section shows: what is to be confirmed, else what is saved."""
    account: Account = request.account
    meant = back_from_confirmation(request, SECTION)
    found = ActorApproval.objects.filter(account_id=account.pk).select_related("actor__owner").order_by("-created_at")
    return {
        "limits_new_actors": account.limits_new_actors if meant is None else meant.get("new_actors") == "limited",
        "skips_approvals": account.skips_actor_approvals if meant is None else "skip_approvals" in meant,
        "approvals": [_shown(each) for each in found],
        "confirmed_actors": meant is not None,
    }


def said_of_actors(account: Account) -> str:
    """Say what was saved."""
    level = level_label(permission_levels.LIMITED if account.limits_new_actors else None).lower()
    asks = "start without your approval" if account.skips_actor_approvals else "need your approval before they start"
    return f"Saved: new Actors have {level}. Actors of others that ask for full permissions {asks}."


def _shown(approval: ActorApproval) -> ShownApproval:
    actor = approval.actor
    return ShownApproval(
        actor.pk,
        f"{actor.owner.username}/{actor.name}",
        approval.get_how_display().lower(),
        approval.created_at,
        level_label(actor.permission_level).lower(),
    )
