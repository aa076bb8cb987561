"""Request queues: the list, get-or-create by name, and one queue with its settings."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.http import HttpResponse

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.lib.timestamps import iso
from accounts.principal import Principal
from accounts.requests import ApiRequest
from console.api.resources.lists import answer_with_list
from console.api.resources.serializers import serialize_basics
from console.api.resources.update import change_storage
from console.http import json_responses
from resources import storages
from resources.kinds import Kind
from resources.models import RequestQueue
from resources.usage import reads
from sharing.access import Access
from sharing.declare import needs, signed_in_for
from sharing.lists import Listed
from sharing.permissions import Permission
from sharing.requests import ResourceApiRequest
from sharing.require import access_to
from sharing.signed_urls import signed_fields


@signed_in_for(Kind.REQUEST_QUEUE, Permission.READ)
def list_queues(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the queues that the account may read, in a number of queries that never grows."""
    return answer_with_list(request, Kind.REQUEST_QUEUE, _list_items)


@signed_in_for(Kind.REQUEST_QUEUE, Permission.WRITE)
def get_or_create(request: ApiRequest) -> HttpResponse:
    """Answer with the account's queue called `name`, made if there is none; without a name, with a new one."""
    principal = request.principal
    try:
        made, is_new = storages.create(
            Kind.REQUEST_QUEUE, principal.account_id or "", name=request.GET.get("name"), by=principal
        )
    except storages.InvalidName as error:
        raise invalid_value("name", str(error)) from None
    seen = _described(access_to(principal, made))
    if not is_new:
        return json_responses.data(seen)
    return json_responses.data(
        seen, json_responses.CREATED, location=f"{settings.PUBLIC_URL}/v2/request-queues/{made.pk}"
    )


@needs(Kind.REQUEST_QUEUE, Permission.READ)
def show(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Answer with what is known of one queue."""
    reads.add(request.resource.pk)
    return json_responses.data(_described(request.access))


@needs(Kind.REQUEST_QUEUE, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    change_storage(request)
    return json_responses.data(_described(request.access))


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def delete(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Delete a queue with all its requests."""
    if not storages.delete(request.resource, by=request.principal):
        raise gone()
    return json_responses.no_content()


def gone() -> ApiError:
    """Return the 404 of a queue that was there a moment ago."""
    return record_not_found("Request queue was not found.")


def _described(access: Access[RequestQueue]) -> dict[str, Any]:
    """Return one queue as the API writes it for whoever has this access."""
    queue, run = access.resource, access.facts.run
    return {
        **serialize_basics(queue),
        **_counters(queue),
        "title": queue.title or None,
        "username": access.facts.owner_username,
        "actId": run.actor.id if run and run.actor else None,
        "actRunId": queue.run_id,
        **signed_fields(access),
    }


def _list_items(rows: Sequence[Listed], _: Principal) -> list[dict[str, Any]]:
    queues = RequestQueue.objects.select_related("run").in_bulk([row.id for row in rows])
    return [_list_item(queues[row.id], row) for row in rows if row.id in queues]


def _list_item(queue: RequestQueue, row: Listed) -> dict[str, Any]:
    return {
        **serialize_basics(queue),
        **_counters(queue),
        # The description of a list wants a text here, where that of one queue takes null.
        "name": queue.name or "",
        "title": queue.title or None,
        "username": row.owner_username,
        "actId": queue.run.actor_id if queue.run else None,
        "actRunId": queue.run_id,
    }


def _counters(queue: RequestQueue) -> dict[str, Any]:
    return {
        "accessedAt": iso(queue.accessed_at),
        "totalRequestCount": queue.total_count,
        "handledRequestCount": queue.handled_count,
        "pendingRequestCount": queue.pending_count,
        "hadMultipleClients": queue.had_multiple_clients,
        "stats": {
            "readCount": queue.read_count,
            "writeCount": queue.write_count,
            "deleteCount": queue.delete_count,
            "headItemReadCount": queue.head_item_read_count,
            "storageBytes": queue.stored_bytes,
        },
    }
