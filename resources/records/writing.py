"""Writing and deleting records: each is done or not done, whatever happens in between.

The bytes go first, under a name of their own, and are safe before any row names them. Then the row, the counters and
the check of what the writer expected to find happen in one transaction, in which no bucket is asked: one that hangs
must not hold a lock and a connection to the database. The bytes that no row names any more wait for some hours before
they are deleted (`resources/records/discarding.py`).
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from resources.models import Record
from resources.records import discarding, files, rows
from resources.records.incoming import Incoming, TooLarge
from resources.records.keys import RULES, InvalidKey, can_be_stored, check_key

__all__ = ["FileGone", "InvalidKey", "StoreGone", "TooLarge", "Upload", "delete", "upload", "write"]

log = logging.getLogger(__name__)

# The clock that goes on while the machine sleeps, where there is one.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)

Expectation = Callable[[Record | None], None]
"""Looks at the record that is there, under the lock, and raises to leave everything as it is."""


class StoreGone(LookupError):
    """The store does not exist, or was deleted in the meantime."""


class FileGone(RuntimeError):
    """The bytes were taken away before the row named them: the writer had stopped for longer than cleaning waits."""


def write(
    store_id: str,
    key: str,
    pieces: Iterable[bytes],
    *,
    content_type: str,
    content_encoding: str = "",
    expect: Expectation | None = None,
) -> Record:
    """Store `pieces` under `key` in place of what is there, and return the record. It is there after `kill -9`.

    Whatever `pieces` or `expect` raise is passed on, and then nothing has changed.

    Raises:
        InvalidKey: when no record of this store can have this key.
        TooLarge: when there are more bytes than API_MAX_RECORD_BYTES.
        StoreGone: when there is no such store (any more).
    """
    check_key(key, store_id)
    with (
        upload(store_id, pieces, content_type=content_type, content_encoding=content_encoding) as new,
        transaction.atomic(),
    ):
        return new.put_in_place(key, expect)


class Upload:
    """The bytes of a record, which are safe, and which no row names yet."""

    def __init__(self, record: Record, began_at: float) -> None:
        self._record = record
        self._began_at = began_at
        self.is_in_place = False

    def put_in_place(self, key: str, expect: Expectation | None = None) -> Record:
        """Store the record under `key` in place of what is there, in the caller's transaction, and return it.

        Raises:
            StoreGone: when there is no such store (any more).
        """
        self._record.key = key
        _put_in_place(self._record, expect, time_taken=_clock() - self._began_at)
        self.is_in_place = True
        return self._record


@contextmanager
def upload(
    store_id: str, pieces: Iterable[bytes], *, content_type: str, content_encoding: str = ""
) -> Iterator[Upload]:
    """Give the bytes of a record, to be put in place in a transaction; they are taken away where they are not.

    Raises:
        TooLarge: when there are more bytes than API_MAX_RECORD_BYTES.
    """
    began_at = _clock()
    incoming = Incoming(pieces, settings.API_MAX_RECORD_BYTES)
    file = files.storage().save(files.new_name(store_id), incoming)
    record = Record(
        store_id=store_id,
        content_type=content_type,
        content_encoding=content_encoding,
        size=incoming.bytes_read,
        digest=incoming.digest(content_type, content_encoding),
        file=file,
    )
    new = Upload(record, began_at)
    try:
        yield new
    finally:
        # Only here, never for an error of the commit itself, after which the row may well be there.
        if not new.is_in_place:
            files.discard(file)


def delete(store_id: str, key: str, *, expect: Expectation | None = None) -> bool:
    """Delete a record and return whether there was one. Whatever `expect` raises is passed on.

    A record that is there can be deleted although a new one could not have its key.

    Raises:
        InvalidKey: when there is no record with this key, and none of this store can have it.
        StoreGone: when there is no such store (any more).
    """
    if not can_be_stored(key):
        raise InvalidKey(RULES)
    with transaction.atomic():
        if not rows.lock(store_id):
            raise StoreGone(store_id)
        old = rows.find(store_id, key)
        if expect is not None:
            expect(old)
        if old is None:
            check_key(key, store_id)
            return False
        rows.delete(old, timezone.now())
    if files.storage().is_short():  # else its space would be there only when it has waited
        discarding.delete_at_once(old.file)
    return True


def _put_in_place(record: Record, expect: Expectation | None, *, time_taken: float) -> None:
    if not rows.lock(record.store_id):
        raise StoreGone(record.store_id)
    old = rows.find(record.store_id, record.key)
    if expect is not None:
        expect(old)
    record.modified_at = timezone.now()
    rows.put(record, old)
    # Cleaning chooses files under a lock that keeps rows from being written. Past this point it sees ours; and what it
    # chose before is noted for longer than a writer takes that the storage itself need not be asked for.
    is_chosen = discarding.is_discarded(record.file)
    if is_chosen or (time_taken > discarding.NOTED_SECONDS / 2 and not files.storage().exists(record.file)):
        raise FileGone(record.file)


def _clock() -> float:
    return time.clock_gettime(_CLOCK)
