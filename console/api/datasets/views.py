"""Datasets: the list, get-or-create by name, and one dataset with its settings."""

from collections.abc import Sequence
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpResponse

from accounts.lib.api_errors import invalid_value, record_not_found
from accounts.lib.timestamps import iso
from accounts.principal import Principal
from accounts.requests import ApiRequest
from console.api.resources.lists import answer_with_list
from console.api.resources.serializers import serialize_basics
from console.api.resources.storage_schemas import schema_in
from console.api.resources.update import change_storage
from console.http import json_responses
from resources import storages
from resources.datasets.schemas import checked_schema
from resources.kinds import Kind
from resources.models import Dataset
from resources.usage import reads
from sharing.access import Access, Facts
from sharing.declare import needs, signed_in_for
from sharing.lists import Listed
from sharing.permissions import Permission
from sharing.requests import ResourceApiRequest
from sharing.require import access_to
from sharing.signed_urls import signed_fields


@signed_in_for(Kind.DATASET, Permission.READ)
def list_datasets(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the datasets that the account may read, in a number of queries that never grows."""
    return answer_with_list(request, Kind.DATASET, _list_items)


@signed_in_for(Kind.DATASET, Permission.WRITE)
def get_or_create(request: ApiRequest) -> HttpResponse:
    """Answer with the account's dataset called `name`, made if there is none; without a name, with a new one."""
    principal = request.principal
    name, schema = request.GET.get("name"), schema_in(request, checked_schema, "dataset-schema-invalid")
    try:
        dataset, is_new = storages.create(
            Kind.DATASET, principal.account_id or "", name=name, schema=schema, by=principal
        )
    except storages.InvalidName as error:
        raise invalid_value("name", str(error)) from None
    seen = _described(access_to(principal, dataset))
    if not is_new:
        return json_responses.data(seen)
    return json_responses.data(seen, json_responses.CREATED, location=f"{settings.PUBLIC_URL}/v2/datasets/{dataset.pk}")


@needs(Kind.DATASET, Permission.READ)
def show(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Answer with what is known of one dataset."""
    reads.add(request.resource.pk)
    return _answer(request)


@needs(Kind.DATASET, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    change_storage(request)
    return _answer(request)


@needs(Kind.DATASET, Permission.WRITE)
def delete(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    """Delete a dataset with all its items."""
    if not storages.delete(request.resource, by=request.principal):
        raise record_not_found("Dataset was not found.")
    return json_responses.no_content()


def _answer(request: ResourceApiRequest[Dataset]) -> HttpResponse:
    return json_responses.data(_described(request.access))


def _described(access: Access[Dataset]) -> dict[str, Any]:
    dataset = _dataset(access.resource, access.facts.owner_username, access.facts.run)
    return dataset | signed_fields(access, "items", "itemsPublicUrl")


def _dataset(dataset: Dataset, username: str, run: Facts | None) -> dict[str, Any]:
    return {
        **serialize_basics(dataset),
        **_counters(dataset),
        "title": dataset.title or None,
        "username": username,
        "actId": run.actor.id if run and run.actor else None,
        "actRunId": dataset.run_id,
        "fields": dataset.fields,
        "schema": msgspec.Raw(dataset.schema.encode()) if dataset.schema else None,
        "stats": {**_stats(dataset), "storageBytes": dataset.compressed_bytes},
    }


def _list_items(rows: Sequence[Listed], _: Principal) -> list[dict[str, Any]]:
    datasets = Dataset.objects.select_related("run").defer("schema").in_bulk([row.id for row in rows])
    return [_list_item(datasets[row.id], row) for row in rows if row.id in datasets]


def _list_item(dataset: Dataset, row: Listed) -> dict[str, Any]:
    return {
        **serialize_basics(dataset),
        **_counters(dataset),
        # The clients' model of a list wants a text here, where that of one dataset takes null.
        "name": dataset.name or "",
        "title": dataset.title or None,
        "username": row.owner_username,
        "actId": dataset.run.actor_id if dataset.run else None,
        "actRunId": dataset.run_id,
        "stats": {**_stats(dataset), "inflatedBytes": dataset.stored_bytes},
    }


def _counters(dataset: Dataset) -> dict[str, Any]:
    return {
        "accessedAt": iso(dataset.accessed_at),
        "itemCount": dataset.item_count,
        "cleanItemCount": dataset.clean_item_count,
    }


def _stats(dataset: Dataset) -> dict[str, int]:
    return {"readCount": dataset.read_count, "writeCount": dataset.write_count}
