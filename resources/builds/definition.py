"""The definition of an Actor, from its `.actor/actor.json`, as the description of the API has it.

Anyone can write the file, and clients hold an answer to the description: one field of another type, and they cannot
read the build at all.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from resources.models import BuildContent
from resources.runs import declared_storages

_Memory = Annotated[int, msgspec.Meta(ge=128)]
_OF_TYPES: Final[dict[str, Any]] = {
    "actorSpecification": Literal[1],
    "name": str,
    "title": str,
    "description": str,
    "version": Annotated[str, msgspec.Meta(pattern=r"^[0-9]+(\.[0-9]+)+$")],
    "buildTag": str,
    "meta": dict[str, str],
    "environmentVariables": dict[str, str],
    "dockerfile": str,
    "dockerContextDir": str,
    "readme": str,
    "changelog": str,
    "input": dict,
    "output": dict,
    "storages": dict,
    "defaultMemoryMbytes": int | str,
    "minMemoryMbytes": _Memory,
    "maxMemoryMbytes": _Memory,
    "usesStandbyMode": bool,
}


def serialize_definition(content: BuildContent) -> dict[str, Any] | None:
    """Return the definition of what was built, None where there is none.

    The schema of the input is in it, where the file only names it; so are those of the storages, read when it was
    built. What is not of the type that the description gives it is left out.
    """
    found = msgspec.json.decode(content.definition) if content.definition else None
    if not isinstance(found, dict):
        return None
    if content.input_schema:
        found["input"] = msgspec.json.decode(content.input_schema)
    if isinstance(found.get("storages"), dict):
        found["storages"] = _only_objects(found["storages"])
        for _, several in declared_storages.NAMES.values():
            if several in found["storages"]:
                found["storages"][several] = _only_objects(found["storages"][several])
    return {name: value for name, value in found.items() if _fits(name, value)}


def _only_objects(found: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in found.items() if isinstance(value, dict)}


def _fits(name: str, value: Any) -> bool:
    try:
        msgspec.convert(value, _OF_TYPES.get(name, Any))
    except msgspec.ValidationError:
        return False
    return True
