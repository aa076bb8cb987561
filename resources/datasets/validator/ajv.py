"""What is wrong with an item, told as AJV tells it, because clients know that."""

from collections.abc import Iterable
from typing import Any, Final

import jsonschema_rs

# Of an item with many errors, so many are named.
MAX_ERRORS: Final = 20


def describe(validator: jsonschema_rs.Validator, item: Any, position: int) -> dict[str, Any]:
    """Return `itemPosition` and `validationErrors` of an item that is not valid."""
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
