"""Pushing items: all of them or none, each writer's in one piece, and durable once it has returned.

Small pushes leave small chunks. They are merged when the next push would make them weigh as much as a full
chunk, or be too many, so an item is compressed again a few times at most and few small chunks are ever left.
"""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec
from django.db import connection, transaction
from django.utils import timezone

from accounts.lib import disk_space
from accounts.lib.sql import give_back_connection
from resources.datasets import chunks
from resources.datasets.chunks import Packed
from resources.datasets.errors import DatasetGone, InvalidItems
from resources.datasets.parse_items import Batch, parse_items
from resources.datasets.schemas import load_schema_and_owner
from resources.datasets.validation import check_items
from resources.models import Dataset

__all__ = ["MAX_FIELDS", "MAX_FIELD_LENGTH", "DatasetGone", "InvalidItems", "push"]

MAX_FIELDS = 2000
MAX_FIELD_LENGTH = 200
MAX_LOOSE_CHUNKS = 32


@dataclass(frozen=True, slots=True)
class _State:
    """What a push needs to know of the dataset, read under its lock."""

    item_count: int
    loose_chunks: int
    loose_weight: int
    fields: list[str]
    fields_are_columns: bool


def push(
    dataset_id: str,
    payload: bytes,
    *,
    before_storing: Callable[[int], None] | None = None,
    is_checked: bool = False,
) -> int:
    """Append the items of `payload`, a JSON object or an array of objects, and return how many they are.

    `before_storing` is called with this number in the transaction that stores them, before the dataset is locked.
    `is_checked` says that `check_by_schema` has been called with them.

    Raises:
        InvalidItems: when the payload is anything else; the message says where. Nothing is stored.
        ItemsBreakSchema: when the dataset has a schema and an item is not valid by it. Nothing is stored.
        SchemaTakesTooMuch: when it takes too long to find out, or too much memory. Nothing is stored.
        Busy: when nothing was free to find out in time. Nothing is stored.
        DatasetGone: when there is no such dataset (any more).
        OSError: ENOSPC when the disk has no space for something new.
    """
    batch = parse_items(payload)
    if not batch.items:
        return 0
    if not is_checked:
        check_by_schema(dataset_id, batch.items)
    packed = chunks.pack(batch.items)  # before the lock: this is most of the work
    with transaction.atomic():
        if before_storing is not None:
            before_storing(len(batch.items))
        state = _lock(dataset_id)
        disk_space.check_database(sum(chunk.stored for chunk in packed))
        _append(dataset_id, state, batch, packed)
    return len(batch.items)


def check_by_schema(dataset_id: str, items: list[bytes]) -> None:
    """Check items, each as a line of JSON, by the schema of a dataset, if it has one; it can take long.

    Raises what `push` does because of a schema.
    """
    found = load_schema_and_owner(dataset_id)
    if found is not None:
        schema, owner_id = found
        give_back_connection()
        check_items(schema, items, owner_id)


def _lock(dataset_id: str) -> _State:
    """Lock the dataset against other writers: by its row on PostgreSQL; on SQLite the transaction has done it."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_STATE[connection.vendor], [dataset_id])
        row = cursor.fetchone()
    if row is None:
        raise DatasetGone(dataset_id)
    item_count, loose_chunks, loose_weight, fields, fields_are_columns = row
    return _State(item_count, loose_chunks, loose_weight, msgspec.json.decode(fields), bool(fields_are_columns))


def _append(dataset_id: str, state: _State, batch: Batch, packed: list[Packed]) -> None:
    first, freed = state.item_count, 0
    loose_chunks, loose_weight = state.loose_chunks, state.loose_weight
    weight = sum(chunk.weight for chunk in packed)
    if loose_chunks and (loose_weight + weight >= chunks.FULL_WEIGHT or loose_chunks >= MAX_LOOSE_CHUNKS):
        first, freed, before = _take_loose(dataset_id, loose_chunks)
        packed = chunks.pack(before + batch.items)
        weight, loose_chunks, loose_weight = loose_weight + weight, 0, 0
    if weight < chunks.FULL_WEIGHT:
        loose_chunks, loose_weight = loose_chunks + len(packed), loose_weight + weight
    _insert(dataset_id, first, packed)
    with connection.cursor() as cursor:
        cursor.execute(
            _UPDATE_COUNTERS,
            [
                len(batch.items),
                batch.clean_count,
                sum(map(len, batch.items)),
                sum(chunk.stored for chunk in packed) - freed,
                loose_chunks,
                loose_weight,
                dataset_id,
            ],
        )
        cursor.execute(
            "UPDATE resources_resource SET modified_at = %s WHERE id = %s",
            [connection.ops.adapt_datetimefield_value(timezone.now()), dataset_id],
        )
    _add_fields(dataset_id, state, batch)


def _take_loose(dataset_id: str, count: int) -> tuple[int, int, list[bytes]]:
    """Remove the small chunks at the end; return where they began, the bytes they took, and their items."""
    with connection.cursor() as cursor:
        cursor.execute(_SELECT_LOOSE, [dataset_id, count])
        rows = cursor.fetchall()[::-1]
        first = rows[0][0]
        cursor.execute(_DELETE_FROM, [dataset_id, first])
    return first, sum(len(ends) + len(data) for _, ends, data in rows), list(chunks.iterate(row[2] for row in rows))


def _insert(dataset_id: str, first: int, packed: list[Packed]) -> None:
    rows = []
    for chunk in packed:
        rows.append((dataset_id, first, first + chunk.count, chunk.ends, chunk.data))
        first += chunk.count
    with connection.cursor() as cursor:
        cursor.executemany(_INSERT, rows)


def _add_fields(dataset_id: str, state: _State, batch: Batch) -> None:
    known = set(state.fields)
    new = [name for name in batch.names if name not in known]
    kept = [name for name in new if len(name) <= MAX_FIELD_LENGTH and "\x00" not in name]
    fields = (state.fields + kept)[:MAX_FIELDS]
    are_columns = state.fields_are_columns and batch.flat and len(fields) == len(state.fields) + len(new)
    if new and fields != state.fields:
        Dataset.objects.filter(pk=dataset_id).update(fields=fields)
    if are_columns != state.fields_are_columns:
        Dataset.objects.filter(pk=dataset_id).update(fields_are_columns=are_columns)


_STATE = (
    "SELECT item_count, loose_chunks, loose_weight, CAST(fields AS text), fields_are_columns "
    "FROM resources_dataset WHERE resource_ptr_id = %s"
)
_SELECT_STATE = {"sqlite": _STATE, "postgresql": _STATE + " FOR UPDATE"}
_INSERT = (
    "INSERT INTO resources_datasetchunk (dataset_id, first_offset, end_offset, ends, data) VALUES (%s, %s, %s, %s, %s)"
)
_UPDATE_COUNTERS = (
    "UPDATE resources_dataset SET item_count = item_count + %s, clean_item_count = clean_item_count + %s, "
    "write_count = write_count + 1, stored_bytes = stored_bytes + %s, compressed_bytes = compressed_bytes + %s, "
    "loose_chunks = %s, loose_weight = %s WHERE resource_ptr_id = %s"
)
_SELECT_LOOSE = (
    "SELECT first_offset, ends, data FROM resources_datasetchunk "
    "WHERE dataset_id = %s ORDER BY end_offset DESC LIMIT %s"
)  # fmt: skip
_DELETE_FROM = "DELETE FROM resources_datasetchunk WHERE dataset_id = %s AND end_offset > %s"
