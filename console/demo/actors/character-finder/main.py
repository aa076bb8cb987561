"""Finds characters of Unicode by their general category, and pushes them to the run's dataset.

It needs nothing but Python: the characters and their names are those of the Unicode Character Database that comes with
it (Unicode License v3). It calls the API by hand, as any language could; the SDKs of Apify do the same for you.
"""

import json
import os
import sys
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API = os.environ["APIFY_API_BASE_URL"] + "/v2"
TOKEN = os.environ["APIFY_TOKEN"]
RUN, DATASET, STORE = (
    os.environ[name] for name in ("ACTOR_RUN_ID", "ACTOR_DEFAULT_DATASET_ID", "ACTOR_DEFAULT_KEY_VALUE_STORE_ID")
)
INPUT_KEY = os.environ["ACTOR_INPUT_KEY"]
BATCH = 25


def call(method: str, path: str, body: Any = None) -> Any:
    """Call the API with the run's token and return what it answers, None for an empty answer."""
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(API + path, data, headers, method=method), timeout=30) as answer:  # noqa: S310  # our own API
        text = answer.read()
    return json.loads(text) if text else None


def read_input() -> dict[str, Any]:
    """Return what the run was asked for; nothing where there is no input."""
    try:
        return call("GET", f"/key-value-stores/{STORE}/records/{INPUT_KEY}") or {}
    except HTTPError as error:
        if error.code == 404:  # there is no input
            return {}
        raise


def characters(category: str) -> Iterator[dict[str, str]]:
    """Yield the characters of a general category, like Sc for the currency signs, in their order."""
    for number in range(sys.maxunicode + 1):
        character = chr(number)
        if unicodedata.category(character) == category:
            name = unicodedata.name(character, "")
            yield {"character": character, "codePoint": f"U+{number:04X}", "name": name, "category": category}


def main() -> int:
    """Push the characters batch by batch, and say how many there were."""
    wanted = read_input()
    category, most = str(wanted.get("category", "Sc")), int(wanted.get("maxItems", 50))
    print(f"Looking for at most {most} characters of the category {category}.", flush=True)
    found = []
    for character in characters(category):
        if len(found) == most:
            break
        found.append(character)
    if not found:
        print(f"There is no character of the category {category}.", file=sys.stderr, flush=True)
        return 1
    for start in range(0, len(found), BATCH):
        call("POST", f"/datasets/{DATASET}/items", found[start : start + BATCH])
        print(f"Pushed {min(start + BATCH, len(found))} of {len(found)}.", flush=True)
    call("PUT", f"/key-value-stores/{STORE}/records/OUTPUT", {"category": category, "found": len(found)})
    message = f"Found {len(found)} characters."
    call("PUT", f"/actor-runs/{RUN}", {"statusMessage": message, "isStatusMessageTerminal": True})
    print(message, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
