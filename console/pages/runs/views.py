"""The page of a run: how it goes, its output, log, input and storages. While the run goes on the page follows it."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe
from django_htmx.http import trigger_client_event

from console.pages.components import resource_page
from console.pages.components.durations import time_taken
from console.pages.components.level_sentences import level_label
from console.pages.components.resource_page import Tab, get_parents
from console.pages.components.status_badges import STATUS_WORDS
from console.pages.datasets.items_table import items_context
from console.pages.key_value_stores.preview import Preview, build_preview
from console.pages.key_value_stores.views import RecordRow, build_row
from console.pages.runs import log as run_log
from console.pages.runs.refused_calls import refused_calls
from console.pages.runs.storages import RunStorage, all_storages, default_storages
from console.pages.runs.ways_out import way_out
from resources.datasets.errors import DatasetGone
from resources.jobs.status import Origin
from resources.kinds import Kind
from resources.models import Dataset, KeyValueStore, Record, Run
from resources.records.reading import find
from resources.runs.input_secrets import load_secret_names
from resources.runs.queue_place import find_queue_place
from sharing.access import general_access_source
from sharing.declare import needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.owner_only import is_owner
from sharing.permissions import Permission
from sharing.policies.issue_rules import may_write
from sharing.visibility.visibility import PublicAccess, everyone

_TABS = {"output": "Output", "log": "Log", "input": "Input", "storage": "Storage"}


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """A record of a run's store, with what its page shows of it."""

    record: Record
    row: RecordRow
    preview: Preview


@needs(Kind.RUN, Permission.READ)
@require_safe
def show_run(request: ResourcePageRequest[Run]) -> HttpResponse:
    """Show a run, with one of its tabs."""
    name = request.GET.get("tab", "")
    tab = name if name in _TABS else "output"
    try:
        content = _CONTENTS[tab](request)
    except DatasetGone:
        return refusals.missing(request, Kind.RUN)
    run = request.resource
    actor = get_parents(request).get(Kind.ACTOR)
    head = resource_page.page_context(
        request,
        heading=f"Run of {actor.name}" if actor and actor.name else "Run",
        here=run.pk,
        tabs=[Tab(label, f"{run.console_path}?tab={each}", each == tab) for each, label in _TABS.items()],
    )
    return render(request, "runs/run.html", {**head, **live_context(request), **content, "tab": tab})


@needs(Kind.RUN, Permission.READ)
@require_safe
def redirect_from_actor(request: ResourcePageRequest[Run], actor: str) -> HttpResponse:
    """Lead from the address of a run below its Actor's to the run's own; to nowhere from below another Actor's."""
    run = request.resource
    facts = request.access.facts.actor
    if facts is None or actor != facts.id:
        raise Http404
    query = request.META.get("QUERY_STRING", "")
    return redirect(f"{run.console_path}?{query}" if query else run.console_path)


@needs(Kind.RUN, Permission.READ)
@require_safe
def now(request: ResourcePageRequest[Run]) -> HttpResponse:
    """Show how a run goes, again and again while it does.

    A page that shows another status than the run has now is told so by the event `job-changed`, one that has not shown
    any items by `output-there` as soon as there are some.
    """
    run = request.resource
    context = live_context(request)
    response = render(request, "runs/_now.html", {**context, "resource": run, "is_alone": True})
    if request.GET.get("status", "") != run.status:
        trigger_client_event(response, "job-changed")
        if run.is_finished:
            said = f"The run has ended: {STATUS_WORDS[run.status].label.lower()}."
            trigger_client_event(response, "announce", {"message": said})
    if request.GET.get("items") == "0" and context["item_count"]:
        trigger_client_event(response, "output-there")
    return response


@needs(Kind.RUN, Permission.READ)
@require_safe
def log(request: ResourcePageRequest[Run]) -> HttpResponseBase:
    """Send the log, or to htmx what has come since."""
    return run_log.log_response(request, request.resource)


def live_context(request: ResourcePageRequest[Run]) -> dict[str, Any]:
    """Return what `runs/_now.html` needs."""
    run, facts = request.resource, request.access.facts
    dataset = next(iter(default_storages(run, request.principal, Kind.DATASET)), None)
    parents = get_parents(request)
    manages = request.access.allows(Permission.MANAGE_ACCESS_RIGHTS)
    _, source = general_access_source(facts)
    is_mine = run.owner_id == request.principal.account_id
    return {
        "run": run,
        "owner": facts.owner_username,
        "is_mine": is_mine,
        "queue_place": find_queue_place(run) if is_mine else None,
        "actor": parents.get(Kind.ACTOR),
        "task": parents.get(Kind.TASK),
        "took": time_taken(run),
        "origin": Origin(run.origin).label if run.origin in Origin else run.origin,
        "item_count": dataset.resource.item_count if dataset and isinstance(dataset.resource, Dataset) else None,
        "refused_calls": refused_calls(run),
        "level": level_label(run.permission_level),
        "way_out": way_out(run, request.principal) if run.is_finished and is_owner(request.principal, facts) else None,
        "is_restricted": manages and everyone(facts) is PublicAccess.NO,
        "restricted_by_account": source == "ACCOUNT",
        "can_write": request.access.allows(Permission.WRITE),
        # Issues are for the developer of another account's Actor, by those who can open its page and write some.
        "can_report": facts.actor is not None
        and may_write(request.principal)
        and bool(parents[Kind.ACTOR].path)
        and facts.owner_id != facts.actor.owner_id,
    }


def _output(request: ResourcePageRequest[Run]) -> dict[str, Any]:
    run = request.resource
    found = {each.kind: each for each in default_storages(run, request.principal, Kind.DATASET, Kind.KEY_VALUE_STORE)}
    dataset = found.get(Kind.DATASET)
    has_items = dataset is not None and isinstance(dataset.resource, Dataset) and dataset.resource.item_count > 0
    return {
        "dataset_link": dataset,
        "has_items": has_items,
        "closed": [each.info.noun for each in found.values() if each.resource is None],
        "output": _shown(found.get(Kind.KEY_VALUE_STORE), "OUTPUT"),
        **(items_context(dataset.resource, request.GET) if has_items else {}),  # type: ignore[union-attr,arg-type]  # see has_items
    }


def _log(request: ResourcePageRequest[Run]) -> dict[str, Any]:
    return {"log": run_log.read_log(request.resource)}


def _input(request: ResourcePageRequest[Run]) -> dict[str, Any]:
    store = next(iter(default_storages(request.resource, request.principal, Kind.KEY_VALUE_STORE)), None)
    return {"store_link": store, "input": _shown(store, "INPUT", load_secret_names(request.resource))}


def _storage(request: ResourcePageRequest[Run]) -> dict[str, Any]:
    return {"storages": all_storages(request.resource, request.principal)}


def _shown(store: RunStorage | None, key: str, secret: Collection[str] | None = None) -> ShownRecord | None:
    """Return a record of the run's store for the page; None where there is none, or none that may be read.

    `secret` are the names of the secret fields of an input, which the page does not show.
    """
    if store is None or not isinstance(store.resource, KeyValueStore):
        return None
    record = find(store.id, key)
    try:
        return ShownRecord(record, build_row(store.resource, record), build_preview(record, secret)) if record else None
    except FileNotFoundError:
        return None


_CONTENTS: dict[str, Callable[[ResourcePageRequest[Run]], dict[str, Any]]] = {
    "output": _output,
    "log": _log,
    "input": _input,
    "storage": _storage,
}
