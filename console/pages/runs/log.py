"""The log of a build or run on its page: its end at first, then, while the job goes on, what has come since.

The page says from which byte on it wants more, and which status it shows; so what is shown is appended and never
replaced, and nothing is sent while nothing happens.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django_htmx.http import trigger_client_event

from resources.logs.following import whole
from resources.logs.reading import log_length, read
from resources.models import Build, Run
from sharing.enforcement.request_types import ResourcePageRequest

# How much of a log a page shows at first, and how much it is sent at once later on.
MOST_AT_ONCE = 256 * 1024
# Colours and movements of the cursor, which programs print for terminals.
_FOR_TERMINALS = re.compile(rb"\x1b\[[0-9;?]*[ -/]*[@-~]")
_NOT_TO_BE_SHOWN = dict.fromkeys(code for code in range(32) if chr(code) not in "\t\n")


@dataclass(frozen=True, slots=True)
class Log:
    """A part of a log: `text` from byte `start` up to byte `end`.

    `more` is the address of what comes after it; it is empty where nothing will. `whole` is that of the whole log.
    """

    text: str
    start: int
    end: int
    more: str
    whole: str


def read_log(job: Build | Run) -> Log:
    """Return the end of a log, from a line's beginning; a page shows it by `jobs/_log.html`, as `log`."""
    length = log_length(job.pk)
    start = max(0, length - MOST_AT_ONCE)
    data = b"".join(read(job.pk, start))
    if start:
        cut = data.find(b"\n") + 1
        start, data = start + cut, data[cut:]
    return _log(job, data, start, is_last=True)


def log_response(request: ResourcePageRequest, job: Build | Run) -> HttpResponseBase:
    """Answer at `.../log`: htmx is told what has come since, everybody else is sent the whole log as a file of text.

    A page that shows another status than the job has now is told so by the event `job-changed`.
    """
    response = _what_has_come(request, job) if request.htmx else _whole(job)
    patch_vary_headers(response, ("HX-Request",))
    return response


def _what_has_come(request: ResourcePageRequest, job: Build | Run) -> HttpResponse:
    start = _number(request.GET, "from")
    data, is_last = _some(read(job.pk, start))
    has_changed = request.GET.get("status", "") != job.status
    if not data and not has_changed:
        return HttpResponse(status=204)
    response = render(request, "components/_log_more.html", {"log": _log(job, data, start, is_last=is_last)})
    return trigger_client_event(response, "job-changed") if has_changed else response


def _whole(job: Build | Run) -> StreamingHttpResponse:
    response = StreamingHttpResponse(whole(job.pk), content_type="text/plain; charset=utf-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Disposition"] = f'inline; filename="{job.pk}.log"'
    return response


def _log(job: Build | Run, data: bytes, start: int, *, is_last: bool) -> Log:
    # `job` was fetched before its log was read: where it was finished then, nothing has come that was not read.
    end = start + len(data)
    whole = f"{job.console_path}/log"
    more = "" if job.is_finished and is_last else f"{whole}?{urlencode({'from': end, 'status': job.status})}"
    return Log(_shown(data), start, end, more, whole)


def _some(pieces: Iterator[bytes]) -> tuple[bytes, bool]:
    """Return the first of what comes, in whole lines where it has lines, and whether that is all of it."""
    data = b""
    for piece in pieces:
        data += piece
        if len(data) >= MOST_AT_ONCE:
            return data[: data.rfind(b"\n", 0, MOST_AT_ONCE) + 1] or data[:MOST_AT_ONCE], False
    return data, True


def _shown(data: bytes) -> str:
    return _FOR_TERMINALS.sub(b"", data).decode(errors="replace").translate(_NOT_TO_BE_SHOWN)


def _number(query: Mapping[str, str], name: str) -> int:
    text = query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
