"""Whether an input is what an Actor's input schema asks for.

The schema is that of `.actor/input_schema.json`: one object with properties, each with a type and its bounds. Patterns
are not tried: they come from the Actor's developer, and one that is made for it would keep a server busy for ever. A
field with a default may be left out even where it is required: a run is given the default then.
"""

from collections.abc import Callable, Iterator
from typing import Any

import msgspec


def problems(schema: str, value: Any) -> list[str]:
    """Return what is wrong with an input, each as a sentence that names the field; nothing where all is well.

    `schema` is JSON text, "" where there is none. `value` is JSON that has been parsed.
    """
    described = msgspec.json.decode(schema) if schema else {}
    if not isinstance(described, dict) or not described:
        return []
    if not isinstance(value, dict):
        return ["The input must be an object."]
    return list(_of_object(described, value))


def schema_defaults(schema: str) -> dict[str, Any]:
    """Return the defaults of an input schema's fields by their names; `schema` is JSON text, "" where there is none."""
    described = msgspec.json.decode(schema) if schema else {}
    properties = _dict(_dict(described).get("properties"))
    return {name: field["default"] for name, field in properties.items() if "default" in _dict(field)}


def _of_object(schema: dict[str, Any], value: dict[str, Any]) -> Iterator[str]:
    properties = _dict(schema.get("properties"))
    for name in _texts(schema.get("required")):
        if name not in value and "default" not in _dict(properties.get(name)):
            yield f"Field input.{name} is required."
    for name, field in properties.items():
        if name in value and isinstance(field, dict):
            yield from _of_field(f"input.{name}", field, value[name])
    if schema.get("additionalProperties") is False:
        for name in value.keys() - properties.keys():
            yield f"Field input.{name} is not known."


def _of_field(path: str, field: dict[str, Any], value: Any) -> Iterator[str]:
    if value is None and field.get("nullable") is True:
        return
    types = [name for name in _texts(field.get("type")) if name in _TYPES]
    if types and not any(_TYPES[name](value) for name in types):
        yield f"Field {path} must be {' or '.join(_WORDS[name] for name in types)}."
        return
    allowed = field.get("enum")
    if isinstance(allowed, list) and value not in allowed:
        yield f"Field {path} must be one of {', '.join(str(each) for each in allowed)}."
    yield from _bounds(path, field, value)
    items = field.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        for at, each in enumerate(value):
            yield from _of_field(f"{path}[{at}]", items, each)


def _bounds(path: str, field: dict[str, Any], value: Any) -> Iterator[str]:
    size, lowest, highest, what = _measured(value)
    if size is None:
        return
    least, most = _number(field.get(lowest)), _number(field.get(highest))
    if least is not None and size < least:
        yield f"Field {path} must {what.format('at least', least)}."
    if most is not None and size > most:
        yield f"Field {path} must {what.format('at most', most)}."
    if field.get("uniqueItems") is True and isinstance(value, list):
        texts = [msgspec.json.encode(each) for each in value]
        if len(set(texts)) != len(texts):
            yield f"Field {path} must not have an item twice."


def _measured(value: Any) -> tuple[float | None, str, str, str]:
    """Return what is measured of a value, by which two fields of the schema, and how that is said."""
    if isinstance(value, str):
        return len(value), "minLength", "maxLength", "have {} {} characters"
    if isinstance(value, list):
        return len(value), "minItems", "maxItems", "have {} {} items"
    if isinstance(value, dict):
        return len(value), "minProperties", "maxProperties", "have {} {} properties"
    if _is_number(value):
        return value, "minimum", "maximum", "be {} {}"
    return None, "", "", ""


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(value: Any) -> float | None:
    return value if _is_number(value) else None


def _is_whole(value: Any) -> bool:
    return _is_number(value) and (isinstance(value, int) or value.is_integer())


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    """Return the texts of a list of them, or the only one. What else there is in a schema says nothing."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


_TYPES: dict[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_whole,
    "number": _is_number,
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "null": lambda value: value is None,
}
_WORDS = {
    "string": "text",
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
