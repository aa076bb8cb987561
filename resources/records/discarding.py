"""Files of records that were replaced or deleted. They wait some hours before they are deleted.

A backup copies the database first and the files after it, while records are written. So a file that the copy of the
database names must still be there when its turn comes. The rows that keep the files waiting are written in the
transaction that takes the names away, so a crash loses none of them.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models.signals import pre_delete
from django.dispatch import receiver

from accounts.lib import database_clock
from accounts.lib.sql import Statement, moment_parameter
from resources.models import DiscardedFile, KeyValueStore
from resources.records import files

_BATCH = 200
# By hand, as in `resources/records/rows.py`.
_DISCARD = "INSERT INTO resources_discardedfile (file, at) VALUES (%s, %s)"
_DISCARD_STORE = (
    "INSERT INTO resources_discardedfile (file, at) SELECT file, %s FROM resources_record WHERE store_id = %s"
)
_IS_DISCARDED = Statement("SELECT 1 FROM resources_discardedfile WHERE file = %s")
# How long it is noted at least that a file was chosen to be cleaned away, also where RECORDS_WAIT_HOURS is next to 0.
NOTED_SECONDS = 600.0


def discard(file: str) -> None:
    """Let a file wait that no row names any more; call it in the transaction that took the name away."""
    with connection.cursor() as cursor:
        cursor.execute(_DISCARD, [file, moment_parameter(database_clock.now())])


def is_discarded(file: str) -> bool:
    """Tell whether a file waits to be deleted, or was chosen to be (`note_chosen`)."""
    return _IS_DISCARDED.row([file]) is not None


def note_chosen(names: list[str]) -> None:
    """Note that files are about to be deleted that no row names, so that a writer that wakes up late names none."""
    until = database_clock.now() + timedelta(seconds=NOTED_SECONDS)
    DiscardedFile.objects.bulk_create([DiscardedFile(file=name, at=until) for name in names], ignore_conflicts=True)


def delete_at_once(file: str) -> bool:
    """Delete a file that was discarded, and return whether it is gone; where not, it is deleted when it has waited.

    Call it after the transaction. A backup that is being made at the same time may miss the file, and says so.
    """
    gone = files.discard(file)
    if gone:
        DiscardedFile.objects.filter(file=file).delete()
    return gone


@receiver(pre_delete, sender=KeyValueStore)
def discard_store(instance: KeyValueStore, **_: Any) -> None:
    """Let all files of a store that is deleted wait, in the transaction of the deletion.

    The row is locked before its records are deleted, so that no write adds another one in between. The rows go in one
    statement, the files when they have waited.
    """
    KeyValueStore.objects.select_for_update(of=("self",)).filter(pk=instance.pk).values_list("pk").first()
    with connection.cursor() as cursor:
        cursor.execute(_DISCARD_STORE, [moment_parameter(database_clock.now()), instance.pk])


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
    return sum(1 for _ in delete_waited(end_of_wait(database_clock.now())))


def delete_when_short() -> int:
    """Delete all files that wait, where there is no space for new ones; return how many. A chore of the workers.

    A backup that is being made at the same time may miss some, and says so.
    """
    return sum(1 for _ in delete_waited(database_clock.now())) if files.storage().is_short() else 0
