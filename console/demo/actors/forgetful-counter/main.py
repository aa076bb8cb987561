"""Pushes the letters of an alphabet with its token, then counts them without it, as many a script does by a plain link.

Under an account whose data anyone with the ID can read, that works. Under a Restricted account the second call is
refused: an API call needs a valid token then. The run fails, and its log says what was asked for and what was missing.
"""

import json
import os
import sys
import unicodedata
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API = os.environ["APIFY_API_BASE_URL"] + "/v2"
ITEMS = f"/datasets/{os.environ['ACTOR_DEFAULT_DATASET_ID']}/items"
FIRST_LETTER, LETTERS = 0x3B1, 25  # the small letters of the Greek alphabet, with both sigmas


def call(method: str, path: str, body: Any = None, *, token: str = "") -> Any:
    """Call the API, with a token or without one, and return what it answers, None for an empty answer."""
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(API + path, data, headers, method=method), timeout=30) as answer:  # noqa: S310  # our own API
        text = answer.read()
    return json.loads(text) if text else None


def main() -> int:
    """Push with the token, read without it."""
    letters = [chr(FIRST_LETTER + number) for number in range(LETTERS)]
    items = [{"letter": letter, "name": unicodedata.name(letter)} for letter in letters]
    call("POST", ITEMS, items, token=os.environ["APIFY_TOKEN"])
    print(f"Pushed {len(items)} letters with the token of this run. Now counting them without it.", flush=True)
    try:
        counted = len(call("GET", ITEMS))
    except HTTPError as error:
        print(f"The items could not be read without a token: {error.code} {error.reason}.", file=sys.stderr, flush=True)
        return 1
    print(f"Counted {counted} letters: this account lets anyone with the ID read.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
