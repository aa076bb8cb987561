"""The lines of a schedule's log, with the names in them that the reader may know.

A line keeps which Actor or task it is about, and not what that is called: to read a schedule is not to read what it
starts, and a name goes with the access to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Resource, ScheduleInvocation
from sharing.visibility.names import names_for

# What stands in a message for the Actor or task that the line is about. Only the first one does: what follows may be
# the words of an Actor.
TARGET = "{target}"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a schedule's log, as one reader reads it."""

    at: datetime
    level: str
    message: str


def readable_lines(found: Iterable[ScheduleInvocation], principal: Principal) -> list[LogLine]:
    """Return lines as `principal` may read them, in two statements at most."""
    lines = list(found)
    ids = {each.target_id for each in lines if each.target_id}
    targets = Resource.objects.filter(kind__in=(Kind.ACTOR, Kind.TASK)).select_related("owner").in_bulk(ids)
    names = names_for(targets.values(), principal)

    def message(line: ScheduleInvocation) -> str:
        if not line.target_kind:
            return line.message
        called = names.with_kind(Kind(line.target_kind), targets.get(line.target_id or ""))
        said = line.message.replace(TARGET, called, 1)
        return said[:1].upper() + said[1:]

    return [LogLine(each.at, each.level, message(each)) for each in lines]
