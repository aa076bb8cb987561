"""The OpenAPI description of the API that Latchkey is compatible with, and the requests that are made up from it.

`console/api/openapi/apify-v2.json` holds the facts of Apify's description, which is licensed under Apache-2.0: paths,
parameters, statuses and shapes, without its sentences and examples. `python -m tests.description NEW.json` writes it
anew from a newer one.
"""

import json
from functools import cache
from pathlib import Path
from typing import Any

FACTS = Path(__file__).parents[2] / "console/api/openapi/apify-v2.json"
METHODS = ("get", "head", "post", "put", "patch", "delete")


@cache
def facts() -> dict[str, Any]:
    """Return the description, to be read only."""
    described: dict[str, Any] = json.loads(FACTS.read_text())
    return described


def operations(*starts: str) -> list[tuple[str, str]]:
    """Give the method and the path of each operation under one of these paths: `("get", "/v2/datasets")`."""
    paths = facts()["paths"]
    return [(method, path) for path in paths if path.startswith(starts) for method in METHODS if method in paths[path]]
