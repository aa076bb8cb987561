"""The pieces of logs: each begins where the one before it ends."""

from collections.abc import Iterator

from resources.models import LogPiece


def problems() -> Iterator[str]:
    """Yield logs with a gap, or with a piece that begins within another one."""
    job, end = "", 0
    pieces = LogPiece.objects.order_by("job_id", "start").values_list("job_id", "start", "data")
    for job_id, start, data in pieces.iterator(chunk_size=200):
        if job_id != job:
            job, end = job_id, 0
        if start != end:
            yield f"Log of {job_id}: a piece begins at byte {start:,}, and the one before it ends at byte {end:,}."
        end = start + len(data)
