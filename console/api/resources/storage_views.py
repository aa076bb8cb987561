"""What the views of the three kinds of storage share. What each needs is declared where it is, with its serializer."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.http import HttpResponse

from accounts.lib.api_errors import invalid_value
from accounts.lib.timestamps import iso
from accounts.request_types import ApiRequest
from console.api.resources.serializers import serialize_basics
from console.api.resources.update import change_storage
from console.http import json_responses
from resources import storages
from resources.models import Dataset, KeyValueStore, RequestQueue
from resources.usage.read_counter import reads
from sharing import storage_creators
from sharing.access import Access, AddressedBy
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.enforcement.require import access_to
from sharing.lists import Listed
from sharing.permissions import Permission

Storage = TypeVar("Storage", Dataset, KeyValueStore, RequestQueue)
Serialize = Callable[[Access[Storage]], dict[str, Any]]


def get_or_create(
    request: ApiRequest, model: type[Storage], serialize: Serialize[Storage], *, schema: str = ""
) -> HttpResponse:
    """Answer with the account's storage called `name`, made if there is none; without a name, with a new one.

    Raises:
        ApiError: 400 for a name that no storage can have, 403 for one of a storage that the principal may not read.
    """
    principal, name = request.principal, request.GET.get("name")
    try:
        storage, is_new = storages.create(model, principal.account_id or "", name=name, schema=schema, by=principal)
    except storages.InvalidName as error:
        raise invalid_value("name", str(error)) from None
    access = access_to(principal, storage)
    if not is_new:
        if not replace(access, addressed_by=AddressedBy.NAME).allows(Permission.READ):
            raise refusals.insufficient_permissions(model.KIND)
        if storage_creators.leave_to_account(storage, by=principal):
            access = access_to(principal, storage)
    serialized = serialize(access)
    if not is_new:
        return json_responses.data_response(serialized)
    return json_responses.data_response(serialized, json_responses.CREATED, location=storage.api_url)


def show(request: ResourceApiRequest[Storage], serialize: Serialize[Storage]) -> HttpResponse:
    """Answer with what is known of a storage, and count that it was read."""
    reads.add(request.resource.pk)
    return json_responses.data_response(serialize(request.access))


def update(request: ResourceApiRequest[Storage], serialize: Serialize[Storage]) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    change_storage(request)
    return json_responses.data_response(serialize(request.access))


def delete(request: ResourceApiRequest[Storage]) -> HttpResponse:
    """Delete a storage with all that is in it."""
    if not storages.delete(request.resource, by=request.principal):
        raise refusals.not_found_error(request.access.facts.kind)
    return json_responses.no_content()


def serialize_list(
    rows: Sequence[Listed],
    found: "QuerySet[Storage]",
    serialize: Callable[[Storage, str, str | None], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Return the rows of a page without those that are gone meanwhile, in one query.

    `serialize` gets a storage, the name of its owner and the ID of the Actor whose run made it.
    """
    by_id = found.select_related("run").in_bulk([row.id for row in rows])
    there = [(by_id[row.id], row.owner_username) for row in rows if row.id in by_id]
    return [serialize(storage, owner, storage.run.actor_id if storage.run else None) for storage, owner in there]


def serialize_storage(storage: Storage, username: str, actor_id: str | None) -> dict[str, Any]:
    """Return the fields that every kind of storage has."""
    return {
        **serialize_basics(storage),
        "title": storage.title or None,
        "username": username,
        "accessedAt": iso(storage.accessed_at),
        "actId": actor_id,
        "actRunId": storage.run_id,
    }


def get_actor_id(access: Access[Storage]) -> str | None:
    """Return the ID of the Actor whose run made a storage."""
    run = access.facts.run
    return run.actor.id if run and run.actor else None
