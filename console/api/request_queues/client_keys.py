"""Which client of a queue makes a request, and what the engine's refusals are called over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

from accounts.lib.api_errors import ApiError, record_not_found
from resources.kinds import Kind
from resources.models import RequestQueue
from resources.request_queues import clients
from resources.request_queues.clients import Client
from resources.request_queues.errors import NotLockedByClient, QueueGone, RequestNotFound, WrongRequestId
from sharing.enforcement.refusals import not_found_error
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission

MAX_KEY = 32


def client_from_request(request: ResourceApiRequest[RequestQueue]) -> Client:
    """Return the client that the request says it comes from; an empty key is none.

    Raises:
        ApiError: 400 `invalid-client-key`.
    """
    key = request.GET.get("clientKey") or None
    if key is not None and (len(key) > MAX_KEY or "\x00" in key):
        raise ApiError(
            HTTPStatus.BAD_REQUEST, "invalid-client-key", f"The clientKey must be text of 1 to {MAX_KEY} characters."
        )
    return Client(request.principal.account_id, key)


def note_reader(request: ResourceApiRequest[RequestQueue]) -> bool:
    """Take note of the client that reads a queue, and return whether there were several.

    A user who cannot write cannot spoil what a client remembers of the queue, and is no client of it.
    """
    queue, client = request.resource, client_from_request(request)
    if not request.access.allows(Permission.WRITE):
        return queue.had_multiple_clients
    return clients.note(queue.pk, client, queue.client_key, queue.had_multiple_clients)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn what the engine raises into the API's errors."""
    try:
        yield
    except QueueGone:
        raise not_found_error(Kind.REQUEST_QUEUE) from None
    except RequestNotFound:
        raise record_not_found("Request was not found.") from None
    except NotLockedByClient:
        raise ApiError(
            HTTPStatus.FORBIDDEN,
            "request-handled-or-locked",
            "The request is handled, not locked, or locked by another client: only the client that has locked it can "
            "prolong or delete its lock.",
        ) from None
    except WrongRequestId:
        raise ApiError(
            HTTPStatus.BAD_REQUEST,
            "id-does-not-match",
            "The uniqueKey of the request makes another ID than the URL has.",
        ) from None
