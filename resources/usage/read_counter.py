"""How often a resource was read, and when last: counted in memory and saved a moment later, outside any request."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.db.models import F

from accounts.lib.counters import BufferedCounter
from resources.models import Resource


def _save_reads(counts: Mapping[str, int], at: datetime) -> None:
    """Add the counts, always in the order of the ids, so that two processes that save at once never lock crosswise."""
    with transaction.atomic():
        for resource_id in sorted(counts):
            Resource.objects.filter(pk=resource_id).update(
                read_count=F("read_count") + counts[resource_id], accessed_at=at
            )


reads = BufferedCounter(_save_reads)
