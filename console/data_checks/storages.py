"""What storages count against what is in them: records, items, requests, and their bytes."""

from collections.abc import Callable, Iterator
from itertools import accumulate
from typing import TypeVar

import zstandard
from django.db import transaction
from django.db.models import Count, Q, Sum

from resources.datasets import chunks
from resources.models import Dataset, DatasetChunk, KeyValueStore, QueuedRequest, Record, RequestQueue, Resource

Storage = TypeVar("Storage", KeyValueStore, Dataset, RequestQueue)


def problems_of_stores() -> Iterator[str]:
    """Yield key-value stores that count other records or bytes than they have."""
    return _problems(KeyValueStore, _of_store)


def problems_of_datasets() -> Iterator[str]:
    """Yield datasets with chunks that do not open or do not follow each other, or that count other items or bytes."""
    return _problems(Dataset, _of_dataset)


def problems_of_queues() -> Iterator[str]:
    """Yield request queues that count other requests or bytes than they have."""
    return _problems(RequestQueue, _of_queue)


def _problems(model: type[Storage], check: Callable[[Storage], list[str]]) -> Iterator[str]:
    for storage in model.objects.order_by("pk").iterator(chunk_size=500):
        if check(storage):
            yield from (f"{storage.info.noun} {storage.pk}: {each}" for each in _settled(model, storage.pk, check))


def _settled(model: type[Storage], id_: str, check: Callable[[Storage], list[str]]) -> list[str]:
    """Check again while no other transaction can change the storage."""
    with transaction.atomic():
        Resource.objects.select_for_update().filter(pk=id_).first()
        locked = model.objects.select_for_update(of=("self",)).filter(pk=id_).first()
        return check(locked) if locked is not None else []


def _of_store(store: KeyValueStore) -> list[str]:
    found = Record.objects.filter(store_id=store.pk).aggregate(count=Count("pk"), size=Sum("size", default=0))
    return [
        *_differs("records", store.record_count, found["count"]),
        *_differs("bytes", store.stored_bytes, found["size"]),
    ]


def _of_queue(queue: RequestQueue) -> list[str]:
    found = QueuedRequest.objects.filter(queue_id=queue.pk).aggregate(
        count=Count("pk"), handled=Count("pk", filter=Q(handled_at__isnull=False)), size=Sum("size", default=0)
    )
    return [
        *_differs("requests", queue.total_count, found["count"]),
        *_differs("handled requests", queue.handled_count, found["handled"]),
        *_differs("bytes", queue.stored_bytes, found["size"]),
    ]


def _of_dataset(dataset: Dataset) -> list[str]:
    end = stored = compressed = 0
    for chunk in DatasetChunk.objects.filter(dataset_id=dataset.pk).order_by("end_offset").iterator(chunk_size=50):
        if chunk.first_offset != end:
            return [f"its chunk at {chunk.first_offset} does not follow the one that ends at {end}."]
        end = chunk.end_offset
        items = _items(chunk)
        if items is None:
            return [f"its chunk at {chunk.first_offset} cannot be opened, or holds other items than it says."]
        stored += sum(map(len, items))
        compressed += len(chunk.ends) + len(chunk.data)
    return [
        *_differs("items", dataset.item_count, end),
        *_differs("bytes", dataset.stored_bytes, stored),
        *_differs("compressed bytes", dataset.compressed_bytes, compressed),
    ]


def _items(chunk: DatasetChunk) -> list[bytes] | None:
    """Return the items of a chunk, None where it does not hold what it says."""
    try:
        items = list(chunks.iterate([bytes(chunk.data)]))
        ends = list(chunks.read_ends(bytes(chunk.ends)))
    except (zstandard.ZstdError, ValueError):
        return None
    right = list(accumulate(len(item) + 1 for item in items))
    return items if right == ends and len(items) == chunk.end_offset - chunk.first_offset else None


def _differs(what: str, counted: int, found: int) -> list[str]:
    return [] if counted == found else [f"it counts {counted:,} {what}, and {found:,} are there."]
