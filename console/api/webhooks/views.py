"""Webhooks: seen and changed by their owner alone; for everybody else there are none.

A user who may see an Actor or a task may put a webhook on it, for it tells only of the user's own runs and builds
(`resources/webhooks/events.py`); on a run, its owner. A webhook is no resource that a scope could name, so a
scoped token reaches them if it is for all Actors, and may read all runs and builds, of which they tell; it puts one on
an Actor or a task only if it may RUN the Actor. A run of
another account's Actor makes and sees none that stay when it has ended (`sharing/policies/webhook_rules.py`).
"""

from collections.abc import Iterator

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpResponse
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.api.resources.table_lists import rows_response
from console.api.resources.webhook_body import ConditionBody, WebhookBody
from console.api.webhooks.serializers import (
    serialize_dispatch,
    serialize_list_item,
    serialize_webhook,
    with_last_dispatch,
)
from console.http import json_responses, request_body
from resources.edit_locked import ResourceGone
from resources.kinds import Kind
from resources.models import Actor, Task, Webhook, WebhookDispatch
from resources.webhooks import editing
from resources.webhooks.editing import Condition, InvalidWebhook
from sharing import token_limits
from sharing.declare import needs, signed_in_for
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.require import get_or_refuse
from sharing.narrowings.held_back import held_back_from_all
from sharing.permissions import Permission
from sharing.policies.scoped_starts import check_may_run
from sharing.policies.webhook_rules import check_create, visible_webhooks

_TOLD_OF = (Kind.RUN, Kind.BUILD)


@signed_in_for(Kind.ACTOR, Permission.READ, reads=_TOLD_OF)
def list_webhooks(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the account's webhooks."""
    return rows_response(request, with_last_dispatch(_own(request)), serialize_list_item)


@signed_in_for(Kind.ACTOR, Permission.WRITE, reads=_TOLD_OF, runs_too=True)
def create(request: ApiRequest) -> HttpResponse:
    """Make a webhook; with an idempotency key that was used before, answer with the one made then.

    A run of another account's Actor makes webhooks on itself and on runs that it started, which end with these.
    """
    body = request_body.read_json(request, WebhookBody)
    principal = request.principal
    change = body.change(_condition(body.condition, principal))
    check_create(change, by=principal)
    try:
        webhook, is_new = editing.create(
            principal.account_id or "", change, by=principal, idempotency_key=body.idempotency_key
        )
    except InvalidWebhook as error:
        raise _invalid(error) from None
    if not is_new:
        found = _webhook(request, webhook.pk)
        # Its templates may hold tokens, which another account's code does not get to see.
        is_restrained = token_limits.is_restrained_run(principal)
        return json_responses.data_response(serialize_list_item(found) if is_restrained else serialize_webhook(found))
    location = f"{settings.PUBLIC_URL}/v2/webhooks/{webhook.pk}"
    return json_responses.data_response(serialize_webhook(webhook), json_responses.CREATED, location=location)


@signed_in_for(Kind.ACTOR, Permission.READ, reads=_TOLD_OF, not_for_runs=True)
def show(request: ApiRequest, webhook: str) -> HttpResponse:
    """Answer with a webhook: without its templates, which may hold tokens, to those who may not change it."""
    found = _webhook(request, webhook)
    may_change = held_back_from_all(request.principal, Permission.WRITE, Kind.ACTOR) is None
    return json_responses.data_response(serialize_webhook(found) if may_change else serialize_list_item(found))


@signed_in_for(Kind.ACTOR, Permission.WRITE, reads=_TOLD_OF)
def update(request: ApiRequest, webhook: str) -> HttpResponse:
    """Change what is given."""
    found = _webhook(request, webhook)
    body = request_body.read_json(request, WebhookBody)
    condition = _condition(body.condition, request.principal)
    if condition is UNSET:
        _check_may_keep(request.principal, found)
    try:
        editing.update(found, body.change(condition), by=request.principal)
    except InvalidWebhook as error:
        raise _invalid(error) from None
    except ResourceGone:
        raise _not_found() from None
    return json_responses.data_response(serialize_webhook(found))


@signed_in_for(Kind.ACTOR, Permission.WRITE, reads=_TOLD_OF)
def delete(request: ApiRequest, webhook: str) -> HttpResponse:
    """Delete a webhook with its dispatches."""
    if not editing.delete(_webhook(request, webhook), by=request.principal):
        raise _not_found()
    return json_responses.no_content()


@signed_in_for(Kind.ACTOR, Permission.WRITE, reads=_TOLD_OF)
def try_out(request: ApiRequest, webhook: str) -> HttpResponse:
    """Have a webhook sent for an event of the type TEST, and answer with the dispatch."""
    made = editing.try_out(_webhook(request, webhook))
    return json_responses.data_response(serialize_dispatch(made), json_responses.CREATED)


@signed_in_for(Kind.ACTOR, Permission.READ, reads=_TOLD_OF)
def list_dispatches_of_webhook(request: ApiRequest, webhook: str) -> HttpResponse:
    """Answer with a page of the dispatches of a webhook."""
    return rows_response(request, _dispatches(request).filter(webhook=_webhook(request, webhook)), serialize_dispatch)


@signed_in_for(Kind.ACTOR, Permission.READ, reads=_TOLD_OF)
def list_dispatches(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the dispatches of all of the account's webhooks."""
    return rows_response(request, _dispatches(request), serialize_dispatch)


@signed_in_for(Kind.ACTOR, Permission.READ, reads=_TOLD_OF)
def show_dispatch(request: ApiRequest, dispatch_id: str) -> HttpResponse:
    """Answer with a dispatch and its calls."""
    found = None if "\x00" in dispatch_id else _dispatches(request).filter(pk=dispatch_id).first()
    if found is None:
        raise record_not_found("Webhook dispatch was not found.")
    return json_responses.data_response(serialize_dispatch(found))


@needs(Kind.ACTOR, Permission.READ, needs_account=True, reads=(Kind.ACTOR, *_TOLD_OF))
def list_for_actor(request: ResourceApiRequest[Actor]) -> HttpResponse:
    """Answer with a page of the account's own webhooks on an Actor."""
    return rows_response(
        request, with_last_dispatch(_own(request).filter(actor_id=request.resource.pk)), serialize_list_item
    )


@needs(Kind.TASK, Permission.READ, needs_account=True, reads=(Kind.ACTOR, *_TOLD_OF))
def list_for_task(request: ResourceApiRequest[Task]) -> HttpResponse:
    """Answer with a page of the account's own webhooks on a task."""
    return rows_response(
        request, with_last_dispatch(_own(request).filter(task_id=request.resource.pk)), serialize_list_item
    )


def _own(request: ApiRequest) -> "QuerySet[Webhook]":
    return visible_webhooks(request.principal)


def _webhook(request: ApiRequest, webhook_id: str) -> Webhook:
    found = None if "\x00" in webhook_id else with_last_dispatch(_own(request)).filter(pk=webhook_id).first()
    if found is None:
        raise _not_found()
    return found


def _dispatches(request: ApiRequest) -> "QuerySet[WebhookDispatch]":
    of_account = WebhookDispatch.objects.filter(owner_id=request.principal.account_id or "").select_related("webhook")
    if token_limits.is_restrained_run(request.principal):
        return of_account.filter(webhook__in=_own(request))
    return of_account


def _check_may_keep(principal: Principal, webhook: Webhook) -> None:
    """Check that a scope lets run the Actor that a webhook stays on, if any; that of a run ends with it.

    Raises:
        ApiError: 403 where it does not.
    """
    of_task = Task.objects.filter(pk=webhook.task_id).values_list("actor_id", flat=True)
    check_may_run(principal, of_task.first() if webhook.task_id else webhook.actor_id)


def _condition(body: ConditionBody | UnsetType | None, principal: Principal) -> Condition | UnsetType:
    """Return what a webhook is to hang on: what is named most closely, where what else is named goes with it.

    Raises:
        ApiError: 404 for what may not be read, 403 for an Actor that a scope does not let run, 400 for another
            account's run and for things that do not go together.
    """
    named = list(_named(body or ConditionBody()))
    if not named:
        return UNSET
    kind, address, field = named[0]
    nearest = get_or_refuse(principal, kind, address, Permission.READ)
    for other, other_address, other_field in named[1:]:
        of_it = nearest.actor_id if other is Kind.ACTOR else nearest.task_id
        if get_or_refuse(principal, other, other_address, Permission.READ).pk != of_it:
            raise invalid_value(f"condition.{other_field}", f"{field} names something that does not belong to it.")
    if kind is not Kind.RUN:  # that of a run ends with it
        check_may_run(principal, nearest.pk if kind is Kind.ACTOR else nearest.actor_id)
    if kind is Kind.RUN and nearest.owner_id != principal.account_id:
        raise invalid_value("condition.actorRunId", "a webhook tells only of one's own runs.")
    return Condition(**{f"{kind.value}_id": nearest.pk})


def _named(body: ConditionBody) -> Iterator[tuple[Kind, str, str]]:
    for kind, address, field in (
        (Kind.RUN, body.actor_run_id, "actorRunId"),
        (Kind.TASK, body.actor_task_id, "actorTaskId"),
        (Kind.ACTOR, body.actor_id, "actorId"),
    ):
        if address:
            yield kind, address, field


def _invalid(error: InvalidWebhook) -> ApiError:
    return invalid_value(error.field, str(error))


def _not_found() -> ApiError:
    return record_not_found("Webhook was not found.")
