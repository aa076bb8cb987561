"""A page of a dataset's items as a query asks for it: by a view or all, a table or JSON, hidden fields or not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from accounts.lib.api_errors import ApiError
from console.pages.components.cells import build_json, build_table, printable
from console.pages.components.tables import Paging
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import item_objects, record_objects
from resources.datasets.views import View, read_views
from resources.models import Dataset

ITEMS_IN_TABLE: Final = 50
ITEMS_AS_JSON: Final = 20
# The items of a page can become many by unwinding.
MAX_RECORDS: Final = 500

NumberedItems = list[tuple[int, dict[str, object]]]


def items_context(dataset: Dataset, query: Mapping[str, str]) -> dict[str, Any]:
    """Return what `datasets/_items.html` needs.

    Raises:
        DatasetGone: when the dataset was deleted in the meantime.
    """
    as_json = query.get("view") == "json"
    hidden = query.get("hidden") == "1"
    views = read_views(dataset.schema)
    name = query.get("dataset_view", "")
    view = views.get(name)
    options = ItemsOptions(**view.options()) if view else ItemsOptions()
    total = min(dataset.item_count, options.limit or dataset.item_count)
    paging = Paging.of(query, total, ITEMS_AS_JSON if as_json else ITEMS_IN_TABLE)
    options = replace(options, offset=paging.offset, limit=min(paging.size, max(1, total - paging.offset)))
    items, problem = _load(dataset, options, view)
    return {
        "dataset": dataset,
        "paging": paging,
        "as_json": as_json,
        "hidden": hidden,
        "has_hidden": any(name.startswith("#") for name in dataset.fields),
        "views": [(each, view_title(each, views[each])) for each in views],
        "chosen_view": name if view else "",
        "view_problem": problem,
        "is_cut": len(items) == MAX_RECORDS,
        "table": None
        if as_json
        else build_table(items, _columns(dataset, options), hidden=hidden, labels=dict(options.labels)),
        "items": build_json(items, hidden=hidden) if as_json else [],
    }


def view_title(name: str, view: View) -> str:
    """Return what a view is called on pages."""
    return printable(view.title or name)


def _load(dataset: Dataset, options: ItemsOptions, view: View | None) -> tuple[NumberedItems, str]:
    """Return the items of a page, numbered, and why the view cannot be applied to them, "" where it can."""
    if view is None:
        items = item_objects(dataset.pk, options.offset, options.limit or 1)
        return list(enumerate(items, options.offset + 1)), ""
    try:
        return record_objects(dataset.pk, options, MAX_RECORDS), ""
    except ApiError as error:
        return [], error.message


def _columns(dataset: Dataset, options: ItemsOptions) -> list[str]:
    """Return the columns that are known before the items are: what they lack is shown as missing."""
    if not options.fields:
        return [] if options.unwind or options.flatten or options.omit else dataset.fields
    return [name for name in options.fields if name not in (*options.unwind, *options.flatten, *options.omit)]
