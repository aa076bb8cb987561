"""Datasets: the list, get-or-create by name, and one dataset with its settings."""

from typing import Any, cast

import msgspec
from django.conf import settings
from django.db import transaction
from django.http import HttpResponse

from accounts.errors import invalid_value, record_not_found
from accounts.requests import ApiRequest
from console.api import answers, bodies
from console.api.basics import basics_of
from console.api.changes import change_general_access, check_may_change
from console.api.pagination import Page, flag, one_of
from console.api.signing import signed_fields
from console.api.times import iso
from resources import storages
from resources.kinds import Kind
from resources.models import Dataset
from resources.usage import reads
from sharing.access import Access, AddressedBy, Facts, Listed, Ownership, count_listed, listed
from sharing.declare import needs, signed_in_for
from sharing.facts import facts_of
from sharing.permissions import Permission
from sharing.requests import ResourceApiRequest

_OWNERSHIPS = {"ownedByMe": Ownership.MINE, "sharedWithMe": Ownership.SHARED}
_MAX_TITLE = 200


class DatasetChange(msgspec.Struct, rename="camel"):
    """The body of a PUT; what is not given stays as it is, and a name of null takes the name away."""

    name: str | msgspec.UnsetType | None = msgspec.UNSET
    title: str | msgspec.UnsetType | None = msgspec.UNSET
    general_access: str | msgspec.UnsetType = msgspec.UNSET


@signed_in_for(Kind.DATASET, Permission.READ)
def list_datasets(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the datasets that the account may read, in a number of queries that never grows."""
    page = Page.from_query(request.GET)
    unnamed = flag(request.GET, "unnamed")
    ownership = one_of(request.GET, "ownership", _OWNERSHIPS, Ownership.BOTH)
    account_id = request.principal.account_id or ""
    rows = listed(
        account_id,
        ownership=ownership,
        kinds=[Kind.DATASET],
        named_only=not unnamed,
        offset=page.offset,
        limit=page.limit,
        newest_first=page.desc,
    )
    total = count_listed(account_id, ownership=ownership, kinds=[Kind.DATASET], named_only=not unnamed)
    datasets = Dataset.objects.select_related("run").in_bulk([row.id for row in rows])
    items = [_list_item(datasets[row.id], row) for row in rows if row.id in datasets]
    return answers.data(page.answer(total, items, unnamed=unnamed))


@signed_in_for(Kind.DATASET, Permission.WRITE)
def get_or_create(request: ApiRequest) -> HttpResponse:
    """Answer with the account's dataset called `name`, made if there is none; without a name, with a new one."""
    principal = request.principal
    try:
        dataset, is_new = storages.create(
            Kind.DATASET, principal.account_id or "", name=request.GET.get("name"), by=principal
        )
    except storages.InvalidName as error:
        raise invalid_value("name", str(error)) from None
    access = Access(principal, dataset, facts_of(dataset, principal.account_id), AddressedBy.ID)
    seen = _described(access)
    if not is_new:
        return answers.data(seen)
    return answers.data(seen, answers.CREATED, location=f"{settings.PUBLIC_URL}/v2/datasets/{dataset.pk}")


@needs(Kind.DATASET, Permission.READ)
def show(request: ResourceApiRequest) -> HttpResponse:
    """Answer with what is known of one dataset."""
    reads.add(request.resource.pk)
    return _answer(request)


@needs(Kind.DATASET, Permission.WRITE, Permission.MANAGE_ACCESS_RIGHTS)
def update(request: ResourceApiRequest) -> HttpResponse:
    """Change the name and title, which needs WRITE, and the general access, which needs MANAGE_ACCESS_RIGHTS."""
    change = bodies.read_json(request, DatasetChange)
    with transaction.atomic():
        if change.name is not msgspec.UNSET:
            check_may_change(request, "name", Permission.WRITE)
            _rename(request, change.name)
        if change.title is not msgspec.UNSET:
            check_may_change(request, "title", Permission.WRITE)
            _retitle(request, change.title or "")
        if change.general_access is not msgspec.UNSET:
            change_general_access(request, change.general_access)
    return _answer(request)


@needs(Kind.DATASET, Permission.WRITE)
def delete(request: ResourceApiRequest) -> HttpResponse:
    """Delete a dataset with all its items."""
    if not storages.delete(request.resource, by=request.principal):
        raise record_not_found("Dataset was not found.")
    return answers.no_content()


def _rename(request: ResourceApiRequest, name: str | None) -> None:
    try:
        storages.rename(request.resource, name, by=request.principal)
    except storages.InvalidName as error:
        raise invalid_value("name", str(error)) from None
    except storages.NameTaken as error:
        raise answers.conflict("name-not-unique", str(error)) from None
    except storages.ResourceGone:
        raise record_not_found("Dataset was not found.") from None


def _retitle(request: ResourceApiRequest, title: str) -> None:
    if len(title) > _MAX_TITLE or "\x00" in title:
        raise invalid_value("title", f"it must have at most {_MAX_TITLE} characters, and no NUL among them.")
    request.resource.title = title
    Dataset.objects.filter(pk=request.resource.pk).update(title=title)


def _answer(request: ResourceApiRequest) -> HttpResponse:
    return answers.data(_described(request.access))


def _described(access: Access) -> dict[str, Any]:
    dataset = _dataset(cast("Dataset", access.resource), access.facts.owner_username, access.facts.run)
    return dataset | signed_fields(access, "items", "itemsPublicUrl")


def _dataset(dataset: Dataset, username: str, run: Facts | None) -> dict[str, Any]:
    return {
        **basics_of(dataset),
        **_counters(dataset),
        "title": dataset.title or None,
        "username": username,
        "actId": run.actor.id if run and run.actor else None,
        "actRunId": dataset.run_id,
        "fields": dataset.fields,
        "schema": None,
        "stats": {**_stats(dataset), "storageBytes": dataset.compressed_bytes},
    }


def _list_item(dataset: Dataset, row: Listed) -> dict[str, Any]:
    return {
        **basics_of(dataset),
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
