"""Approvals of an account: listed and withdrawn here. They are given in the console alone, by a user."""

from typing import Any

from django.http import HttpResponse

from accounts.lib.api_errors import record_not_found
from accounts.lib.ids import looks_like_id
from accounts.lib.timestamps import iso
from accounts.models import Account
from accounts.organizations.permissions import AccountPermission
from accounts.request_types import ApiRequest
from console.api.resources.table_lists import rows_response
from console.http import json_responses
from resources.models import Actor, ActorApproval
from resources.runs import approvals
from sharing.declare import account_wide_for


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
def list_approvals(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the Actors of other accounts that the account has approved for full permissions."""
    found = ActorApproval.objects.filter(account_id=request.principal.account_id or "").select_related("actor__owner")
    people = dict(Account.objects.filter(pk__in=found.values("person_id")).values_list("pk", "username"))
    return rows_response(request, found, lambda each: _item(each, people))


@account_wide_for(AccountPermission.MANAGE_ORGANIZATION)
def withdraw(request: ApiRequest, actor: str) -> HttpResponse:
    """Take an approval back; runs of the Actor that go on have limited permissions from then on."""
    found = Actor.objects.filter(pk=actor).first() if looks_like_id(actor) else None
    if found is None or not approvals.withdraw(found, by=request.principal):
        raise record_not_found("Approval was not found.")
    return json_responses.no_content()


def _item(approval: ActorApproval, people: dict[str, str]) -> dict[str, Any]:
    actor = approval.actor
    return {
        "actorId": actor.pk,
        "actorName": actor.name or "",
        "actorUsername": actor.owner.username,
        "approvedAt": iso(approval.created_at),
        "approvedBy": people.get(approval.person_id),
        "how": approval.how,
    }
