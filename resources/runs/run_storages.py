"""The storages that a run has from its start: its default ones, and those that the definition of its build declares."""

from collections.abc import Mapping
from typing import Any

from accounts.lib.ids import new_id
from resources.kinds import STORAGES, Kind
from resources.models import MODELS, Resource, Run
from resources.runs.declared_storages import DEFAULT, NAMES, read_usable


def make_storages(run: Run, definition: Mapping[str, Any], store_id: str) -> None:
    """Make the storages of a new run, with `store_id` for its input. All follow the run's general access."""
    schemas = {(each.kind, each.alias): each.schema for each in read_usable(definition)}
    for kind in STORAGES:
        _make(run, kind, None, schemas.pop((kind, DEFAULT), ""), store_id if kind is Kind.KEY_VALUE_STORE else new_id())
    for (kind, alias), schema in schemas.items():
        _make(run, kind, alias, schema, new_id())


def make_missing(run: Run, definition: Mapping[str, Any]) -> None:
    """Make the storages that a definition declares and a run has not, which goes on with it. The default ones stay."""
    there = set(_of_run(run).values_list("kind", "alias"))
    for each in read_usable(definition):
        if each.alias != DEFAULT and (each.kind.value, each.alias) not in there:
            _make(run, each.kind, each.alias, each.schema, new_id())


def load_ids(run: Run) -> dict[str, dict[str, str]]:
    """Return the IDs of a run's storages, by what the API calls their kinds, and by alias."""
    ids: dict[str, dict[str, str]] = {several: {} for _, several in NAMES.values()}
    for kind, alias, id_ in _of_run(run).order_by("created_at", "alias").values_list("kind", "alias", "pk"):
        ids[NAMES[Kind(kind)][1]][alias or DEFAULT] = id_
    return ids


def _of_run(run: Run) -> Any:
    return Resource.objects.filter(run_id=run.pk, kind__in=STORAGES)


def _make(run: Run, kind: Kind, alias: str | None, schema: str, id_: str) -> None:
    fields = {"schema": schema} if schema else {}
    MODELS[kind].objects.create(
        id=id_, owner_id=run.owner_id, run_id=run.pk, created_at=run.created_at, alias=alias, **fields
    )
