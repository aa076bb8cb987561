"""Items held to the schema of their dataset: the JSON Schema that its maker gave as `fields`.

The errors of an item are told as AJV tells them, because clients know those. No reference leaves the schema: nothing is
fetched from a file or the network.
"""

import json
import math
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final, Never

import jsonschema_rs
import msgspec

from resources.datasets.errors import ItemsBreakSchema

# Of a push with many invalid items, and of an item with many errors, so many are named.
MAX_INVALID_ITEMS: Final = 100
MAX_ERRORS: Final = 20
_CACHED: Final = 64
# A pattern of a user must not keep a thread busy for long.
_PATTERNS: Final = jsonschema_rs.FancyRegexOptions(backtrack_limit=100_000)


class UnusableSchema(ValueError):
    """Fields that are no JSON Schema, or that refer to something outside; the message says why."""


def make_validator(fields: Any) -> jsonschema_rs.Validator:
    """Return what validates items by a JSON Schema.

    Raises:
        UnusableSchema: when it is none, or refers to something outside of itself.
    """
    try:
        return jsonschema_rs.validator_for(fields, retriever=_refuse, pattern_options=_PATTERNS)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnusableSchema(str(error).partition("\n")[0]) from None


def check_items(schema: str, items: Iterable[bytes]) -> None:
    """Check items, each as a line of JSON, by the schema of their dataset, as JSON text.

    Schemas from before they were checked when they were set, and that cannot be used, allow everything.

    Raises:
        ItemsBreakSchema: when one is not valid.
    """
    validator = _validator_of_text(schema)
    if validator is None:
        return
    invalid: list[dict[str, Any]] = []
    for position, item in enumerate(map(_decode, items)):
        if not validator.is_valid(item):
            invalid.append(_describe(validator, item, position))
            if len(invalid) == MAX_INVALID_ITEMS:
                break
    if invalid:
        raise ItemsBreakSchema(invalid)


def holds_items(schema: str) -> bool:
    """Tell whether items are held to a schema, as JSON text; one without fields allows everything."""
    return bool(schema) and _validator_of_text(schema) is not None


@lru_cache(maxsize=_CACHED)
def _validator_of_text(schema: str) -> jsonschema_rs.Validator | None:
    fields = msgspec.json.decode(schema, type=dict[str, Any]).get("fields")
    if not fields:
        return None
    try:
        return make_validator(fields)
    except UnusableSchema:
        return None


def _refuse(uri: str) -> Never:
    raise ValueError(f"{uri} is outside of the schema")


def _decode(item: bytes) -> Any:
    try:
        return msgspec.json.decode(item)
    except msgspec.ValidationError:  # a number that only JSON can hold
        return json.loads(item, parse_int=_number, parse_float=_number)


def _number(text: str) -> int | float:
    value = float(text)
    if math.isinf(value):
        return math.copysign(1e308, value)
    return int(text) if text.lstrip("-").isdecimal() else value


def _describe(validator: jsonschema_rs.Validator, item: Any, position: int) -> dict[str, Any]:
    errors = []
    for error in validator.iter_errors(item):
        errors.append(_as_ajv(error, position))
        if len(errors) == MAX_ERRORS:
            break
    return {"itemPosition": position, "validationErrors": errors}


def _as_ajv(error: jsonschema_rs.ValidationError, position: int) -> dict[str, Any]:
    keyword, params = error.kind.name, error.kind.as_dict()
    message = error.message
    if keyword == "type":
        params = {"type": ",".join(params["types"])}
        message = f"must be {params['type']}"
    elif keyword == "required":
        params = {"missingProperty": params["property"]}
        message = f"must have required property '{params['missingProperty']}'"
    return {
        "instancePath": _pointer([position, *error.instance_path]),
        "schemaPath": _pointer(["items", *error.schema_path]),
        "keyword": str(error.schema_path[-1]) if error.schema_path else keyword,
        "params": params,
        "message": message,
    }


def _pointer(steps: Iterable[str | int]) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)
