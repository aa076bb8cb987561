"""Which job is next: accounts take turns, and of each account the job that was asked for first.

The queue is the jobs that are READY, in an index by their owners. An owner that has been served is followed by the next
one that has a job waiting, in the order of their IDs and round again, so that each waits for one job of every other
account at most, however many the others have asked for.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

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
    started_by_run: str | None = None


class Turns:
    """Whose turn it is, as one worker sees it."""

    def __init__(self) -> None:
        self._served = ""

    def find_next(self, without: Collection[str] = ()) -> WaitingJob | None:
        """Return the job that is next, None where none waits; `without` names accounts that have no turn."""
        following = [_first(model, asked, after=self._served, without=without) for model, asked in _MODELS]
        waiting = list(filter(None, following)) or [
            each for model, asked in _MODELS if (each := _first(model, asked, without=without)) is not None
        ]
        return min(waiting, key=_place, default=None)

    def find_child(self, parents: Collection[str]) -> WaitingJob | None:
        """Return a run that waits and that one of these runs has started, the oldest of the account that is next."""
        if not parents:
            return None
        columns = ("pk", "list_owner", "list_at", "started_by_run")
        waiting = _find_children(parents).order_by("list_owner", "list_at", "pk").values_list(*columns)
        found = waiting.filter(list_owner__gt=self._served).first() or waiting.first()
        return WaitingJob(Run, *found) if found else None

    def comes_first(self, job: WaitingJob, other: WaitingJob) -> bool:
        """Tell whether the turn of one job's account comes before that of another one's."""
        return self._order(job.owner_id) < self._order(other.owner_id)

    def serve(self, owner_id: str) -> None:
        """Note that an account has had its turn."""
        self._served = owner_id

    def _order(self, owner_id: str) -> tuple[bool, str]:
        return owner_id <= self._served, owner_id


def _place(job: WaitingJob) -> tuple[str, float]:
    return job.owner_id, job.asked_at.timestamp() if job.asked_at else 0.0


def find_newest_child(parents: Collection[str]) -> str | None:
    """Return the ID of the newest run that waits for a place and that one of these runs has started.

    None where not each of these runs has started one that waits for a place.
    """
    waiting = _find_children(parents)
    if waiting.order_by().values("started_by_run").distinct().count() < len(parents):
        return None
    return waiting.order_by("-list_at", "-pk").values_list("pk", flat=True).first()


def _find_children(parents: Collection[str]) -> QuerySet[Run]:
    return Run.objects.filter(has_status(Run, {JobStatus.READY}), started_by_run__in=list(parents))


def _first(model: Any, asked: str, *, after: str | None = None, without: Collection[str] = ()) -> WaitingJob | None:
    waiting = model.objects.filter(has_status(model, {JobStatus.READY}))
    if after is not None:
        waiting = waiting.filter(list_owner__gt=after)
    if without:
        waiting = waiting.exclude(list_owner__in=list(without))
    columns = ("pk", "list_owner", asked, *(("started_by_run",) if model is Run else ()))
    found = waiting.order_by("list_owner", asked, "pk").values_list(*columns).first()
    return WaitingJob(model, *found) if found else None
