"""Taking away files that no record names: what a killed process or a storage out of reach has left behind."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import TypeVar

from django.db import connection, transaction

from resources.models import DiscardedFile, Record
from resources.records import discarding, files

_BATCH = 50

Each = TypeVar("Each")


def clean(before: datetime, *, only_look: bool = False) -> Iterator[str]:
    """Delete the files that no record names and that were last written before a moment; yield their names.

    An upload writes its file, then its row. So a young file may still get a row, and is left alone. Should a writer
    have slept for longer than that, either cleaning sees its row, or the writer sees that its file is chosen: choosing
    and looking for rows are done under a lock that lets no row be written in between. What was replaced or deleted
    waits for its own time (`resources/records/discarding.py`) and is left alone here, and so is what was chosen before.
    """
    old = (file.name for file in files.storage().walk() if file.modified_at < before)
    for names in _batches(old):
        yield from _clean(names, only_look)


def _clean(names: list[str], only_look: bool) -> list[str]:
    with transaction.atomic():
        _keep_rows_from_being_written()
        named = set(Record.objects.filter(file__in=names).values_list("file", flat=True))
        named |= set(DiscardedFile.objects.filter(file__in=names).values_list("file", flat=True))
        orphans = [name for name in names if name not in named]
        if not only_look:
            discarding.note_chosen(orphans)
    if not only_look:
        for name in orphans:  # after the transaction: a bucket that hangs would keep all from writing
            files.discard(name)
    return orphans


def _keep_rows_from_being_written() -> None:
    """Wait for those who are writing rows, and keep others from it: on SQLite the transaction has done so."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {Record._meta.db_table} IN SHARE MODE")


def _batches(names: Iterable[Each]) -> Iterator[list[Each]]:
    iterator = iter(names)
    while batch := list(islice(iterator, _BATCH)):
        yield batch
