"""Key-value stores: the list, get-or-create by name, and one store with its settings."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.http import HttpResponse

from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.api.resources import storage_views
from console.api.resources.lists import list_response
from console.api.resources.storage_schemas import schema_in
from console.api.resources.storage_views import get_actor_id, serialize_list, serialize_storage
from resources.kinds import Kind
from resources.models import KeyValueStore
from resources.records.collections import checked_schema
from sharing.access import Access
from sharing.declare import creates, lists, needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.links.signed_urls import signed_fields
from sharing.lists import Listed
from sharing.permissions import Permission


@lists(Kind.KEY_VALUE_STORE)
def list_stores(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the stores that the account may read, in a number of queries that never grows."""
    return list_response(request, Kind.KEY_VALUE_STORE, _serialize_list)


@creates(Kind.KEY_VALUE_STORE)
def get_or_create(request: ApiRequest) -> HttpResponse:
    """Answer with the account's store called `name`, made if there is none; without a name, with a new one."""
    schema = schema_in(request, checked_schema, "store-schema-invalid")
    return storage_views.get_or_create(request, KeyValueStore, _serialize, schema=schema)


@needs(Kind.KEY_VALUE_STORE, Permission.READ)
def show(request: ResourceApiRequest[KeyValueStore]) -> HttpResponse:
    """Answer with what is known of one store."""
    return storage_views.show(request, _serialize)


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[KeyValueStore]) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    return storage_views.update(request, _serialize)


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE)
def delete(request: ResourceApiRequest[KeyValueStore]) -> HttpResponse:
    """Delete a store with all its records."""
    return storage_views.delete(request)


def _serialize(access: Access[KeyValueStore]) -> dict[str, Any]:
    store = _serialize_item(access.resource, access.facts.owner_username, get_actor_id(access))
    # Each record has a signature of its own, so that this address opens them to those who may read them anyway.
    records = {"recordsPublicUrl": f"{access.resource.api_url}/records"}
    return store | records | signed_fields(access, "keys", "keysPublicUrl")


def _serialize_list(rows: Sequence[Listed], _: Principal) -> list[dict[str, Any]]:
    return serialize_list(rows, KeyValueStore.objects.all(), _serialize_item)


def _serialize_item(store: KeyValueStore, username: str, actor_id: str | None) -> dict[str, Any]:
    return {
        **serialize_storage(store, username, actor_id),
        "schema": msgspec.Raw(store.schema.encode()) if store.schema else None,
        "stats": {
            "readCount": store.read_count,
            "writeCount": store.write_count,
            "deleteCount": store.delete_count,
            "listCount": store.list_count,
            "storageBytes": store.stored_bytes,
        },
    }
