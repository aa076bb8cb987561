"""The storages that an input names: fields that the input schema gives a `resourceType`.

Only what the caller has put into the input counts. What an Actor suggests, as a default or a prefill, names nothing: a
limited run would be let into a storage that its user never meant. What a run is given by this is decided when it starts
and kept with the run (`sharing/policies/input_names.py`); its INPUT record is never read for it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from resources.kinds import Kind
from resources.runs.inputs import InvalidInput

MOST: Final = 100
_KIND_OF: Final = {
    "dataset": Kind.DATASET,
    "keyValueStore": Kind.KEY_VALUE_STORE,
    "requestQueue": Kind.REQUEST_QUEUE,
}
_POSSIBLE: Final = frozenset({"READ", "WRITE"})


@dataclass(frozen=True, slots=True)
class CallerInput:
    """What a caller has put into the input, as JSON; None is nothing.

    `given` was sent for this run. `kept` was saved, by a task or a schedule, or stood in a form that is filled in with
    what the Actor suggests: there a value that the schema suggests counts as the Actor's.
    """

    given: bytes | None = None
    kept: bytes | None = None


@dataclass(frozen=True, slots=True)
class NamedStorage:
    """A storage that a field of an input names, by its address, and the permissions that the field asks for."""

    field: str
    kind: Kind
    address: str
    permissions: frozenset[str]


def find_named(schema: str, said: CallerInput) -> list[NamedStorage]:
    """Return the storages that an input names; `schema` is the JSON text of the build's, "" where there is none.

    Raises:
        InvalidInput: when there are more than MOST.
    """
    if '"resourceType"' not in schema:
        return []
    found = list(_each_named(_dict(_dict(msgspec.json.decode(schema)).get("properties")), said))
    if len(found) > MOST:
        raise InvalidInput([f"It names more than {MOST} storages."])
    return found


def named_fields(schema: str) -> list[str]:
    """Return the fields of an input schema that name storages; `schema` is JSON text, "" where there is none."""
    if '"resourceType"' not in schema:
        return []
    properties = _dict(_dict(msgspec.json.decode(schema)).get("properties"))
    return [name for name, field in properties.items() if str(_dict(field).get("resourceType")) in _KIND_OF]


def _each_named(properties: dict[str, Any], said: CallerInput) -> Iterator[NamedStorage]:
    given, kept = _fields(said.given), _fields(said.kept)
    for name, described in properties.items():
        field = _dict(described)
        kind = _KIND_OF.get(str(field.get("resourceType")))
        if kind is None:
            continue
        values = _texts(given[name]) if name in given else _not_suggested(field, _texts(kept.get(name)))
        asked = frozenset(_texts(field.get("resourcePermissions"))) & _POSSIBLE
        for address in dict.fromkeys(values):
            yield NamedStorage(name, kind, address, asked | {"READ"})


def _not_suggested(field: dict[str, Any], values: list[str]) -> list[str]:
    suggested = {each for source in ("default", "prefill") for each in _texts(field.get(source))}
    return [each for each in values if each not in suggested]


def _fields(content: bytes | None) -> dict[str, Any]:
    try:
        return _dict(msgspec.json.decode(content)) if content else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]
