"""The rows of records, by statements written as SQL by hand: one runs in less time than the ORM takes to make it.

Each caller of what changes something has locked the store, in a transaction.
"""

from datetime import datetime

from django.db import connection

from accounts.lib.sql import Statement, moment_parameter
from accounts.lib.timestamps import aware
from resources.models import Record
from resources.records import discarding

_FIELDS = [field.attname for field in Record._meta.concrete_fields]
_MOMENTS = [_FIELDS.index(name) for name in ("created_at", "modified_at")]


def lock(store_id: str) -> bool:
    """Lock a store against other writers and its deletion, by its row, or on SQLite by the transaction.

    Return whether it is there.
    """
    return _LOCK.row([store_id]) is not None


def find(store_id: str, key: str) -> Record | None:
    """Return the record under a key, or None."""
    row = _FIND.row([store_id, key])
    if row is None:
        return None
    values = list(row)
    for at in _MOMENTS:
        values[at] = aware(values[at])
    return Record.from_db("default", _FIELDS, values)


def put(record: Record, old: Record | None) -> None:
    """Store a record in place of `old`, which has its key; its ID and its birthday are set. Counters move with it."""
    at = moment_parameter(record.modified_at)
    columns = [record.content_type, record.content_encoding, record.size, record.digest, record.file, at]
    with connection.cursor() as cursor:
        if old is None:
            record.created_at = record.modified_at
            cursor.execute(_INSERT, [*columns, at, record.store_id, record.key])
            (record.pk,) = cursor.fetchone()
            cursor.execute(_COUNT_WRITE, [1, record.size, record.store_id])
        else:
            record.pk, record.created_at = old.pk, old.created_at
            cursor.execute(_REPLACE, [*columns, record.pk])
            cursor.execute(_COUNT_WRITE, [0, record.size - old.size, record.store_id])
        cursor.execute(_TOUCH, [at, record.store_id])
    if old is not None:
        discarding.discard(old.file)


def delete(record: Record, at: datetime) -> None:
    """Delete a record; counters move with it, and its file waits."""
    with connection.cursor() as cursor:
        cursor.execute(_DELETE, [record.pk])
        cursor.execute(_COUNT_DELETE, [record.size, record.store_id])
        cursor.execute(_TOUCH, [moment_parameter(at), record.store_id])
    discarding.discard(record.file)


_SELECT_STORE = "SELECT 1 FROM resources_keyvaluestore WHERE resource_ptr_id = %s"
_LOCK = Statement(_SELECT_STORE + (" FOR UPDATE" if connection.vendor == "postgresql" else ""))
_FIND = Statement(
    f"SELECT {', '.join(_FIELDS)} FROM resources_record WHERE store_id = %s AND key = %s"  # noqa: S608  # our own columns
)
_INSERT = (
    "INSERT INTO resources_record "
    "(content_type, content_encoding, size, digest, file, modified_at, created_at, store_id, key) "
    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s) RETURNING id"
)
_REPLACE = (
    "UPDATE resources_record SET content_type = %s, content_encoding = %s, size = %s, digest = %s, file = %s, "
    "modified_at = %s WHERE id = %s"
)
_COUNT_WRITE = (
    "UPDATE resources_keyvaluestore SET write_count = write_count + 1, record_count = record_count + %s, "
    "stored_bytes = stored_bytes + %s WHERE resource_ptr_id = %s"
)
_DELETE = "DELETE FROM resources_record WHERE id = %s"
_COUNT_DELETE = (
    "UPDATE resources_keyvaluestore SET delete_count = delete_count + 1, record_count = record_count - 1, "
    "stored_bytes = stored_bytes - %s WHERE resource_ptr_id = %s"
)
_TOUCH = "UPDATE resources_resource SET modified_at = %s WHERE id = %s"
