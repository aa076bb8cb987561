"""Datasets: the list, the page of one, and its items as a download."""

from collections.abc import Iterable, Sequence
from typing import TypedDict

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.errors import ApiError
from accounts.requests import PageRequest
from console.pages.access_words import badge_of, how_you_see_it
from console.pages.dataset_items import json_of, table_of
from console.pages.snippets import items_url, read_items
from console.pages.spreadsheets import without_formulas
from console.pages.tables import Paging, rows_of
from resources.datasets.errors import DatasetGone
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import item_objects, open_items
from resources.kinds import Kind
from resources.models import Dataset
from sharing import refusals
from sharing.access import Ownership, count_listed, listed
from sharing.declare import needs, signed_in
from sharing.permissions import Permission
from sharing.requests import ResourcePageRequest

LONGEST_SEARCH = 100
ITEMS_IN_TABLE = 50
ITEMS_AS_JSON = 20


class DatasetRequest(ResourcePageRequest):
    """A request for a page of a dataset."""

    resource: Dataset


class Filters(TypedDict):
    """What a list is filtered by."""

    ownership: Ownership
    kinds: Sequence[Kind]
    named_only: bool
    search: str


@signed_in
@require_safe
def dataset_list(request: PageRequest) -> HttpResponse:
    """Show one's datasets and those shared with one; htmx asks for the rows alone when a filter changes."""
    me = request.user.pk
    search = request.GET.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH]
    ownership = Ownership.__members__.get(request.GET.get("ownership", "").upper(), Ownership.BOTH)
    named_only = request.GET.get("named") == "1"
    filters = Filters(ownership=ownership, kinds=(Kind.DATASET,), named_only=named_only, search=search)
    paging = Paging.of(request.GET, count_listed(me, **filters))
    order = [each.id for each in listed(me, **filters, offset=paging.offset, limit=paging.size)]
    found = Dataset.objects.select_related("owner", "run__owner").in_bulk(order)
    context = {
        "rows": rows_of((found[id_] for id_ in order if id_ in found), request.principal),
        "paging": paging,
        "search": search,
        "ownership": ownership,
        "named_only": named_only,
        "is_filtered": bool(search or named_only or ownership is not Ownership.BOTH),
        "ownerships": [(Ownership.BOTH, "All"), (Ownership.MINE, "Mine"), (Ownership.SHARED, "Shared with me")],
    }
    response = render(request, "storage/_datasets.html" if request.htmx else "storage/datasets.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response


@needs(Kind.DATASET, Permission.READ)
@require_safe
def dataset_page(request: DatasetRequest) -> HttpResponse:
    """Show a dataset with a page of its items, as a table or as JSON."""
    dataset, access = request.resource, request.access
    as_json = request.GET.get("view") == "json"
    hidden = request.GET.get("hidden") == "1"
    paging = Paging.of(request.GET, dataset.item_count, ITEMS_AS_JSON if as_json else ITEMS_IN_TABLE)
    try:
        items = item_objects(dataset.pk, paging.offset, paging.size)
    except DatasetGone:
        return refusals.missing(request, Kind.DATASET)
    first = paging.offset + 1
    context = {
        "dataset": dataset,
        "owner": access.facts.owner_username,
        "badge": badge_of(access.facts),
        "how_you_see_it": how_you_see_it(request.decision, access.facts, access.held),
        "is_mine": dataset.owner_id == request.principal.account_id,
        "can_write": access.allows(Permission.WRITE),
        "can_share": access.allows(Permission.MANAGE_ACCESS_RIGHTS),
        "paging": paging,
        "as_json": as_json,
        "hidden": hidden,
        "has_hidden": any(name.startswith("#") for name in dataset.fields),
        "table": None if as_json else table_of(items, dataset.fields, first, hidden=hidden),
        "items": json_of(items, first, hidden=hidden) if as_json else [],
    }
    return render(request, "storage/dataset.html", context)


@needs(Kind.DATASET, Permission.READ)
@require_safe
def dataset_api(request: DatasetRequest) -> HttpResponse:
    """Show how to read a dataset through the API."""
    context = {
        "dataset": request.resource,
        "endpoint": items_url(request.resource),
        "snippets": read_items(request.resource),
    }
    return render(request, "storage/_api.html" if request.htmx else "storage/api.html", context)


@needs(Kind.DATASET, Permission.READ)
@require_safe
def dataset_download(request: DatasetRequest) -> HttpResponseBase:
    """Send a dataset's items as a file. What a user stored never runs in the console's origin."""
    dataset = request.resource
    try:
        options = ItemsOptions.from_query(request.GET)
        items = open_items(dataset.pk, options)
    except ApiError as error:
        return render(request, "error.html", {"status": error.status, "message": error.message}, status=error.status)
    except DatasetGone:
        return refusals.missing(request, Kind.DATASET)
    pieces: Iterable[bytes] = [items.body] if isinstance(items.body, bytes) else items.body
    if options.format == "csv":
        pieces = without_formulas(pieces, options.delimiter)
    response = StreamingHttpResponse(pieces, content_type=items.content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{dataset.name or dataset.pk}.{options.format}"'
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response
