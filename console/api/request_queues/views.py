"""Request queues: the list, get-or-create by name, and one queue with its settings."""

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse

from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.api.resources import storage_views
from console.api.resources.lists import list_response
from console.api.resources.storage_views import get_actor_id, serialize_list, serialize_storage
from resources.kinds import Kind
from resources.models import RequestQueue
from sharing.access import Access
from sharing.declare import creates, lists, needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.links.signed_urls import signed_fields
from sharing.lists import Listed
from sharing.permissions import Permission


@lists(Kind.REQUEST_QUEUE)
def list_queues(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the queues that the account may read, in a number of queries that never grows."""
    return list_response(request, Kind.REQUEST_QUEUE, _serialize_list)


@creates(Kind.REQUEST_QUEUE)
def get_or_create(request: ApiRequest) -> HttpResponse:
    """Answer with the account's queue called `name`, made if there is none; without a name, with a new one."""
    return storage_views.get_or_create(request, RequestQueue, _serialize)


@needs(Kind.REQUEST_QUEUE, Permission.READ)
def show(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Answer with what is known of one queue."""
    return storage_views.show(request, _serialize)


@needs(Kind.REQUEST_QUEUE, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    return storage_views.update(request, _serialize)


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def delete(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Delete a queue with all its requests."""
    return storage_views.delete(request)


def _serialize(access: Access[RequestQueue]) -> dict[str, Any]:
    queue = access.resource
    return {
        **serialize_storage(queue, access.facts.owner_username, get_actor_id(access)),
        **_counters(queue),
        **signed_fields(access),
    }


def _serialize_list(rows: Sequence[Listed], _: Principal) -> list[dict[str, Any]]:
    return serialize_list(rows, RequestQueue.objects.all(), _serialize_item)


def _serialize_item(queue: RequestQueue, username: str, actor_id: str | None) -> dict[str, Any]:
    # The description of a list wants a text as the name, where that of one queue takes null.
    return {**serialize_storage(queue, username, actor_id), **_counters(queue), "name": queue.name or ""}


def _counters(queue: RequestQueue) -> dict[str, Any]:
    return {
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
