"""Counts what the account has that runs it, and pushes a line for each kind to the run's dataset.

It asks for full permissions, because lists of the account are not for runs with limited ones.
"""

import json
import os
import sys
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

API = os.environ["APIFY_API_BASE_URL"] + "/v2"
DATASET = os.environ["ACTOR_DEFAULT_DATASET_ID"]
KINDS = ("datasets", "key-value-stores", "request-queues", "actors", "actor-tasks", "schedules")


def call(method: str, path: str, body: Any = None) -> Any:
    """Call the API with the run's token and return what it answers, None for an empty answer."""
    headers = {"Authorization": f"Bearer {os.environ['APIFY_TOKEN']}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urlopen(Request(API + path, data, headers, method=method), timeout=30) as answer:  # noqa: S310  # our own API
        text = answer.read()
    return json.loads(text) if text else None


def main() -> int:
    """Push how many there are of each kind."""
    try:
        counts = [{"kind": kind, "count": call("GET", f"/{kind}?limit=1")["data"]["total"]} for kind in KINDS]
    except HTTPError as error:
        print(json.load(error)["error"]["message"], file=sys.stderr, flush=True)
        return 1
    call("POST", f"/datasets/{DATASET}/items", counts)
    print(f"Counted {sum(each['count'] for each in counts)} things.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
