"""The head of a queue over HTTP, and the locks on its requests."""

from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse

from accounts.lib.api_errors import invalid_value
from accounts.lib.timestamps import iso
from console.api.request_queues.client_keys import client_from_request, note_reader, refusals
from console.api.request_queues.serializers import serialize_head_item
from console.http import json_responses
from console.http.pagination import flag, whole_number
from resources.kinds import Kind
from resources.models import RequestQueue
from resources.request_queues import head, locks
from resources.request_queues.usage import head_items
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission
from sharing.signatures import SignedContent

DEFAULT_HEAD: Final = 100
MAX_HEAD: Final = 1000
MAX_LOCKED_HEAD: Final = 25
MAX_LOCK_SECONDS: Final = 366 * 24 * 60 * 60


@needs(Kind.REQUEST_QUEUE, Permission.READ, signed=SignedContent.CONTENT)
def show(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Answer with the first requests that are neither handled nor locked."""
    queue = request.resource
    limit = min(whole_number(request.GET, "limit", 0) or DEFAULT_HEAD, MAX_HEAD)
    had_multiple_clients = note_reader(request)
    items = [serialize_head_item(each) for each in head.head(queue.pk, limit)]
    head_items.add(queue.pk, len(items))
    return json_responses.data_response(
        {
            "limit": limit,
            "queueModifiedAt": iso(queue.modified_at),
            "hadMultipleClients": had_multiple_clients,
            "items": items,
        }
    )


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def lock(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Lock the first requests that are neither handled nor locked, and answer with them."""
    queue, client, seconds = request.resource, client_from_request(request), _lock_seconds(request)
    limit = min(whole_number(request.GET, "limit", 0) or MAX_LOCKED_HEAD, MAX_LOCKED_HEAD)
    with refusals():
        locked = head.lock_head(queue.pk, limit, timedelta(seconds=seconds), client=client)
    expires_at = iso(locked.expires_at)
    answer: dict[str, Any] = {
        "limit": limit,
        "queueModifiedAt": iso(locked.modified_at or queue.modified_at),
        "queueHasLockedRequests": locked.has_locked,
        "hadMultipleClients": locked.had_multiple_clients,
        "lockSecs": seconds,
        "items": [{**serialize_head_item(each), "lockExpiresAt": expires_at} for each in locked.requests],
    }
    if client.key is not None:
        answer["clientKey"] = client.key
    return json_responses.data_response(answer, json_responses.CREATED)


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def prolong(request: ResourceApiRequest[RequestQueue], request_id: str) -> HttpResponse:
    """Let the client's lock on a request end later."""
    client, forefront = client_from_request(request), flag(request.GET, "forefront")
    duration = timedelta(seconds=_lock_seconds(request))
    with refusals():
        expires_at = locks.prolong(request.resource.pk, request_id, duration, client=client, forefront=forefront)
    return json_responses.data_response({"lockExpiresAt": iso(expires_at)})


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def unlock(request: ResourceApiRequest[RequestQueue], request_id: str) -> HttpResponse:
    """Take the client's lock off a request."""
    client, forefront = client_from_request(request), flag(request.GET, "forefront")
    with refusals():
        locks.unlock(request.resource.pk, request_id, client=client, forefront=forefront)
    return json_responses.no_content()


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def unlock_all(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Take all of the client's locks off."""
    client = client_from_request(request)
    with refusals():
        count = locks.unlock_all(request.resource.pk, client=client)
    return json_responses.data_response({"unlockedCount": count})


def _lock_seconds(request: ResourceApiRequest[RequestQueue]) -> int:
    """Return how long to lock.

    Raises:
        ApiError: 400 when it is not said, or not a whole number of seconds from 1 to those of a year.
    """
    seconds = whole_number(request.GET, "lockSecs", 0)
    if not 1 <= seconds <= MAX_LOCK_SECONDS:
        raise invalid_value("lockSecs", f"it is required, and must be a whole number from 1 to {MAX_LOCK_SECONDS}.")
    return seconds
