"""The runs of the benchmark of lists of runs: a million of one account, and what others see of them and of each other.

ada    owns the runs, of her own Actors and of those of dan, whose creator she lets see them
ben    may view the owner's runs of ada's Actors; fay, of one task of hers
dan    created the public Actors that ada runs
erin   created one that very many users run, every second of whom lets her see it
gil    created one that hal runs, who lets nobody see it, and long ago a few others who do
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Final

from accounts.models import Account
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Actor, Resource, Run, Task
from sharing.models import Grant
from sharing.permissions import Permission
from tests.benchmarks import bulk, plan

PEOPLE: Final = ("ada", "ben", "dan", "erin", "fay", "gil", "hal")
FIRST: Final = datetime(2026, 1, 1, tzinfo=UTC)
# Of each of the two Actors that others than ada run, one run for each ten of hers.
OF_OTHERS: Final = 10
RUNS_OF_USER: Final = 10
SHARERS_OF_GIL: Final = 3


def fill(count: int) -> tuple[dict[str, Account], dict[str, str]]:
    """Make `count` runs of ada with their storages, and a fifth as many of others.

    Returns the people by name, and the IDs of Actors and the task by the words that the pages use for them.
    """
    people = {name: Account.objects.create_user(name, f"{name}@example.com") for name in PEOPLE}
    _share_runs("ada")
    actors = {
        **{f"ada-{number}": _actor(people["ada"], f"ada-{number}") for number in range(5)},
        **{f"dan-{number}": _actor(people["dan"], f"dan-{number}", public=True) for number in range(5)},
        "erin": _actor(people["erin"], "erin", public=True),
        "gil": _actor(people["gil"], "gil", public=True),
    }
    task = Task(owner_id=people["ada"].pk, name="nightly", actor_id=actors["ada-0"])
    task.save(force_insert=True)
    for number in range(5):
        _let_view(people["ben"], Resource.objects.get(pk=actors[f"ada-{number}"]))
    _let_view(people["fay"], task)
    ids = iter(plan.ids(4 * (count + 2 * (count // OF_OTHERS)), 7))
    of_ada, of_users, of_hal = (list(islice(ids, many)) for many in (count, count // OF_OTHERS, count // OF_OTHERS))
    _insert(_runs_of_ada(people["ada"].pk, list(actors.values())[:10], task.pk, of_ada), ids)
    _insert(_runs_of_users(actors["erin"], of_users), ids)
    _insert(_runs_of_hal(people["hal"].pk, actors["gil"], of_hal), ids)
    bulk.analyze()
    return people, {"actor": actors["ada-0"], "erin": actors["erin"], "gil": actors["gil"], "task": task.pk}


def _actor(owner: Account, name: str, *, public: bool = False) -> str:
    actor = Actor(owner_id=owner.pk, name=name, is_public=public)
    actor.save(force_insert=True)
    return actor.pk


def _share_runs(*names: str) -> None:
    Account.objects.filter(username__in=names).update(share_runs_with_actor_creators=True)


def _let_view(account: Account, resource: Resource) -> None:
    Grant.objects.create(
        resource=resource,
        account=account,
        permissions=(Permission.READ | Permission.VIEW_OWNER_RUNS).value,
        resource_kind=resource.kind,
        resource_created_at=resource.created_at,
    )


def _at(number: int) -> datetime:
    return FIRST + timedelta(seconds=number)


def _status(number: int) -> str:
    if number % 99_991 == 7:
        return JobStatus.RUNNING
    return JobStatus.FAILED if number // 10 % 20 == 3 else JobStatus.SUCCEEDED


# A run, given as (ID, owner, Actor, task, time of creation, status).
_Row = tuple[str, str, str, str | None, datetime, str]


def _runs_of_ada(owner: str, actors: list[str], task: str, runs: list[str]) -> list[_Row]:
    # Every fourth run of the first Actor is one of the task.
    return [
        (id_, owner, actors[n % 10], task if n % 40 == 0 else None, _at(n), _status(n)) for n, id_ in enumerate(runs)
    ]


def _runs_of_users(actor: str, runs: list[str]) -> list[_Row]:
    names = [f"user-{number}" for number in range(max(1, len(runs) // RUNS_OF_USER))]
    users = _users(names, sharing=lambda number: number % 2 == 0)
    return [(id_, users[n % len(users)], actor, None, _at(n), _status(n)) for n, id_ in enumerate(runs)]


def _runs_of_hal(hal: str, actor: str, runs: list[str]) -> list[_Row]:
    few = _users([f"long-ago-{number}" for number in range(SHARERS_OF_GIL)], sharing=lambda number: True)
    owners = (few[n % SHARERS_OF_GIL] if n < 100 * SHARERS_OF_GIL else hal for n in range(len(runs)))
    return [
        (id_, owner, actor, None, _at(n), _status(n)) for n, (id_, owner) in enumerate(zip(runs, owners, strict=True))
    ]


def _users(names: list[str], *, sharing: Callable[[int], bool]) -> list[str]:
    accounts = [
        Account(username=name, email=f"{name}@example.com", share_runs_with_actor_creators=sharing(number))
        for number, name in enumerate(names)
    ]
    return [account.pk for account in Account.objects.bulk_create(accounts, batch_size=1_000)]


def _insert(rows: list[_Row], ids: Iterator[str]) -> None:
    """Insert runs and the three default storages of each."""
    as_resources = ((id_, owner, actor, task, at, at, at) for id_, owner, actor, task, at, _ in rows)
    columns = ["id", "owner_id", "actor_id", "task_id", "created_at", "modified_at", "accessed_at"]
    bulk.insert(Resource, columns, as_resources, kind=Kind.RUN.value)
    as_runs = ((id_, status, owner, actor, task or "", at) for id_, owner, actor, task, at, status in rows)
    bulk.insert(Run, ["resource_ptr_id", "status", "list_owner", "list_actor", "list_task", "list_at"], as_runs)
    for kind in (Kind.DATASET, Kind.KEY_VALUE_STORE, Kind.REQUEST_QUEUE):
        storages = ((next(ids), owner, id_, at) for id_, owner, _, _, at, _ in rows)
        bulk.insert(Resource, ["id", "owner_id", "run_id", "created_at"], storages, kind=kind.value)
