"""What is wrong with an item, told as AJV tells it, because clients know that.

Keyword, `params` and message are those of https://ajv.js.org/api.html#error-parameters, with exceptions. Not told are
which items are alike (`uniqueItems`), how many there must be (`contains`, `unevaluatedItems`), and which property
depends on another one. Of `anyOf`, `oneOf` and `propertyNames` only the keyword is told, where AJV has the errors of
their schemas, too.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import jsonschema_rs

# Of an item with many errors, so many are named.
MAX_ERRORS: Final = 20
_COMPARISONS: Final = {"minimum": ">=", "maximum": "<=", "exclusiveMinimum": ">", "exclusiveMaximum": "<"}
_COUNTED: Final = {
    "minLength": "must NOT have fewer than {} characters",
    "maxLength": "must NOT have more than {} characters",
    "minItems": "must NOT have fewer than {} items",
    "maxItems": "must NOT have more than {} items",
    "additionalItems": "must NOT have more than {} items",
    "minProperties": "must NOT have fewer than {} properties",
    "maxProperties": "must NOT have more than {} properties",
}
_SENTENCES: Final = {
    "anyOf": "must match a schema in anyOf",
    "oneOf": "must match exactly one schema in oneOf",
    "not": "must NOT be valid",
    "uniqueItems": "must NOT have duplicate items",
    "contains": "must contain valid items",
    "unevaluatedItems": "must NOT have unevaluated items",
}
_FALSE: Final = "false schema"

# The params and the message of an error, by what the library says of it.
_Told = tuple[dict[str, Any], str]
_TELLS: Final[Mapping[str, Callable[[dict[str, Any]], _Told]]] = {
    "type": lambda said: ({"type": ",".join(said["types"])}, f"must be {','.join(said['types'])}"),
    "enum": lambda said: ({"allowedValues": said["options"]}, "must be equal to one of the allowed values"),
    "const": lambda said: ({"allowedValue": said["expected_value"]}, "must be equal to constant"),
    "multipleOf": lambda said: (
        {"multipleOf": said["multiple_of"]},
        f"must be multiple of {said['multiple_of']}",
    ),
    "pattern": lambda said: ({"pattern": said["pattern"]}, f'must match pattern "{said["pattern"]}"'),
    "format": lambda said: ({"format": said["format"]}, f'must match format "{said["format"]}"'),
}


def describe(validator: jsonschema_rs.Validator, item: Any, position: int) -> dict[str, Any]:
    """Return `itemPosition` and `validationErrors` of an item that is not valid; there is one at least."""
    errors: list[dict[str, Any]] = []
    for error in validator.iter_errors(item):
        for keyword, path, params, message in _tell(error, item):
            errors.append(
                {
                    "instancePath": _pointer([position, *error.instance_path]),
                    "schemaPath": _pointer(["items", *path]),
                    "keyword": keyword,
                    "params": params,
                    "message": message,
                }
            )
        if len(errors) >= MAX_ERRORS:
            break
    return {"itemPosition": position, "validationErrors": errors[:MAX_ERRORS] or [fail(position, "must be valid")]}


def fail(position: int, message: str) -> dict[str, Any]:
    """Return the error of an item of which nothing else can be told."""
    path = _pointer([position])
    return {"instancePath": path, "schemaPath": "/items", "keyword": "items", "params": {}, "message": message}


def _tell(
    error: jsonschema_rs.ValidationError, item: Any
) -> Iterator[tuple[str, list[str | int], dict[str, Any], str]]:
    """Give keyword, path in the schema, params and message, for each error of AJV's that this is."""
    name, path = error.kind.name, list(error.schema_path)
    said = error.kind.as_dict()
    unexpected = _unexpected(name, path, said, error, item)
    if unexpected is not None:
        name, one, what = unexpected[0], *_NAMES_OF_UNEXPECTED[unexpected[0]]
        for property_ in unexpected[1]:
            yield name, path, {one: property_}, f"must NOT have {what} properties"
        return
    if name == "required":
        missing = said["property"]
        keyword = str(path[-1])
        yield keyword, path, {"missingProperty": missing}, f"must have required property '{missing}'"
    elif name == "falseSchema":
        yield _FALSE, [*path, _FALSE], {}, "boolean schema is false"
    elif name == "propertyNames":
        up_to = len(path) - path[::-1].index("propertyNames")
        yield name, path[:up_to], {"propertyName": error.kind.error.instance}, "property name must be valid"  # type: ignore[attr-defined]
    else:
        yield name, path, *_told(name, said)


_NAMES_OF_UNEXPECTED: Final = {
    "additionalProperties": ("additionalProperty", "additional"),
    "unevaluatedProperties": ("unevaluatedProperty", "unevaluated"),
}


def _unexpected(
    name: str, path: list[str | int], said: dict[str, Any], error: jsonschema_rs.ValidationError, item: Any
) -> tuple[str, list[str]] | None:
    """Return the keyword that allows no other properties, and those that there are; None for another error."""
    if name in _NAMES_OF_UNEXPECTED:
        return name, said["unexpected"][:MAX_ERRORS]
    names_property = path[-2:-1] == ["properties"] and list(error.instance_path[-1:]) == path[-1:]
    if name == "falseSchema" and path and path[-1] in _NAMES_OF_UNEXPECTED and not names_property:
        found = item
        for step in error.instance_path:
            found = found[step]
        if isinstance(found, dict) and found:
            return str(path[-1]), list(found)[:MAX_ERRORS]
    return None


def _told(name: str, said: dict[str, Any]) -> _Told:
    if name in _TELLS:
        return _TELLS[name](said)
    limit = said.get("limit")
    if name in _COMPARISONS:
        return {"comparison": _COMPARISONS[name], "limit": limit}, f"must be {_COMPARISONS[name]} {limit}"
    if name in _COUNTED:
        return {"limit": limit}, _COUNTED[name].format(limit)
    if name == "oneOf":
        passing = [at for at, errors in enumerate(said["context"]) if not errors][:2]
        return {"passingSchemas": passing or None}, _SENTENCES[name]
    return {}, _SENTENCES.get(name, f'must pass "{name}" keyword validation')


def _pointer(steps: Iterable[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
