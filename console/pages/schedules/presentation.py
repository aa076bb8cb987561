"""When a schedule fires and what it starts, in words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim
from django.utils import timezone as clock

from accounts.principal import Principal
from resources.kinds import KINDS, KindInfo
from resources.models import Resource, Run, ScheduleInvocation
from resources.schedules import times
from resources.schedules.actions import Action, RunActor, started_by
from sharing.schedules.schedule_log import readable_lines
from sharing.visibility.names import names_for, placeholder_name

NEXT_TIMES = 5
_STARTED = re.compile(r"(?P<before>Started the run )(?P<run_id>[0-9a-zA-Z]{17})(?P<after> .*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Times:
    """When something fires: a sentence that says it, and the next few times in its own time zone."""

    sentence: str
    timezone: str
    upcoming: list[datetime]


@dataclass(frozen=True, slots=True)
class ActionLine:
    """One thing that a schedule starts; its name is for who may know it, and it has a path for who may open it."""

    id: str
    info: KindInfo
    name: str
    path: str
    has_input: bool
    is_gone: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a schedule's log. The ID of a run in it is apart where the viewer can open that run's page."""

    at: datetime
    level: str
    before: str
    run_id: str = ""
    after: str = ""


def describe_times(expression: str, timezone: str, after: datetime | None = None) -> Times:
    """Return when a cron expression fires.

    Raises:
        InvalidTimes: when it is none, or never comes, or there is no such time zone.
    """
    times.check(expression, timezone)
    zone = ZoneInfo(timezone)
    upcoming = islice(times.times_after(expression, timezone, after or clock.now()), NEXT_TIMES)
    return Times(describe_action(expression), timezone, [each.astimezone(zone) for each in upcoming])


def describe_action(expression: str) -> str:
    """Return what a valid cron expression means: "At 06:00 on the first day of month"."""
    fields = times.SHORTHANDS.get(expression.strip().lower(), expression)
    return str(CronSim(" ".join(fields.split()).upper(), datetime.now(UTC)).explain())


def action_lines(actions: Sequence[Action], principal: Principal) -> list[ActionLine]:
    """Return what is started, for a page, in two statements at most."""
    wanted = [(action, *started_by(action)) for action in actions]
    found = Resource.objects.select_related("owner").in_bulk({id_ for _, _, id_ in wanted})
    names = names_for(found.values(), principal)
    lines = []
    for action, kind, id_ in wanted:
        resource = found.get(id_)
        path = f"/{KINDS[kind].console_path}/{id_}" if names.knows(resource) else ""
        has_input = bool(action.run_input if isinstance(action, RunActor) else action.input)
        lines.append(
            ActionLine(
                action.id, KINDS[kind], names.of(resource) or placeholder_name(kind), path, has_input, resource is None
            )
        )
    return lines


def log_lines(found: Iterable[ScheduleInvocation], principal: Principal) -> list[LogLine]:
    """Return lines of a schedule's log for a page, in four statements at most: its runs are its owner's."""
    said = readable_lines(found, principal)
    read = [(each, _STARTED.fullmatch(each.message)) for each in said]
    ids = [match["run_id"] for _, match in read if match]
    mine = set(Run.objects.filter(pk__in=ids, owner_id=principal.account_id).values_list("pk", flat=True))
    return [
        LogLine(each.at, each.level, **match.groupdict())
        if match and match["run_id"] in mine
        else LogLine(each.at, each.level, each.message)
        for each, match in read
    ]
