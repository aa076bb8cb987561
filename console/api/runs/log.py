"""Logs of builds and runs: as they are, or live until the end.

What is in a log is a stranger's. It is sent so that a browser never takes it for a page of ours.
"""

from collections.abc import Iterator

from django.http import HttpResponseBase, StreamingHttpResponse

from console.api.runs import wait_for_finish
from console.api.runs.job_stays import FollowedLog, LogFollow
from console.http.disconnect import is_connected
from console.http.pagination import flag
from console.http.parking import can_park
from resources.kinds import Kind
from resources.logs.following import follow, printable, whole
from resources.models import Run
from sharing.declare import needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission


@needs(None, Permission.READ)
def show(request: ResourceApiRequest) -> HttpResponseBase:
    """Answer with the log of the build or run; with `stream`, with what is added to it too, until that has finished."""
    return _answer(request)


@needs(Kind.RUN, Permission.READ)
def show_of_run(request: ResourceApiRequest[Run]) -> HttpResponseBase:
    """Answer with the log of a run that is named in another way than by its ID."""
    return _answer(request)


def _answer(request: ResourceApiRequest) -> HttpResponseBase:
    streams, is_raw, as_attachment = (flag(request.GET, name) for name in ("stream", "raw", "download"))
    facts = request.access.facts
    headers = {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Accel-Buffering": "no",  # a proxy that collects an answer before it passes it on makes nothing live
    }
    if as_attachment:
        headers["Content-Disposition"] = f'attachment; filename="{facts.id}.log"'
    if request.method == "HEAD":
        return StreamingHttpResponse((), headers=headers)
    if not streams:
        pieces = whole(facts.id)
        return StreamingHttpResponse(pieces if is_raw else printable(pieces), headers=headers)
    slot = wait_for_finish.enter(request)
    if can_park(request):
        return FollowedLog(LogFollow(request, facts.id, facts.kind, is_raw=is_raw), slot.leave, headers)
    pieces = follow(facts.id, facts.kind, lambda: is_connected(request))
    return StreamingHttpResponse(_Following(pieces if is_raw else printable(pieces), slot), headers=headers)


class _Following:
    """The pieces of a log, with a wait slot that is released when the response is closed, read or not."""

    def __init__(self, pieces: Iterator[bytes], slot: wait_for_finish.WaitSlot) -> None:
        self._pieces = pieces
        self._slot = slot

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Release the slot."""
        self._slot.leave()
