"""How many requests were read from heads of queues without being locked: counted in memory, saved a moment later."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.lib.counters import BufferedCounter
from resources.models import RequestQueue, Resource


def _save(counts: Mapping[str, int], at: datetime) -> None:
    """Add the counts, always in the order of the ids, so that two processes that save at once never lock crosswise.

    For the same reason the queue comes before what it has in common with all resources: writers take them so.
    """
    with transaction.atomic():
        for queue_id in sorted(counts):
            RequestQueue.objects.filter(pk=queue_id).update(
                head_item_read_count=F("head_item_read_count") + counts[queue_id]
            )
            Resource.objects.filter(pk=queue_id).update(accessed_at=at)


head_items = BufferedCounter(_save)
