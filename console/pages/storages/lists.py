"""The lists of datasets, key-value stores and request queues: one page for all three."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.principal import Principal
from accounts.request_types import PageRequest
from console.pages.components.listing import get_listing, render_list
from console.pages.components.shared_rows import how_shared
from console.pages.components.tables import Row, build_rows
from console.pages.storages.labels import STORAGE_WORDS, StorageLabels
from resources.kinds import Kind
from resources.models import MODELS
from sharing.declare import account_wide
from sharing.lists import Listed


@dataclass(frozen=True, slots=True)
class StorageRow(Row):
    """A storage in the list, with how much it holds and how many bytes that takes.

    `how` says how it is shared with who may not see its general access; it is empty for all others.
    """

    count: int
    size: int
    how: str


@account_wide
@require_safe
def list_storages(request: PageRequest, kind: str) -> HttpResponse:
    """Show one's storages of a kind and those shared with one."""
    words = STORAGE_WORDS[Kind(kind)]
    listing = get_listing(request, words.kind)
    rows = _rows(listing.found, words, request.principal)
    return render_list(request, "storages", {**listing.context, "words": words, "rows": rows})


def _rows(found: Sequence[Listed], words: StorageLabels, principal: Principal) -> list[StorageRow]:
    """Return the rows for what was found, in its order, without what is gone already."""
    storages = MODELS[words.kind].objects.select_related("owner", "run__owner").in_bulk([each.id for each in found])
    rows = build_rows((storages[each.id] for each in found if each.id in storages), principal)
    without_badge = {row.resource.pk for row in rows if row.badge is None}
    how = how_shared([each for each in found if each.id in without_badge], principal.account_id or "")
    return [
        StorageRow(
            row.resource,
            row.badge,
            row.is_mine,
            row.can_write,
            row.can_share,
            words.count_entries(row.resource),
            words.get_stored_bytes(row.resource),
            how.get(row.resource.pk, ""),
        )
        for row in rows
    ]
