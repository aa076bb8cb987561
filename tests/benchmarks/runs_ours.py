"""Our side of the benchmark of lists of runs, in a process of its own: `python -m tests.benchmarks.runs_ours COUNT`."""

import json
import sys

import django
from django.core.management import call_command

# By who looks: for the API's addresses what to call them, for the console's pages their addresses.
PAGES = {
    "ada": {
        "own runs, the newest 50": "v2/actor-runs?desc=1&limit=50",
        "the oldest 50": "v2/actor-runs?limit=50",
        "after 500,000 others": "v2/actor-runs?desc=1&limit=50&offset={half}",
        "of an Actor": "v2/actors/{actor}/runs?desc=1&limit=50",
        "that succeeded": "v2/actor-runs?status=SUCCEEDED&desc=1&limit=50",
        "that are at work": "v2/actor-runs?status=RUNNING,READY&desc=1&limit=50",
        "of an Actor, that failed": "v2/actors/{actor}/runs?status=FAILED&desc=1&limit=50",
        "of a task": "v2/actor-tasks/{task}/runs?desc=1&limit=50",
        "of one hour": "v2/actor-runs?startedAfter=2026-01-02T00:00:00Z&startedBefore=2026-01-02T01:00:00Z&limit=50",
        "page in the console": "actors/runs",
        "search in the console": "actors/runs?q=aaaaaaaaaaaaaaaaa",
    },
    "ben": {
        "half a million of an owner's": "v2/actor-runs?desc=1&limit=50",
        "of an Actor": "v2/actors/{actor}/runs?desc=1&limit=50",
        "that succeeded": "v2/actor-runs?status=SUCCEEDED&desc=1&limit=50",
        "that are at work": "v2/actor-runs?status=RUNNING,READY&desc=1&limit=50",
        "of one hour": "v2/actor-runs?startedAfter=2026-01-02T00:00:00Z&startedBefore=2026-01-02T01:00:00Z&limit=50",
        "page in the console": "actors/runs",
        "shared with me in the console": "shared?kind=run",
    },
    "fay": {
        "an owner's, of a task": "v2/actor-runs?desc=1&limit=50",
        "that succeeded": "v2/actor-runs?status=SUCCEEDED&desc=1&limit=50",
        "page in the console": "actors/runs",
    },
    "dan": {
        "half a million of a user's": "v2/actor-runs?desc=1&limit=50",
        "that succeeded": "v2/actor-runs?status=SUCCEEDED&desc=1&limit=50",
        "page in the console": "actors/runs",
    },
    "erin": {
        "those of 5,000 among 10,000 users": "v2/actor-runs?desc=1&limit=50",
        "that succeeded": "v2/actor-runs?status=SUCCEEDED&desc=1&limit=50",
        "page in the console": "actors/runs",
    },
    "gil": {
        "old ones of 3 users among 100,000": "v2/actor-runs?desc=1&limit=50",
        "that succeeded": "v2/actor-runs?status=SUCCEEDED&desc=1&limit=50",
        "page in the console": "actors/runs",
    },
}


def main(count: int) -> None:
    """Fill the database and print the figures as JSON: milliseconds by label."""
    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.test import Client

    from accounts import tokens
    from tests.benchmarks.runs_data import fill
    from tests.benchmarks.timing import milliseconds

    people, words = fill(count)
    figures = {}
    for who, pages in PAGES.items():
        account = people[who]
        _, token = tokens.create(account, "bench", by=account.principal)
        api, browser = Client(SERVER_NAME="localhost"), Client(SERVER_NAME="localhost")
        browser.force_login(account)
        for label, path in pages.items():
            client = api if path.startswith("v2/") else browser
            address = "/" + path.format(**words, half=count // 2)

            def get(client: Client = client, address: str = address, token: str = token) -> None:
                assert client.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 200

            figures[f"{who}: {label}"] = milliseconds(get, [()] * 5, rounds=3)
    print(json.dumps(figures))


if __name__ == "__main__":
    main(int(sys.argv[1]))
