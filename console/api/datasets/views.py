"""Datasets: the list, get-or-create by name, and one dataset with its settings."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import msgspec
from django.http import HttpResponse

from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.api.resources import storage_views
from console.api.resources.lists import list_response
from console.api.resources.storage_schemas import schema_in
from console.api.resources.storage_views import get_actor_id, serialize_list, serialize_storage
from resources.datasets.schemas import checked_schema
from resources.kinds import Kind
from resources.models import Dataset
from sharing.access import Access
from sharing.declare import creates, lists, needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.links.signed_urls import signed_fields
from sharing.lists import Listed
from sharing.permissions import Permission


@lists(Kind.DATASET)
def list_datasets(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the datasets that the account may read, in a number of queries that never grows."""
    return list_response(request, Kind.DATASET, _serialize_list)


@creates(Kind.DATASET)
def get_or_create(request: ApiRequest) -> HttpResponse:
    """Answer with the account's dataset called `name`, made if there is none; without a name, with a new one."""
    schema = schema_in(
        request, partial(checked_schema, account_id=request.principal.account_id or ""), "dataset-schema-invalid"
    )
    return storage_views.get_or_create(request, Dataset, _serialize, schema=schema)


@needs(Kind.DATASET, Permission.READ)
def show(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Answer with what is known of one dataset."""
    return storage_views.show(request, _serialize)


@needs(Kind.DATASET, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    return storage_views.update(request, _serialize)


@needs(Kind.DATASET, Permission.WRITE)
def delete(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Delete a dataset with all its items."""
    return storage_views.delete(request)


def _serialize(access: Access[Dataset]) -> dict[str, Any]:
    dataset = access.resource
    return {
        **serialize_storage(dataset, access.facts.owner_username, get_actor_id(access)),
        **_counters(dataset),
        "fields": dataset.fields,
        "schema": msgspec.Raw(dataset.schema.encode()) if dataset.schema else None,
        "stats": {**_stats(dataset), "storageBytes": dataset.compressed_bytes},
        **signed_fields(access, "items", "itemsPublicUrl"),
    }


def _serialize_list(rows: Sequence[Listed], _: Principal) -> list[dict[str, Any]]:
    return serialize_list(rows, Dataset.objects.defer("schema"), _serialize_item)


def _serialize_item(dataset: Dataset, username: str, actor_id: str | None) -> dict[str, Any]:
    return {
        **serialize_storage(dataset, username, actor_id),
        **_counters(dataset),
        # The clients' model of a list wants a text here, where that of one dataset takes null.
        "name": dataset.name or "",
        "stats": {**_stats(dataset), "inflatedBytes": dataset.stored_bytes},
    }


def _counters(dataset: Dataset) -> dict[str, Any]:
    return {
        "itemCount": dataset.item_count,
        "cleanItemCount": dataset.clean_item_count,
    }


def _stats(dataset: Dataset) -> dict[str, int]:
    return {"readCount": dataset.read_count, "writeCount": dataset.write_count}
