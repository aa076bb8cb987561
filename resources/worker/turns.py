"""Which job is next: accounts take turns, and of each account the job that was asked for first.

The queue is the jobs that are READY, in an index by their owners. An owner that has been served is followed by the next
one that has a job waiting, in the order of their IDs and round again, so that each waits for one job of every other
account at most, however many the others have asked for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from resources.jobs.conditions import has_status
from resources.jobs.status import JobStatus
from resources.models import Build, Run

# Each with the column of when a job was asked for.
_MODELS: Final[tuple[tuple[Any, str], ...]] = ((Run, "list_at"), (Build, "started_at"))


@dataclass(frozen=True, slots=True)
class WaitingJob:
    """A run or build that is READY."""

    model: type[Run] | type[Build]
    job_id: str
    owner_id: str
    asked_at: datetime | None


class Turns:
    """Whose turn it is, as one worker sees it."""

    def __init__(self) -> None:
        self._served = ""

    def find_next(self) -> WaitingJob | None:
        """Return the job that is next, None where none waits."""
        following = [_first(model, asked, after=self._served) for model, asked in _MODELS]
        waiting = list(filter(None, following)) or list(filter(None, (_first(*each) for each in _MODELS)))
        return min(waiting, key=_place, default=None)

    def serve(self, owner_id: str) -> None:
        """Note that an account has had its turn."""
        self._served = owner_id


def _place(job: WaitingJob) -> tuple[str, float]:
    return job.owner_id, job.asked_at.timestamp() if job.asked_at else 0.0


def find_child(parents: Collection[str]) -> tuple[WaitingJob, str] | None:
    """Return a run that waits and that one of these runs has started, the oldest, with the ID of that one."""
    if not parents:
        return None
    waiting = Run.objects.filter(has_status(Run, {JobStatus.READY}), started_by_run__in=list(parents))
    found = waiting.order_by("list_at", "pk").values_list("pk", "list_owner", "list_at", "started_by_run").first()
    return (WaitingJob(Run, *found[:3]), found[3] or "") if found else None


def _first(model: Any, asked: str, *, after: str | None = None) -> WaitingJob | None:
    waiting = model.objects.filter(has_status(model, {JobStatus.READY}))
    if after is not None:
        waiting = waiting.filter(list_owner__gt=after)
    found = waiting.order_by("list_owner", asked, "pk").values_list("pk", "list_owner", asked).first()
    return WaitingJob(model, *found) if found else None
