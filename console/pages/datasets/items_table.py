"""A page of a dataset's items as a query asks for it: a table or JSON, with hidden fields or without."""

from collections.abc import Mapping
from typing import Any

from console.pages.components.cells import build_json, build_table
from console.pages.components.tables import Paging
from resources.datasets.reading import item_objects
from resources.models import Dataset

ITEMS_IN_TABLE = 50
ITEMS_AS_JSON = 20


def items_context(dataset: Dataset, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what `storage/_items.html` needs.

    Raises:
        DatasetGone: when the dataset was deleted in the meantime.
    """
    as_json = query.get("view") == "json"
    hidden = query.get("hidden") == "1"
    paging = Paging.of(query, dataset.item_count, ITEMS_AS_JSON if as_json else ITEMS_IN_TABLE)
    items = item_objects(dataset.pk, paging.offset, paging.size)
    first = paging.offset + 1
    return {
        "dataset": dataset,
        "paging": paging,
        "as_json": as_json,
        "hidden": hidden,
        "has_hidden": any(name.startswith("#") for name in dataset.fields),
        "table": None if as_json else build_table(items, dataset.fields, first, hidden=hidden),
        "items": build_json(items, first, hidden=hidden) if as_json else [],
    }
