"""The page of a dataset."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.pages.datasets.items_table import items_context
from console.pages.storages.page import storage_context
from resources.datasets.errors import DatasetGone
from resources.datasets.validation import holds_items
from resources.kinds import Kind
from resources.models import Dataset
from sharing.declare import needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission


@needs(Kind.DATASET, Permission.READ)
@require_safe
def show_dataset(request: ResourcePageRequest[Dataset]) -> HttpResponse:
    """Show a dataset with a page of its items, as a table or as JSON."""
    try:
        view = items_context(request.resource, request.GET)
    except DatasetGone:
        return refusals.missing(request, Kind.DATASET)
    return render(
        request,
        "datasets/dataset.html",
        {
            **storage_context(request),
            **view,
            "holds_items": holds_items(request.resource.schema),
        },
    )
