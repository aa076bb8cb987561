"""The page of a request queue: how many requests there are and how they stand, page by page."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.pages.request_queues.request_rows import STATES, build_row
from console.pages.storages.page import storage_context
from resources.kinds import Kind
from resources.models import RequestQueue
from resources.request_queues import reading
from resources.request_queues.identity import looks_like_request_id
from resources.request_queues.reading import State
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

ROWS = 50
# Requests can carry payloads. A page ends early rather than read more than this.
MAX_PAGE_BYTES = 4 * 1024 * 1024


@needs(Kind.REQUEST_QUEUE, Permission.READ)
@require_safe
def show_queue(request: ResourcePageRequest[RequestQueue]) -> HttpResponse:
    """Show a queue with a page of its requests, of all or of those in one state."""
    queue = request.resource
    after = request.GET.get("after", "")
    after = after if looks_like_request_id(after) else ""
    state = _state(request.GET.get("state", ""))
    states = frozenset({state} if state else ())
    found = reading.page(queue.pk, ROWS, after=after, states=states, max_bytes=MAX_PAGE_BYTES)
    context = {
        **storage_context(request),
        "queue": queue,
        "locked_count": reading.count_locked(queue.pk),
        "rows": [build_row(each) for each in found.requests],
        "state": state,
        "states": STATES.values(),
        "after": after,
        "next_after": found.next_after,
    }
    return render(request, "request_queues/request_queue.html", context)


def _state(text: str) -> State | None:
    return State(text) if text in set(State) else None
