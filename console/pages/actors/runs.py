"""The Runs tab of an Actor: those runs of it that one may see, which are not all that there are."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.pages.actors.tabs import RUNS, tab_context
from console.pages.components.listing import get_paging
from console.pages.runs.rows import run_rows
from resources.kinds import Kind
from resources.models import Actor
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.lists import listed
from sharing.permissions import Permission


@needs(Kind.ACTOR, Permission.READ)
@require_safe
def list_runs(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """List one's own runs of an Actor and those that are shared with one, the newest first."""
    actor = request.resource
    paging = get_paging(request.GET, request.principal, kinds=(Kind.RUN,), actor_id=actor.pk)
    found = listed(request.principal, kinds=(Kind.RUN,), actor_id=actor.pk, offset=paging.offset, limit=paging.size)
    context = {**tab_context(request, RUNS), "rows": run_rows(found, request.principal), "paging": paging}
    return render(request, "actors/runs.html", context)
