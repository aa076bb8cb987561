"""Key-value stores: the list, get-or-create by name, and one store with its settings."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpResponse

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.lib.timestamps import iso
from accounts.principal import Principal
from accounts.requests import ApiRequest
from console.api.resources.lists import answer_with_list
from console.api.resources.serializers import serialize_basics
from console.api.resources.storage_schemas import schema_in
from console.api.resources.update import change_storage
from console.http import json_responses
from resources import storages
from resources.kinds import Kind
from resources.models import KeyValueStore, Resource
from resources.records.collections import checked_schema
from resources.usage import reads
from sharing.access import Access
from sharing.declare import needs, signed_in_for
from sharing.lists import Listed
from sharing.permissions import Permission
from sharing.requests import ResourceApiRequest
from sharing.require import access_to
from sharing.signed_urls import signed_fields


@signed_in_for(Kind.KEY_VALUE_STORE, Permission.READ)
def list_stores(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the stores that the account may read, in a number of queries that never grows."""
    return answer_with_list(request, Kind.KEY_VALUE_STORE, _list_items)


@signed_in_for(Kind.KEY_VALUE_STORE, Permission.WRITE)
def get_or_create(request: ApiRequest) -> HttpResponse:
    """Answer with the account's store called `name`, which is made if there is none; without a name, with a new one."""
    principal = request.principal
    name, schema = request.GET.get("name"), schema_in(request, checked_schema, "store-schema-invalid")
    try:
        made, is_new = storages.create(
            Kind.KEY_VALUE_STORE, principal.account_id or "", name=name, schema=schema, by=principal
        )
    except storages.InvalidName as error:
        raise invalid_value("name", str(error)) from None
    seen = _described(access_to(principal, made))
    if not is_new:
        return json_responses.data(seen)
    return json_responses.data(seen, json_responses.CREATED, location=url_of(made))


@needs(Kind.KEY_VALUE_STORE, Permission.READ)
def show(request: ResourceApiRequest[KeyValueStore]) -> HttpResponse:
    """Answer with what is known of one store."""
    reads.add(request.resource.pk)
    return json_responses.data(_described(request.access))


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[KeyValueStore]) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    change_storage(request)
    return json_responses.data(_described(request.access))


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE)
def delete(request: ResourceApiRequest[KeyValueStore]) -> HttpResponse:
    """Delete a store with all its records."""
    if not storages.delete(request.resource, by=request.principal):
        raise store_gone()
    return json_responses.no_content()


def url_of(store: Resource) -> str:
    """Return the address of a store in the API, built from the configured public URL."""
    return f"{settings.PUBLIC_URL}/v2/key-value-stores/{store.pk}"


def store_gone() -> ApiError:
    """Return the 404 for a store that was deleted in the meantime."""
    return record_not_found("Key-value store was not found.")


def _described(access: Access[KeyValueStore]) -> dict[str, Any]:
    """Return all that a principal gets to know of a store, what depends on its permissions included."""
    facts = access.facts
    actor_id = facts.run.actor.id if facts.run and facts.run.actor else None
    store = _store(access.resource, facts.owner_username, actor_id)
    return store | signed_fields(access, "keys", "keysPublicUrl")


def _list_items(rows: Sequence[Listed], _: Principal) -> list[dict[str, Any]]:
    stores = KeyValueStore.objects.select_related("run").in_bulk([row.id for row in rows])
    return [_list_item(stores[row.id], row) for row in rows if row.id in stores]


def _list_item(store: KeyValueStore, row: Listed) -> dict[str, Any]:
    return _store(store, row.owner_username, store.run.actor_id if store.run else None)


def _store(store: KeyValueStore, username: str, actor_id: str | None) -> dict[str, Any]:
    return {
        **serialize_basics(store),
        "title": store.title or None,
        "username": username,
        "accessedAt": iso(store.accessed_at),
        "actId": actor_id,
        "actRunId": store.run_id,
        "schema": msgspec.Raw(store.schema.encode()) if store.schema else None,
        "stats": {
            "readCount": store.read_count,
            "writeCount": store.write_count,
            "deleteCount": store.delete_count,
            "listCount": store.list_count,
            "storageBytes": store.stored_bytes,
        },
    }
