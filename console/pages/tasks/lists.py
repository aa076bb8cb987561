"""The list of tasks: one's own and those shared with one."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.principal import Principal
from accounts.request_types import PageRequest
from console.pages.components.listing import get_listing, render_list
from console.pages.components.shared_rows import how_shared
from console.pages.components.tables import Row, build_rows
from resources.kinds import Kind
from resources.models import Task
from sharing.declare import lists
from sharing.lists import Listed
from sharing.visibility.names import names_for


@dataclass(frozen=True, slots=True)
class TaskRow(Row):
    """A task in the list, with its Actor's name where the viewer may know it, and how it is shared."""

    task: Task
    actor: str
    how: str


@lists(Kind.TASK)
@require_safe
def list_tasks(request: PageRequest) -> HttpResponse:
    """Show a page of the tasks that one may see, newest first."""
    listing = get_listing(request, Kind.TASK)
    return render_list(request, "tasks", {**listing.context, "rows": _rows(listing.found, request.principal)})


def _rows(found: Sequence[Listed], principal: Principal) -> list[TaskRow]:
    tasks = Task.objects.select_related("owner", "actor__owner").in_bulk([each.id for each in found])
    there = [tasks[each.id] for each in found if each.id in tasks]
    names = names_for((task.actor for task in there if task.actor), principal)
    how = how_shared([each for each in found if each.owner_id != principal.account_id], principal.account_id or "")
    return [
        TaskRow(
            row.resource,
            row.badge,
            row.is_mine,
            row.can_write,
            row.can_share,
            task=task,
            actor=names.of(task.actor),
            how=how.get(task.pk, ""),
        )
        for row, task in zip(build_rows(there, principal), there, strict=True)
    ]
