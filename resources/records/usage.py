"""How often the keys of a store were listed: counted in memory and saved a moment later, as reads are."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.lib.counters import BufferedCounter
from resources.models import KeyValueStore, Resource


def _save_lists(counts: Mapping[str, int], at: datetime) -> None:
    """Add the counts, always in the order of the ids, so that two processes that save at once never lock crosswise."""
    with transaction.atomic():
        for store_id in sorted(counts):
            KeyValueStore.objects.filter(pk=store_id).update(list_count=F("list_count") + counts[store_id])
            Resource.objects.filter(pk=store_id).update(accessed_at=at)


lists = BufferedCounter(_save_lists)
