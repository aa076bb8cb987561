"""Reading the log of a build or run, whole or from where one has got to."""

from collections.abc import Iterator

from django.db.models import Max
from django.db.models.functions import Length

from resources.models import LogPiece

_PIECES_AT_A_TIME = 32


def read(job_id: str, start: int = 0) -> Iterator[bytes]:
    """Yield what the log holds from byte `start` on, one piece after the other; all that is there now, and no more."""
    at = _start_of_piece(job_id, start)
    pieces = LogPiece.objects.filter(job_id=job_id, start__gte=at).order_by("start")
    for piece_start, data in pieces.values_list("start", "data").iterator(chunk_size=64):
        piece = bytes(data)[max(0, start - piece_start) :]
        if piece:
            yield piece


def lines_of_ours(job_id: str) -> Iterator[bytes]:
    """Yield the lines that the server itself has written, without their ends, and none that an Actor has printed."""
    pieces = LogPiece.objects.filter(job_id=job_id, is_ours=True).order_by("start")
    for data in pieces.values_list("data", flat=True).iterator(chunk_size=64):
        yield from bytes(data).splitlines()


def read_some(job_id: str, start: int, limit: int) -> bytes:
    """Return at most `limit` bytes of what the log holds from byte `start` on, and none at its end.

    No cursor stays open, so that one can take one's time between two calls.
    """
    pieces = LogPiece.objects.filter(job_id=job_id).order_by("start").values_list("start", "data")
    found = bytearray()
    at, pieces_read = _start_of_piece(job_id, start), _PIECES_AT_A_TIME
    while len(found) < limit and pieces_read == _PIECES_AT_A_TIME:
        pieces_read = 0
        for piece_start, data in pieces.filter(start__gte=at)[:_PIECES_AT_A_TIME]:
            found += bytes(data)[max(0, start - piece_start) :]
            at, pieces_read = piece_start + 1, pieces_read + 1
    return bytes(found[:limit])


def log_length(job_id: str) -> int:
    """Return how many bytes the log has now."""
    last = LogPiece.objects.filter(job_id=job_id).order_by("-start").values_list("start", Length("data")).first()
    return sum(last) if last else 0


def read_text(job_id: str, start: int = 0, limit: int | None = None) -> str:
    """Return the log as text, its last `limit` bytes where that is given, from a line's beginning."""
    data = b"".join(read(job_id, start))
    if limit is not None and len(data) > limit:
        data = data[-limit:].partition(b"\n")[2]
    return data.decode(errors="replace")


def _start_of_piece(job_id: str, start: int) -> int:
    """Return where the piece begins that holds byte `start`."""
    found = LogPiece.objects.filter(job_id=job_id, start__lte=start).aggregate(at=Max("start"))["at"]
    return int(found or 0)
