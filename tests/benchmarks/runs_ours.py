"""Our side of the benchmark of lists of runs, in a process of its own: `python -m tests.benchmarks.runs_ours COUNT`."""

import json
import sys
from datetime import UTC, datetime, timedelta

import django
from django.core.management import call_command

ACTORS = 10
PAGES = {
    "the newest 50": "actor-runs?desc=1&limit=50",
    "the oldest 50": "actor-runs?limit=50",
    "of an Actor": "actors/{actor}/runs?desc=1&limit=50",
    "that succeeded": "actor-runs?status=SUCCEEDED&desc=1&limit=50",
    "that are at work": "actor-runs?status=RUNNING,READY&desc=1&limit=50",
    "of an Actor, that failed": "actors/{actor}/runs?status=FAILED&desc=1&limit=50",
    "of one hour": "actor-runs?startedAfter=2026-01-02T00:00:00Z&startedBefore=2026-01-02T01:00:00Z&limit=50",
}


def main(count: int) -> None:
    """Fill the database and print the figures as JSON."""
    django.setup()
    call_command("migrate", verbosity=0)
    from django.test import Client

    from accounts import tokens
    from accounts.models import Account
    from tests.benchmarks.timing import milliseconds

    account = Account.objects.create_user("ada", "ada@example.com")
    actors = _fill(account, count)
    _, token = tokens.create(account, "bench", by=account.principal)
    client = Client(headers={"Authorization": f"Bearer {token}"})

    def get(path: str) -> None:
        assert client.get(f"/v2/{path}").status_code == 200

    paths = {label: path.format(actor=actors[0]) for label, path in PAGES.items()}
    print(json.dumps({label: milliseconds(get, [(path,)] * 5, rounds=3) for label, path in paths.items()}))


def _fill(account: "Account", count: int) -> list[str]:  # type: ignore[name-defined]  # noqa: F821
    """Make Actors and their runs, each with its storages, and return the IDs of the Actors."""
    from resources.jobs import JobStatus
    from resources.kinds import Kind
    from resources.models import Resource, Run
    from tests.benchmarks import bulk, plan

    ids = plan.ids(4 * count + ACTORS, 7)
    actors, runs, storages = ids[:ACTORS], ids[ACTORS : ACTORS + count], ids[ACTORS + count :]
    first = datetime(2026, 1, 1, tzinfo=UTC)

    def at(number: int) -> datetime:
        return first + timedelta(seconds=number)

    def status(number: int) -> str:
        if number % 100_000 == 7:
            return JobStatus.RUNNING
        return JobStatus.FAILED if number % 20 == 3 else JobStatus.SUCCEEDED

    from resources.models import Actor

    for number, id_ in enumerate(actors):
        Actor(id=id_, owner_id=account.pk, name=f"actor-{number}").save(force_insert=True)
    rows = ((id_, actors[n % ACTORS], at(n), at(n), at(n)) for n, id_ in enumerate(runs))
    varying = ["id", "actor_id", "created_at", "modified_at", "accessed_at"]
    bulk.insert(Resource, varying, rows, kind=Kind.RUN.value, owner_id=account.pk)
    details = ((id_, status(n), account.pk, actors[n % ACTORS], at(n)) for n, id_ in enumerate(runs))
    bulk.insert(Run, ["resource_ptr_id", "status", "list_owner", "list_actor", "list_at"], details)
    for kind, part in ((Kind.DATASET, 0), (Kind.KEY_VALUE_STORE, 1), (Kind.REQUEST_QUEUE, 2)):
        of_kind = storages[part * count : (part + 1) * count]
        of_run = ((id_, runs[n], at(n)) for n, id_ in enumerate(of_kind))
        bulk.insert(Resource, ["id", "run_id", "created_at"], of_run, kind=kind.value, owner_id=account.pk)
    bulk.analyze()
    return actors


if __name__ == "__main__":
    main(int(sys.argv[1]))
