"""The page of a dataset."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.pages.dataset_items import json_of, table_of
from console.pages.storage_pages import context_of
from console.pages.tables import Paging
from resources.datasets.errors import DatasetGone
from resources.datasets.reading import item_objects
from resources.kinds import Kind
from resources.models import Dataset
from sharing import refusals
from sharing.declare import needs
from sharing.permissions import Permission
from sharing.requests import ResourcePageRequest

ITEMS_IN_TABLE = 50
ITEMS_AS_JSON = 20


class DatasetRequest(ResourcePageRequest):
    """A request for a page of a dataset."""

    resource: Dataset


@needs(Kind.DATASET, Permission.READ)
@require_safe
def dataset_page(request: DatasetRequest) -> HttpResponse:
    """Show a dataset with a page of its items, as a table or as JSON."""
    dataset = request.resource
    as_json = request.GET.get("view") == "json"
    hidden = request.GET.get("hidden") == "1"
    paging = Paging.of(request.GET, dataset.item_count, ITEMS_AS_JSON if as_json else ITEMS_IN_TABLE)
    try:
        items = item_objects(dataset.pk, paging.offset, paging.size)
    except DatasetGone:
        return refusals.missing(request, Kind.DATASET)
    first = paging.offset + 1
    context = {
        **context_of(request),
        "dataset": dataset,
        "paging": paging,
        "as_json": as_json,
        "hidden": hidden,
        "has_hidden": any(name.startswith("#") for name in dataset.fields),
        "table": None if as_json else table_of(items, dataset.fields, first, hidden=hidden),
        "items": json_of(items, first, hidden=hidden) if as_json else [],
    }
    return render(request, "storage/dataset.html", context)
