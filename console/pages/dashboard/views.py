"""The first page: what was made last, what others shared, and what to do when there is nothing yet."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.request_types import PageRequest
from console.pages.components.code_samples import push_first_items
from console.pages.components.tables import build_rows
from console.pages.dashboard.upgrade_notices import notices_for
from console.pages.runs.rows import run_rows
from resources.kinds import STORAGES, Kind
from resources.models import Resource
from sharing.declare import account_wide
from sharing.lists import Ownership, listed

RECENT = 8


@account_wide
@require_safe
def dashboard(request: PageRequest) -> HttpResponse:
    """Show the newest of one's own runs and storages, and of what is shared with one."""
    me = request.account.pk
    runs = run_rows(
        listed(request.principal, ownership=Ownership.MINE, kinds=(Kind.RUN,), limit=RECENT), request.principal
    )
    mine = [each.id for each in listed(request.principal, ownership=Ownership.MINE, kinds=STORAGES, limit=RECENT)]
    shared = [each.id for each in listed(request.principal, ownership=Ownership.SHARED, limit=RECENT)]
    found = Resource.objects.select_related("owner", "run__owner", "actor").in_bulk([*mine, *shared])
    rows = {row.resource.pk: row for row in build_rows(found.values(), request.principal)}
    context = {
        "recent": [rows[id_] for id_ in mine if id_ in rows],
        "runs": runs,
        "shared": [rows[id_] for id_ in shared if id_ in rows],
        "upgrade_notices": notices_for(me),
        "snippets": [] if mine or runs else push_first_items(),
    }
    return render(request, "dashboard/dashboard.html", context)
