"""The list of schedules: one's own and those shared with one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.principal import Principal
from accounts.request_types import PageRequest
from console.pages.components.listing import get_listing, render_list
from console.pages.components.shared_rows import how_shared
from console.pages.components.tables import Row, build_rows
from console.pages.schedules.presentation import describe_action
from resources.kinds import Kind
from resources.models import Schedule
from resources.schedules.actions import get_actions
from sharing.declare import lists
from sharing.lists import Listed


@dataclass(frozen=True, slots=True)
class ScheduleRow(Row):
    """A schedule in the list: when it fires in words, how many things it starts, and how it is shared."""

    schedule: Schedule
    sentence: str
    action_count: int
    how: str


@lists(Kind.SCHEDULE)
@require_safe
def list_schedules(request: PageRequest) -> HttpResponse:
    """Show a page of the schedules that one may see, newest first."""
    listing = get_listing(request, Kind.SCHEDULE)
    return render_list(request, "schedules", {**listing.context, "rows": _rows(listing.found, request.principal)})


def _rows(found: Sequence[Listed], principal: Principal) -> list[ScheduleRow]:
    schedules = Schedule.objects.select_related("owner").in_bulk([each.id for each in found])
    there = [schedules[each.id] for each in found if each.id in schedules]
    how = how_shared([each for each in found if each.owner_id != principal.account_id], principal.account_id or "")
    return [
        ScheduleRow(
            row.resource,
            row.badge,
            row.is_mine,
            row.can_write,
            row.can_share,
            schedule=schedule,
            sentence=describe_action(schedule.cron_expression),
            action_count=len(get_actions(schedule)),
            how=how.get(schedule.pk, ""),
        )
        for row, schedule in zip(build_rows(there, principal), there, strict=True)
    ]
