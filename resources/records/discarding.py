"""Files of records that were replaced or deleted. They wait some hours before they are deleted.

A backup copies the database first and the files after it, while records are written. So a file that the copy of the
database names must still be there when its turn comes. The rows that keep the files waiting are written in the
transaction that takes the names away, so a crash loses none of them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from resources.models import DiscardedFile, Record
from resources.records import files

_BATCH = 200


def discard(file: str) -> None:
    """Let a file wait that no row names any more; call it in the transaction that took the name away."""
    DiscardedFile.objects.create(file=file, at=timezone.now())


def delete_at_once(file: str) -> bool:
    """Delete a file that was discarded, and return whether it is gone; where not, it is deleted when it has waited.

    Call it after the transaction. A backup that is being made at the same time may miss the file, and says so.
    """
    gone = files.discard(file)
    if gone:
        DiscardedFile.objects.filter(file=file).delete()
    return gone


def discard_store(store_id: str) -> None:
    """Let all files of a store wait; call it in the transaction that deletes the store, before its records go."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {DiscardedFile._meta.db_table} (file, at) "  # noqa: S608  # names of our own tables
            f"SELECT file, %s FROM {Record._meta.db_table} WHERE store_id = %s",
            [connection.ops.adapt_datetimefield_value(timezone.now()), store_id],
        )


def end_of_wait(now: datetime) -> datetime:
    """Return the moment up to which discarded files have waited long enough at `now` (RECORDS_WAIT_HOURS)."""
    return now - timedelta(hours=settings.RECORDS_WAIT_HOURS)


def delete_waited(before: datetime, *, only_look: bool = False) -> Iterator[str]:
    """Delete the files that were discarded before a moment, and yield their names; one that cannot be deleted stays."""
    after = ""
    while True:
        due = DiscardedFile.objects.filter(at__lt=before, file__gt=after).order_by("file")
        names = list(due.values_list("file", flat=True)[:_BATCH])
        if not names:
            return
        gone = names if only_look else [name for name in names if files.discard(name)]
        if not only_look:
            with transaction.atomic():
                DiscardedFile.objects.filter(file__in=gone).delete()
        yield from gone
        after = names[-1]


def delete_due() -> int:
    """Delete the files that have waited long enough, and return how many there were; a chore of the workers."""
    return sum(1 for _ in delete_waited(end_of_wait(timezone.now())))
