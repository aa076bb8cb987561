"""Finding records and opening their bytes."""

from collections.abc import Iterator
from typing import IO

from django.db.models import QuerySet

from resources.models import Record
from resources.records import files, rows
from resources.records.keys import KeyFilter, can_be_stored

_PAGE = 500
_ATTEMPTS = 5
_EVERYTHING = KeyFilter()


def find(store_id: str, key: str) -> Record | None:
    """Return the record under `key`, or None; for a key that no record can have as well."""
    if not can_be_stored(key):
        return None
    return rows.find(store_id, key)


def open_record(record: Record, start: int = 0, length: int | None = None) -> IO[bytes]:
    """Return a stream of the record's bytes as they are stored, from `start` on; it may go on after `length`.

    Raises:
        FileNotFoundError: when the record was replaced or deleted in the meantime. See `open_current`.
    """
    return files.storage().open_part(record.file, start, length)


def open_current(record: Record) -> tuple[Record, IO[bytes]] | None:
    """Return the record with its bytes, or what has replaced it in the meantime; None when it has been deleted.

    Raises:
        FileNotFoundError: when the bytes of a record are missing although it is there.
    """
    found: Record | None = record
    for _ in range(_ATTEMPTS):
        if found is None:
            return None
        try:
            return found, open_record(found)
        except FileNotFoundError:
            before, found = found.file, find(record.store_id, record.key)
            if found is not None and found.file == before:
                raise
    raise FileNotFoundError(record.key)


def list_records(store_id: str, wanted: KeyFilter, after: str, limit: int) -> tuple[list[Record], bool]:
    """Return at most `limit` records in the order of their keys, after the key `after`, and whether there are more."""
    if wanted.matches_nothing:
        return [], False
    found = list(_query(store_id, wanted, after)[: limit + 1])
    return found[:limit], len(found) > limit


def every_record(store_id: str, wanted: KeyFilter = _EVERYTHING) -> Iterator[Record]:
    """Yield the records in the order of their keys, a page at a time, so that no database cursor stays open."""
    after, has_more = "", True
    while has_more:
        page, has_more = list_records(store_id, wanted, after, _PAGE)
        yield from page
        after = page[-1].key if page else after


def _query(store_id: str, wanted: KeyFilter, after: str) -> "QuerySet[Record]":
    query = Record.objects.filter(store_id=store_id).order_by("key")
    if after:
        query = query.filter(key__gt=after)
    for prefix in filter(None, wanted.prefixes):
        query = query.filter(key__gte=prefix, key__lt=prefix[:-1] + chr(ord(prefix[-1]) + 1))
    if wanted.exact is not None:
        query = query.filter(key=wanted.exact)
    return query
