"""Looking at many jobs at once: which have finished, and where their logs end."""

from collections.abc import Collection
from typing import Any, NamedTuple

from django.db.models import Max, OuterRef, Subquery

from resources.jobs.status import FINISHED
from resources.models import Build, LogPiece, Run

# Both databases take more parameters, but no statement should take long.
_AT_ONCE = 500


class JobState(NamedTuple):
    """Whether a job has finished, and where the last piece of its log begins; -1 where there is none."""

    has_finished: bool
    last_piece: int


def look_at(job_ids: Collection[str]) -> dict[str, JobState]:
    """Return the state of each of these builds and runs, by one statement for hundreds; deleted ones are left out."""
    ids = sorted(set(job_ids))
    found: dict[str, JobState] = {}
    for first in range(0, len(ids), _AT_ONCE):
        some = ids[first : first + _AT_ONCE]
        for job_id, status, last_piece in _states(Run, some).union(_states(Build, some), all=True):
            found[job_id] = JobState(status in FINISHED, -1 if last_piece is None else last_piece)
    return found


def _states(model: type[Run] | type[Build], ids: Collection[str]) -> Any:
    """Return the query for rows of an ID, a status and the place of a log's last piece."""
    pieces = LogPiece.objects.filter(job_id=OuterRef("pk")).order_by()
    last = pieces.values("job_id").annotate(last=Max("start")).values("last")
    return model.objects.filter(pk__in=ids).values_list("pk", "status", Subquery(last))
