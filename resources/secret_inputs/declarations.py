"""How an input schema may call a field secret, as the schema of Apify has it."""

from collections.abc import Iterator
from typing import Any, Final

from resources.secret_inputs.fields import MAX_SECRETS

EDITORS: Final = {
    "string": ("textfield", "textarea", "hidden"),
    "array": ("json", "hidden"),
    "object": ("json", "hidden"),
}


def find_problem(schema: dict[str, Any]) -> str:
    """Return a sentence on the first field that an input schema wrongly calls secret, "" where there is none.

    A field inside another one cannot be secret, because the SDKs decrypt whole fields of the input only.
    """
    return next(_problems(schema), "")


def _problems(schema: dict[str, Any]) -> Iterator[str]:
    count = sum(field.get("isSecret") is True for _, field in _properties(schema))
    if count > MAX_SECRETS:
        yield f"At most {MAX_SECRETS} input fields can be secret, not {count}."
    for name, field in _properties(schema):
        said = field.get("isSecret", False)
        if not isinstance(said, bool):
            yield f"isSecret of the input field {name} must be true or false."
        elif said:
            yield from _find_problems(name, field)
        yield from (f"Only the input field {name} as a whole can be secret, not {inner}." for inner in _inner(field))


def _find_problems(name: str, field: dict[str, Any]) -> Iterator[str]:
    type_, editor = field.get("type"), field.get("editor")
    if not isinstance(type_, str) or type_ not in EDITORS:
        yield f"The input field {name} cannot be secret: its type must be one of {', '.join(EDITORS)}."
    elif editor is not None and editor not in EDITORS[type_]:
        yield f"The editor of the secret input field {name} must be one of {', '.join(EDITORS[type_])}."
    if "default" in field:
        yield f"The secret input field {name} must not have a default, which every reader of the Actor could see."


def _inner(field: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """Yield the names of fields inside a field that are called secret."""
    if depth > _DEEPEST:
        return
    items = field.get("items")
    inside = [*_properties(field), *([("items", items)] if isinstance(items, dict) else [])]
    for name, each in inside:
        if each.get("isSecret"):
            yield name
        yield from _inner(each, depth + 1)


def _properties(schema: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    properties = schema.get("properties")
    found = properties if isinstance(properties, dict) else {}
    return [(name, each) for name, each in found.items() if isinstance(each, dict)]


_DEEPEST: Final = 50
