"""Write the facts of a description: `python -m tests.description NEW.json`."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.description import FACTS

SENTENCES = {"description", "summary", "externalDocs", "example", "examples", "title", "contact"}
# What lies under these is named by the API itself: a property may well be called `description`.
NAMED = {"properties", "schemas", "responses", "parameters", "headers", "paths", "mapping", "securitySchemes"}


def without_sentences(described: Any, *, named: bool = False) -> Any:
    """Return a part of a description without what is said in prose; the keys of a part that is `named` are names."""
    if isinstance(described, list):
        return [without_sentences(each) for each in described]
    if not isinstance(described, dict):
        return described
    kept = {key: value for key, value in described.items() if named or not (key in SENTENCES or key.startswith("x-"))}
    return {
        key: without_sentences(value, named=not named and key in NAMED and isinstance(value, dict))
        for key, value in kept.items()
    }


def main(source: str) -> None:
    """Write the facts, each path and each shape on a line of its own."""
    found = without_sentences(json.loads(Path(source).read_text()))
    found["info"]["title"] = "Apify API v2"  # OpenAPI wants one
    for response in _responses(found):
        response.setdefault("description", "")  # here too
    parts = [found["paths"], *found["components"].values()]
    marks: dict[str, str] = {}
    for part in parts:
        for name, value in part.items():
            marks[f"@{len(marks)}@"] = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
            part[name] = f"@{len(marks) - 1}@"
    text = json.dumps(found, indent=1)
    for mark, value in marks.items():
        text = text.replace(f'"{mark}"', value, 1)
    FACTS.write_text(text + "\n")


def _responses(found: dict[str, Any]) -> list[dict[str, Any]]:
    each = list(found["components"].get("responses", {}).values())
    for methods in found["paths"].values():
        for operation in methods.values():
            if isinstance(operation, dict):
                each += operation.get("responses", {}).values()
    return [response for response in each if "$ref" not in response]


if __name__ == "__main__":
    main(sys.argv[1])
