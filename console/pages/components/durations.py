"""How long something took, in words, and when a job began and ended."""

from datetime import timedelta

from django.utils import timezone

from resources.jobs.status import Job, JobStatus

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def time_taken(job: Job) -> timedelta | None:
    """Return how long a job took, or has taken until now; None before it has begun.

    What came before it was resurrected counts too.
    """
    if job.started_at is None or job.status == JobStatus.READY:
        return None
    now = max(timedelta(0), (job.finished_at or timezone.now()) - job.started_at)
    return now + timedelta(milliseconds=getattr(job, "before_millis", 0))


def in_words(taken: timedelta) -> str:
    """Return a length of time with its two largest units: "0.4 s", "12 s", "3 min 4 s", "2 h 5 min", "1 d 3 h"."""
    seconds = taken.total_seconds()
    if seconds < 10:  # below this, a tenth matters
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    if whole < _HOUR:
        return _two(whole, _MINUTE, "min", 1, "s")
    if whole < _DAY:
        return _two(whole, _HOUR, "h", _MINUTE, "min")
    return _two(whole, _DAY, "d", _HOUR, "h")


def _two(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large} {large_unit}" + (f" {rest} {small_unit}" if rest else "")
