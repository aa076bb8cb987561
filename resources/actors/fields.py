"""The fields of Actors and versions, and what they may hold."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from resources import memory

MAX_TITLE = 200
MAX_DESCRIPTION = 2000
MAX_TIMEOUT_SECS = 2**31 - 1
MAX_DETAILS_BYTES = 256 * 1024
TAG = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9._-]{0,38}[a-zA-Z0-9])?\Z")


class InvalidField(ValueError):
    """A value that a field cannot have; `field` names it as the API does, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class ActorChange:
    """What of an Actor is to change; UNSET leaves it as it is.

    `permission_level` is as a model keeps it (`resources/permission_levels.py`). `details` is merged into what is kept
    there already; a value of None takes a detail away.
    """

    name: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    is_public: bool | UnsetType = UNSET
    default_build: str | UnsetType = UNSET
    default_timeout_secs: int | UnsetType = UNSET
    default_memory_mbytes: int | UnsetType = UNSET
    restart_on_error: bool | UnsetType = UNSET
    permission_level: str | UnsetType | None = UNSET
    details: Mapping[str, Any] | UnsetType = UNSET


NO_CHANGE = ActorChange()

# What the API calls the fields, for messages.
_WIRE = {
    "default_build": "defaultRunOptions.build",
    "default_timeout_secs": "defaultRunOptions.timeoutSecs",
    "default_memory_mbytes": "defaultRunOptions.memoryMbytes",
}


def check(change: ActorChange) -> None:
    """Check the fields of an Actor that are given, apart from its name.

    Raises:
        InvalidField: for the first one that an Actor cannot have.
    """
    if change.title is not UNSET:
        check_text("title", change.title, MAX_TITLE)
    if change.description is not UNSET:
        check_text("description", change.description, MAX_DESCRIPTION)
    if change.default_build is not UNSET:
        check_tag(_WIRE["default_build"], change.default_build)
    if change.default_timeout_secs is not UNSET:
        _check_number(_WIRE["default_timeout_secs"], change.default_timeout_secs, 0, MAX_TIMEOUT_SECS)
    if change.default_memory_mbytes is not UNSET and not memory.is_possible(change.default_memory_mbytes):
        raise InvalidField(_WIRE["default_memory_mbytes"], memory.MEMORY_RULES)


def check_text(field: str, text: str, longest: int) -> None:
    """Check that a text is not too long and that both databases can keep it.

    Raises:
        InvalidField: naming `field`.
    """
    if len(text) > longest or "\x00" in text:
        raise InvalidField(field, f"it must have at most {longest:,} characters, and no NUL among them.")


def check_tag(field: str, tag: str) -> None:
    """Check what is to be a tag of builds, or the number of one.

    Raises:
        InvalidField: naming `field`.
    """
    if not TAG.match(tag):
        raise InvalidField(
            field, "it must have 1 to 40 letters, digits, dots, dashes and underscores, a letter or digit at both ends."
        )


def merge_details(details: str, change: Mapping[str, Any]) -> str:
    """Return the JSON text of an Actor's details with a change to them.

    Raises:
        InvalidField: when they would become too large.
    """
    kept = {**msgspec.json.decode(details), **change}
    text = msgspec.json.encode({name: value for name, value in kept.items() if value is not None}).decode()
    if len(text) > MAX_DETAILS_BYTES:
        largest = max(change, key=lambda name: len(msgspec.json.encode(change[name])))
        raise InvalidField(largest, f"it must have at most {MAX_DETAILS_BYTES:,} bytes.")
    return text


def _check_number(field: str, number: int, lowest: int, highest: int) -> None:
    if not lowest <= number <= highest:
        raise InvalidField(field, f"it must be a whole number from {lowest} to {highest}.")
