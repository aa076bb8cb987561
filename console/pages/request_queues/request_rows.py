"""A request of a queue as a page shows it: how it stands as a badge, and what else is known of it laid out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Raw

from accounts.lib.timestamps import from_milliseconds, milliseconds
from console.pages.components.cells import Cell, build_cell, printable
from console.pages.components.json_format import format_json
from resources.request_queues.reading import State
from resources.request_queues.structs import StoredRequest

Type = TypeVar("Type")

MAX_ERRORS = 50
LONGEST_PART = 32 * 1024
_LABELS = {"payload": "Payload", "headers": "Headers", "userData": "User data"}
_LATEST = milliseconds(datetime.max.replace(tzinfo=from_milliseconds(0).tzinfo))


@dataclass(frozen=True, slots=True)
class StateBadge:
    """A state as a badge: its word, colour and icon."""

    state: State
    label: str
    tone: str
    icon: str


STATES = {
    words.state: words
    for words in (
        StateBadge(State.PENDING, "Pending", "neutral", "clock"),
        StateBadge(State.LOCKED, "Locked", "warning", "lock-closed"),
        StateBadge(State.HANDLED, "Handled", "good", "check-circle"),
    )
}


@dataclass(frozen=True, slots=True)
class Part:
    """Something that was stored with a request: `text` is laid out, and cut where it is long."""

    label: str
    text: str
    is_cut: bool


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request in the table: `state` with `until`, the end of its lock or the moment at which it was handled."""

    request: StoredRequest
    url: Cell
    state: StateBadge
    until: datetime | None
    errors: list[str]
    error_count: int
    parts: list[Part]
    loaded_url: Cell | None
    no_retry: bool


def build_row(request: StoredRequest) -> RequestRow:
    """Return how a page shows a request."""
    details: dict[str, Raw] = msgspec.json.decode(request.details, type=dict[str, Raw])
    errors = _decoded(details, "errorMessages", list[str]) or []
    loaded_url = _decoded(details, "loadedUrl", str)
    return RequestRow(
        request=request,
        url=build_cell(request.url),
        state=STATES[_get_state(request)],
        until=_moment(request.handled_at if request.handled_at is not None else request.lock_expires_at),
        errors=[printable(error[:LONGEST_PART]) for error in errors[-MAX_ERRORS:]],
        error_count=len(errors),
        parts=[_part(label, details[name]) for name, label in _LABELS.items() if name in details],
        loaded_url=None if loaded_url is None else build_cell(loaded_url),
        no_retry=bool(_decoded(details, "noRetry", bool)),
    )


def _get_state(request: StoredRequest) -> State:
    if request.handled_at is not None:
        return State.HANDLED
    return State.PENDING if request.lock_expires_at is None else State.LOCKED


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(min(milliseconds, _LATEST))


def _decoded(details: Mapping[str, Raw], name: str, type_: type[Type]) -> Type | None:
    return msgspec.json.decode(details[name], type=type_) if name in details else None


def _part(label: str, value: Raw) -> Part:
    text = bytes(value)
    if text[:1] == b'"':
        whole: str = msgspec.json.decode(text)
        return Part(label, printable(whole[:LONGEST_PART]), len(whole) > LONGEST_PART)
    shown, is_cut = format_json(text.decode(), LONGEST_PART)
    return Part(label, printable(shown), is_cut)
