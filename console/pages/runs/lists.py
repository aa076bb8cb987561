"""The list of runs: one's own and those shared with one, by status."""

from django.http import HttpResponse
from django.views.decorators.http import require_safe

from accounts.request_types import PageRequest
from console.pages.components.listing import get_listing, render_list
from console.pages.runs.rows import run_rows
from resources.kinds import Kind
from sharing.declare import lists


@lists(Kind.RUN)
@require_safe
def list_runs(request: PageRequest) -> HttpResponse:
    """Show a page of the runs that one may see, newest first."""
    listing = get_listing(request, Kind.RUN, by_status=True)
    return render_list(request, "runs", {**listing.context, "rows": run_rows(listing.found, request.principal)})
