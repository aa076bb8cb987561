"""Who is granted what in the benchmarks of sharing: the same for every side, by a fixed seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from accounts.lib.ids import ALPHABET, LENGTH

ACCOUNTS = 1_000
FEW, MANY = 0, 1  # two accounts whose lists are timed
FEW_GRANTS, MANY_GRANTS = 20, 10_000
CHECKS = 1_000

FULL_SIZES = [(resources, grants) for resources in (100_000, 1_000_000) for grants in (10_000, 100_000, 1_000_000)]
QUICK_SIZES = [(20_000, 2_000), (20_000, 20_000), (40_000, 2_000), (40_000, 40_000)]


@dataclass(frozen=True, slots=True)
class Check:
    """One question, and the answer that both sides must give."""

    account: int
    resource: int
    granted: bool


def ids(count: int, seed: int) -> list[str]:
    """Return identifiers as random as real ones, always the same."""
    source = random.Random(seed)
    return ["".join(source.choices(ALPHABET, k=LENGTH)) for _ in range(count)]


def created_at(resource: int) -> datetime:
    """Return when a resource was created: no two at the same moment, in an order of no meaning."""
    return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=(resource * 7_919) % 10_000_019)


def owner_of(resource: int) -> int:
    """Return the account that owns a resource; never one of the two whose lists are timed."""
    return 2 + resource % (ACCOUNTS - 2)


def grants(resources: int, count: int) -> Iterator[tuple[int, int]]:
    """Return (account, resource) of `count` grants over all accounts, and those of the two accounts besides."""
    source = random.Random(count)
    many = min(MANY_GRANTS, resources // 4)
    for account, how_many in ((FEW, FEW_GRANTS), (MANY, many)):
        for resource in source.sample(range(resources), how_many):
            yield account, resource
    seen: set[int] = set()
    while len(seen) < count:
        account, resource = source.randrange(2, ACCOUNTS), source.randrange(resources)
        key = account * resources + resource
        if key not in seen and owner_of(resource) != account:
            seen.add(key)
            yield account, resource


def checks(resources: int, count: int) -> list[Check]:
    """Return questions about `count` grants, every second one about something that was never granted."""
    granted = set(grants(resources, count))
    source = random.Random(count + 1)
    positive = source.sample(sorted(granted), CHECKS // 2)
    asked = [Check(account, resource, True) for account, resource in positive]
    while len(asked) < CHECKS:
        account, resource = source.randrange(2, ACCOUNTS), source.randrange(resources)
        if (account, resource) not in granted and owner_of(resource) != account:
            asked.append(Check(account, resource, False))
    source.shuffle(asked)
    return asked
