"""The lists of datasets, key-value stores and request queues: one page for all three."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts.principal import Principal
from accounts.requests import PageRequest
from console.pages.shared_rows import how_shared
from console.pages.storage_words import STORAGE_WORDS, StorageWords
from console.pages.tables import Paging, Row, rows_of
from resources.kinds import Kind
from resources.models import MODELS
from sharing.access import Listed, Ownership, count_listed, listed
from sharing.declare import signed_in

LONGEST_SEARCH = 100
_OWNERSHIPS = ((Ownership.BOTH, "All"), (Ownership.MINE, "Mine"), (Ownership.SHARED, "Shared with me"))


class Filters(TypedDict):
    """What a list is filtered by."""

    ownership: Ownership
    kinds: Sequence[Kind]
    named_only: bool
    search: str


@dataclass(frozen=True, slots=True)
class StorageRow(Row):
    """A storage in the list, with how much it holds and how many bytes that takes.

    `how` says how it is shared with who may not see its general access; it is empty for all others.
    """

    count: int
    size: int
    how: str


@signed_in
@require_safe
def page(request: PageRequest, kind: str) -> HttpResponse:
    """Show one's storages of a kind and those shared with one; htmx asks for the rows alone when a filter changes."""
    words = STORAGE_WORDS[Kind(kind)]
    me, filters = request.user.pk, _filters(request, words.kind)
    paging = Paging.of(request.GET, count_listed(me, **filters))
    found = listed(me, **filters, offset=paging.offset, limit=paging.size)
    is_filtered = bool(filters["search"] or filters["named_only"] or filters["ownership"] is not Ownership.BOTH)
    context: dict[str, Any] = {
        **filters,
        "words": words,
        "info": words.info,
        "rows": _rows(found, words, request.principal),
        "paging": paging,
        "is_filtered": is_filtered,
        "ownerships": _OWNERSHIPS,
    }
    response = render(request, "storage/_list.html" if request.htmx else "storage/list.html", context)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _filters(request: HttpRequest, kind: Kind) -> Filters:
    query = request.GET
    return Filters(
        ownership=Ownership.__members__.get(query.get("ownership", "").upper(), Ownership.BOTH),
        kinds=(kind,),
        named_only=query.get("named") == "1",
        search=query.get("q", "").replace("\x00", "").strip()[:LONGEST_SEARCH],
    )


def _rows(found: Sequence[Listed], words: StorageWords, principal: Principal) -> list[StorageRow]:
    """Return the rows for what was found, in its order, without what is gone already."""
    storages = MODELS[words.kind].objects.select_related("owner", "run__owner").in_bulk([each.id for each in found])
    rows = rows_of((storages[each.id] for each in found if each.id in storages), principal)
    without_badge = {row.resource.pk for row in rows if row.badge is None}
    how = how_shared([each for each in found if each.id in without_badge], principal.account_id or "")
    return [
        StorageRow(
            row.resource,
            row.badge,
            row.is_mine,
            row.can_write,
            row.can_share,
            words.count_of(row.resource),
            words.bytes_of(row.resource),
            how.get(row.resource.pk, ""),
        )
        for row in rows
    ]
