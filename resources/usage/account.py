"""What an account has and has used: counted, never estimated, and never in money."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db.models import DurationField, ExpressionWrapper, F, Sum
from django.db.models.functions import TruncDate

from resources.jobs.status import FINISHED, JobStatus
from resources.kinds import Kind
from resources.models import Resource, Run

_UNFINISHED = sorted(frozenset(JobStatus) - FINISHED)
_MBYTES, _SECONDS = 1024, 3600


@dataclass(frozen=True, slots=True)
class Month:
    """A calendar month in UTC, from `start` up to but not including `end`."""

    start: datetime
    end: datetime

    @classmethod
    def of(cls, day: date) -> "Month":
        """Return the month that a day is in."""
        start = datetime(day.year, day.month, 1, tzinfo=UTC)
        following = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
        return cls(start, datetime(*following, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much there is of an account right now; memory is what its unfinished runs have been given."""

    actors: int
    tasks: int
    schedules: int
    active_runs: int
    memory_mbytes: int


def count_holdings(account_id: str) -> Holdings:
    """Count what an account owns and what it has at work."""
    own = Resource.objects.filter(owner_id=account_id)
    active = Run.objects.filter(status__in=_UNFINISHED, owner_id=account_id).values_list("memory_mbytes", flat=True)
    memory = list(active)
    return Holdings(
        actors=own.filter(kind=Kind.ACTOR).count(),
        tasks=own.filter(kind=Kind.TASK).count(),
        schedules=own.filter(kind=Kind.SCHEDULE).count(),
        active_runs=len(memory),
        memory_mbytes=sum(memory),
    )


def compute_units_by_day(account_id: str, month: Month) -> dict[date, float]:
    """Return the compute units (gigabytes of memory times hours) that an account's runs have used, by day.

    A run counts on the day, in UTC, on which it was made, and once it has ended.
    """
    lasted = ExpressionWrapper(F("finished_at") - F("started_at"), output_field=DurationField())
    runs = Run.objects.filter(
        owner_id=account_id,
        kind=Kind.RUN,
        created_at__gte=month.start,
        created_at__lt=month.end,
        started_at__isnull=False,
        finished_at__isnull=False,
    )
    rows = (
        runs.values(day=TruncDate("created_at"), memory=F("memory_mbytes"))
        .annotate(seconds=Sum(lasted), before=Sum("before_millis"))
        .order_by("day")
    )
    units: defaultdict[date, float] = defaultdict(float)
    for row in rows:
        seconds = row["seconds"].total_seconds() + (row["before"] or 0) / 1000
        units[row["day"]] += row["memory"] / _MBYTES * seconds / _SECONDS
    return dict(units)
