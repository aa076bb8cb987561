"""Accept-Encoding, Range, If-Match and the other conditional headers."""

import re
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from django.http import HttpRequest
from django.utils.cache import get_conditional_response
from django.utils.http import parse_etags, parse_http_date_safe

from accounts.lib.api_errors import ApiError
from accounts.lib.content_encodings import canonical

_RANGE = re.compile(r"bytes=\s*([0-9]{0,18})-([0-9]{0,18})\s*\Z", re.ASCII)
_QUALITY = re.compile(r"[01](?:\.[0-9]{0,3})?\Z", re.ASCII)


def accepts_encoding(header: str | None, encoding: str) -> bool:
    """Tell whether something can be sent in `encoding`, by an Accept-Encoding header.

    Without a header it cannot: a client that does not speak of encodings does not undo any. A client that refuses
    what is not encoded as well gets it encoded, because that is what there is.
    """
    if not header:
        return False
    qualities = _qualities(header)
    anything = qualities.get("*", 0.0)
    if qualities.get(encoding, anything) > 0:
        return True
    return qualities.get("", qualities.get("*", 1.0)) == 0


def names_encoding(header: str, encoding: str) -> bool:
    """Tell whether an Accept-Encoding header names an encoding that need not be used, and does not refuse it."""
    return _qualities(header).get(encoding, 0.0) > 0


def _qualities(header: str) -> dict[str, float]:
    qualities = {}
    for part in header.split(","):
        name, _, parameters = part.strip().partition(";")
        name = name.strip().lower()
        if name:
            known = canonical(name)
            qualities[name if known is None else known] = _quality(parameters)
    return qualities


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    return float(value) if _QUALITY.match(value.strip()) else 0.0


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes from `start` to before `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many they are."""
        return self.end - self.start


def requested_range(request: HttpRequest, size: int, etag: str, modified: int) -> ByteRange | None:
    """Return the part that a Range header asks for; None for the whole, as for several parts or nonsense.

    Raises:
        ApiError: 416 when there is no such part.
    """
    found = _RANGE.match(request.META.get("HTTP_RANGE", ""))
    if found is None or found.group(1, 2) == ("", "") or not _is_unchanged(request, etag, modified):
        return None
    first, last = found.group(1, 2)
    if first and last and int(last) < int(first):
        return None  # not a range, so it is as if it were not there
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= end:
        raise ApiError(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "invalid-header", f"The record has only {size} bytes."
        )
    return ByteRange(start, end)


def _is_unchanged(request: HttpRequest, etag: str, modified: int) -> bool:
    """Tell whether If-Range, if it is there, still holds: a part of something else is no use."""
    condition = request.META.get("HTTP_IF_RANGE", "").strip()
    return not condition or condition == etag or parse_http_date_safe(condition) == modified


def is_not_modified(request: HttpRequest, etag: str, modified: int) -> bool:
    """Tell whether a reader has already what there is.

    Raises:
        ApiError: 412 when the reader wanted something else than there is.
    """
    answer = get_conditional_response(request, etag=etag, last_modified=modified)
    if answer is None:
        return False
    if answer.status_code == HTTPStatus.NOT_MODIFIED:
        return True
    raise precondition_failed()


def check_preconditions(request: HttpRequest, etags: tuple[str, ...]) -> None:
    """Raise 412 unless If-Match and If-None-Match hold.

    `etags` are those of what is there, in each of its representations; none when nothing is there.

    Raises:
        ApiError: 412 when something else is there, or something at all, or nothing.
    """
    if "HTTP_IF_MATCH" in request.META:
        wanted = parse_etags(request.META["HTTP_IF_MATCH"])
        if not (etags and ("*" in wanted or set(etags) & set(wanted))):
            raise precondition_failed()
    if "HTTP_IF_NONE_MATCH" in request.META:
        unwanted = [etag.removeprefix("W/") for etag in parse_etags(request.META["HTTP_IF_NONE_MATCH"])]
        if etags and ("*" in unwanted or set(etags) & set(unwanted)):
            raise precondition_failed()


def precondition_failed() -> ApiError:
    """Return 412 Precondition Failed."""
    return ApiError(
        HTTPStatus.PRECONDITION_FAILED, "concurrent-update-detected", "The record is not the one that was expected."
    )


def http_date(seconds: int) -> str:
    """Return a moment, in seconds since 1970, as HTTP writes it."""
    return formatdate(seconds, usegmt=True)
