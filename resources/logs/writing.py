"""Adding to the log of a build or run, from a worker and from the web at once."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.lib import disk_space
from accounts.lib.timestamps import iso
from resources.logs.reading import log_length
from resources.logs.utf8 import as_utf8
from resources.models import LogPiece, Resource

# What is printed in a loop is cut off, and the log says so. Notes of our own still get in.
MAX_LOG_BYTES = 16 * 1024 * 1024
CUT_OFF = b"The log has become too large; what comes after this is left out.\n"
DISK_IS_FULL = "ACTOR: The server's disk is full; what is printed is left out until there is space again."


def append(job_id: str, data: bytes) -> None:
    """Add whole lines, each with its line end, to what is there; nothing where the job has been deleted.

    What is no UTF-8 becomes U+FFFD. A log that has become larger than MAX_LOG_BYTES says so once, and takes no more of
    this, and one on a full disk says that, and takes no more until there is space.
    """
    data = as_utf8(data)
    with transaction.atomic():
        end = _locked_end(job_id)
        if end is None or not data or end > MAX_LOG_BYTES:
            return
        if not disk_space.has_room_in_database(len(data)):
            _say_that_the_disk_is_full(job_id, end)
            return
        if end + len(data) > MAX_LOG_BYTES:
            room = data[: MAX_LOG_BYTES - end]
            data = room[: room.rfind(b"\n") + 1].ljust(MAX_LOG_BYTES - end, b"\n") + CUT_OFF
        LogPiece.objects.create(job_id=job_id, start=end, data=data)


def append_line(job_id: str, text: str, at: datetime | None = None) -> None:
    """Add one line of our own, with its time, however large the log has become. Nothing else is marked as ours."""
    with transaction.atomic():
        end = _locked_end(job_id)
        if end is not None:
            _add_line(job_id, end, text, at)


def _say_that_the_disk_is_full(job_id: str, end: int) -> None:
    last = LogPiece.objects.filter(job_id=job_id).order_by("-start").values_list("data", "is_ours").first()
    if last is None or not last[1] or not bytes(last[0]).endswith(f" {DISK_IS_FULL}\n".encode()):
        _add_line(job_id, end, DISK_IS_FULL)


def _add_line(job_id: str, end: int, text: str, at: datetime | None = None) -> None:
    line = f"{iso(at or timezone.now())} {' '.join(text.splitlines())}\n".encode(errors="replace")
    LogPiece.objects.create(job_id=job_id, start=end, data=line, is_ours=True)


def _locked_end(job_id: str) -> int | None:
    """Return how long a log is and keep other writers out until the transaction is over; None where the job is gone."""
    if not Resource.objects.select_for_update(no_key=True).filter(pk=job_id).values_list("pk").first():
        return None
    return log_length(job_id)
