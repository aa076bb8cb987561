"""The requests of a queue over HTTP: added, listed, replaced and deleted, one by one or in batches."""

from http import HTTPStatus
from typing import Any, Final, TypeVar

from django.http import HttpResponse
from msgspec import UNSET

from accounts.lib.api_errors import ApiError, invalid_value
from console.api.request_queues.client_keys import client_from_request, note_reader, refusals
from console.api.request_queues.serializers import RequestBody, RequestToDelete, serialize_registered, serialize_request
from console.http import json_responses, request_body
from console.http.pagination import flag, whole_number
from resources.kinds import Kind
from resources.models import RequestQueue
from resources.request_queues import reading, writing
from resources.request_queues.identity import looks_like_request_id, request_id
from resources.request_queues.reading import State
from resources.usage.read_counter import reads
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission
from sharing.signatures import SignedContent

MAX_BATCH: Final = 25
MAX_LIST: Final = 10_000
_FILTERS: Final = {state.value: state for state in (State.PENDING, State.LOCKED)}

Each = TypeVar("Each")


@needs(Kind.REQUEST_QUEUE, Permission.READ, signed=SignedContent.CONTENT)
def list_requests(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Answer with a page of requests in the order of their ids, and with the cursor for the next one."""
    query = request.GET
    limit = min(whole_number(query, "limit", 0) or MAX_LIST, MAX_LIST)
    place, after = _parse_start(request)
    states = _states(request)
    if "exclusiveStartId" in place and states:
        raise _mismatched("filter", "exclusiveStartId")
    note_reader(request)
    page = reading.page(request.resource.pk, limit, after=after, states=states)
    reads.add(request.resource.pk)
    answer: dict[str, Any] = {"items": [serialize_request(each) for each in page.requests], "limit": limit, **place}
    if page.next_after is not None:
        answer["nextCursor"] = page.next_after
    return json_responses.data_response(answer)


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def add(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Add one request, unless there is one with its unique key."""
    client, forefront = client_from_request(request), flag(request.GET, "forefront")
    new = request_body.read_json(request, RequestBody).checked()
    with refusals():
        (added,) = writing.add(request.resource.pk, [new], client=client, forefront=forefront)
    if added is None:
        raise ApiError(
            HTTPStatus.TOO_MANY_REQUESTS, "rate-limit-exceeded", "The request was being deleted. Add it again."
        )
    return json_responses.data_response(serialize_registered(added), json_responses.CREATED)


@needs(Kind.REQUEST_QUEUE, Permission.READ)
def show(request: ResourceApiRequest[RequestQueue], request_id: str) -> HttpResponse:
    """Answer with one request."""
    with refusals():
        found = reading.get(request.resource.pk, request_id)
    reads.add(request.resource.pk)
    return json_responses.data_response(serialize_request(found))


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def replace(request: ResourceApiRequest[RequestQueue], request_id: str) -> HttpResponse:
    """Put a request in the place of the one with this ID, or add it."""
    client, forefront = client_from_request(request), flag(request.GET, "forefront")
    body = request_body.read_json(request, RequestBody)
    if body.id not in (UNSET, None, request_id):
        raise ApiError(HTTPStatus.BAD_REQUEST, "id-does-not-match", "The ID in the body is not the one in the URL.")
    with refusals():
        new = body.checked()
        replaced = writing.replace(request.resource.pk, request_id, new, client=client, forefront=forefront)
    return json_responses.data_response(serialize_registered(replaced))


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def delete(request: ResourceApiRequest[RequestQueue], request_id: str) -> HttpResponse:
    """Delete one request."""
    with refusals():
        writing.delete(request.resource.pk, request_id, client=client_from_request(request))
    return json_responses.no_content()


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def add_batch(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Add up to 25 requests; all of them, or none when one is not valid."""
    client, forefront = client_from_request(request), flag(request.GET, "forefront")
    batch = _checked_batch(request_body.read_json(request, list[RequestBody]))
    new = [each.checked(f"[{at}].") for at, each in enumerate(batch)]
    with refusals():
        added = writing.add(request.resource.pk, new, client=client, forefront=forefront)
    processed = [serialize_registered(each) for each in added if each is not None]
    unprocessed = [
        {"uniqueKey": each.unique_key, "url": each.url, "method": each.method}
        for each, result in zip(new, added, strict=True)
        if result is None
    ]
    return json_responses.data_response(
        {"processedRequests": processed, "unprocessedRequests": unprocessed}, json_responses.CREATED
    )


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
def delete_batch(request: ResourceApiRequest[RequestQueue]) -> HttpResponse:
    """Delete up to 25 requests, each called by its ID or its unique key; one that is not there is done with."""
    client = client_from_request(request)
    batch = _checked_batch(request_body.read_json(request, list[RequestToDelete]))
    ids = [_request_id(each, at) for at, each in enumerate(batch)]
    with refusals():
        writing.delete_many(request.resource.pk, ids, client=client)
    processed = [
        {"id": id_} if each.unique_key is None else {"id": id_, "uniqueKey": each.unique_key}
        for each, id_ in zip(batch, ids, strict=True)
    ]
    return json_responses.data_response({"processedRequests": processed, "unprocessedRequests": []})


def _checked_batch(batch: list[Each]) -> list[Each]:
    if len(batch) > MAX_BATCH:
        raise invalid_value("body", f"it must have at most {MAX_BATCH} requests.")
    return batch


def _request_id(line: RequestToDelete, at: int) -> str:
    if line.id is None and line.unique_key is None:
        raise invalid_value(f"[{at}]", "it must have an id or a uniqueKey.")
    made = None if line.unique_key is None else request_id(line.unique_key)
    if line.id is not None and made is not None and line.id != made:
        raise invalid_value(f"[{at}].id", "it is not the ID that the uniqueKey makes.")
    return line.id or made or ""


def _parse_start(request: ResourceApiRequest[RequestQueue]) -> tuple[dict[str, str], str]:
    """Return where a list begins: the parameter that says so, as it is answered, and the ID after which it does."""
    parameters = {name: request.GET[name] for name in ("cursor", "exclusiveStartId") if request.GET.get(name)}
    if len(parameters) > 1:
        raise _mismatched("cursor", "exclusiveStartId")
    for name, text in parameters.items():
        if not looks_like_request_id(text):
            raise invalid_value(name, "no request can come after it.")
        return parameters, text
    return {}, ""


def _states(request: ResourceApiRequest[RequestQueue]) -> set[State]:
    text = ",".join(request.GET.getlist("filter"))
    try:
        return {_FILTERS[name.strip()] for name in text.split(",")} if text else set()
    except KeyError:
        raise invalid_value("filter", f"it must be {' or '.join(_FILTERS)}, or both with a comma between.") from None


def _mismatched(one: str, other: str) -> ApiError:
    return ApiError(
        HTTPStatus.BAD_REQUEST, "parameters-mismatched", f"The parameters {one} and {other} cannot be combined."
    )
