"""The page of a key-value store: its records, page by page in the order of their keys."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from console.pages.storages.page import storage_context
from resources.kinds import Kind
from resources.models import KeyValueStore, Record
from resources.models.key_value_store import MAX_KEY_LENGTH
from resources.records.content_types import media_type
from resources.records.keys import KeyFilter, can_be_key, can_be_stored
from resources.records.reading import list_records
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

ROWS = 50
TABLE = "records"


@dataclass(frozen=True, slots=True)
class RecordRow:
    """A record in the table, with the addresses of its page, its content, its download and its deletion."""

    record: Record
    content_type: str
    path: str
    content_path: str
    download_path: str
    delete_path: str


@needs(Kind.KEY_VALUE_STORE, Permission.READ)
@require_safe
def show_store(request: ResourcePageRequest[KeyValueStore]) -> HttpResponse:
    """Show a store with a page of its records; htmx asks for the table alone when the prefix changes."""
    store = request.resource
    prefix = request.GET.get("prefix", "").strip()[:MAX_KEY_LENGTH]
    after = request.GET.get("after", "")
    after = after if can_be_stored(after) else ""
    records, has_more = list_records(store.pk, KeyFilter((prefix,)), after, ROWS)
    context = {
        **storage_context(request),
        "store": store,
        "rows": [build_row(store, record) for record in records],
        "prefix": prefix,
        "after": after,
        "next_after": records[-1].key if has_more else None,
        "longest_key": MAX_KEY_LENGTH,
    }
    is_table = request.htmx.target == TABLE
    response = render(
        request, "key_value_stores/_records.html" if is_table else "key_value_stores/key_value_store.html", context
    )
    patch_vary_headers(response, ("HX-Request", "HX-Target"))
    return response


def build_row(store: KeyValueStore, record: Record) -> RecordRow:
    """Return how a page speaks of a record. A key is made of what may stand in a path as it is.

    The keys "." and "..", which old records have, are directions in a path. They stand in the query.
    """
    if can_be_key(record.key):
        path, query, download = f"{store.console_path}/records/{record.key}", "", "?download"
    else:
        path, query = f"{store.console_path}/record", f"?key={record.key}"
        download = f"{query}&download"
    return RecordRow(
        record,
        media_type(record.content_type),
        path=f"{path}{query}",
        content_path=f"{path}/content{query}",
        download_path=f"{path}/content{download}",
        delete_path=f"{path}/delete{query}",
    )
