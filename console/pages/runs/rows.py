"""The rows of a list of runs. The number of statements does not grow with the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from accounts.principal import Principal
from console.pages.components.durations import time_taken
from console.pages.components.shared_rows import how_shared
from console.pages.components.tables import Row, build_rows
from resources.models import Dataset, Resource, Run
from sharing.lists import Listed
from sharing.visibility.names import Names, names_for


@dataclass(frozen=True, slots=True)
class RunRow(Row):
    """A run in a list. `items` is how many its default dataset holds, `how` how it is shared with who does not own it.

    `actor` and `task` are what it belongs to, as far as the viewer may know their names.
    """

    run: Run
    actor: str
    task: str
    items: int | None
    how: str
    took: timedelta | None


def run_rows(found: Sequence[Listed], principal: Principal) -> list[RunRow]:
    """Return the rows for what was found, in its order, without what is gone already."""
    runs = Run.objects.select_related("owner", "actor__owner", "task").in_bulk([each.id for each in found])
    there = [runs[each.id] for each in found if each.id in runs]
    counts = dict(Dataset.objects.filter(run_id__in=runs, alias=None).values_list("run_id", "item_count"))
    how = how_shared([each for each in found if each.owner_id != principal.account_id], principal.account_id or "")
    names = names_for(_parents(there), principal)
    return [
        _row(row, run, names, counts.get(run.pk), how.get(run.pk, ""))
        for row, run in zip(build_rows(there, principal), there, strict=True)
    ]


def _row(row: Row, run: Run, names: Names, items: int | None, how: str) -> RunRow:
    return RunRow(
        row.resource,
        row.badge,
        row.is_mine,
        row.can_write,
        row.can_share,
        run=run,
        actor=names.of(run.actor),
        task=names.of(run.task),
        items=items,
        how=how,
        took=time_taken(run),
    )


def _parents(runs: Iterable[Run]) -> list[Resource]:
    return [parent for run in runs for parent in (run.actor, run.task) if parent is not None]
