"""Conditions of lists: what one is narrowed to, and what that means for the columns of a statement."""

from collections.abc import Collection
from dataclasses import dataclass

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from sharing.list_sql.bulk_shares import BULK_SHARES, OwnerParentPairs
from sharing.list_sql.columns import NAMELESS, STORAGE_KINDS, RunColumns


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What a list is narrowed to: ownership, kinds, and which conditions it has, whose values are bound.

    With `only_default_storages` a storage counts only where it is a run's. `bulk_shares` are those of the BULK_SHARES,
    by their number, that can find something.
    """

    mine: bool
    shared: bool
    kinds: frozenset[Kind]
    named: bool
    searched: bool
    of_actor: bool
    of_task: bool
    statuses: frozenset[JobStatus]
    since: bool
    until: bool
    only_default_storages: bool = False
    bulk_shares: tuple[int, ...] = tuple(range(len(BULK_SHARES)))

    @property
    def pairs(self) -> list[OwnerParentPairs]:
        """The rules that can find something that is shared in bulk."""
        return [BULK_SHARES[number] for number in self.bulk_shares]

    @property
    def picks(self) -> bool:
        """Whether it leaves so little that to find all of it is cheap."""
        return self.named or self.searched

    @property
    def has_run_count(self) -> bool:
        """Whether the number of runs is known, and need not be counted."""
        return not (self.picks or self.since or self.until)

    def within(self, at: str) -> list[str]:
        """Return the conditions on the time of creation."""
        since = [f"{at} >= %(since)s"] if self.since else []
        return [*since, f"{at} <= %(until)s"] if self.until else since

    def of_runs(self, kinds: frozenset[Kind]) -> list[str]:
        """Return the condition that a storage is a run's, where others are not for the principal to read."""
        if not self.only_default_storages or kinds.isdisjoint(STORAGE_KINDS):
            return []
        if kinds <= STORAGE_KINDS:
            return ["r.run_id IS NOT NULL"]
        return [f"(r.run_id IS NOT NULL OR NOT {of_kinds(STORAGE_KINDS, 'r.kind')})"]

    def names(self, kinds: frozenset[Kind]) -> list[list[str]]:
        """Return the conditions on ID and name: some for each time that a rule is asked, for each has its index."""
        return self.by_id(kinds) + self.by_name(kinds) if self.picks else [[]]

    def by_id(self, kinds: frozenset[Kind]) -> list[list[str]]:
        """Return the conditions that the ID is what is searched for, if it may be."""
        if not self.searched or (self.named and kinds <= NAMELESS):
            return []
        return [["r.id = %(search)s", "r.name IS NOT NULL"] if self.named else ["r.id = %(search)s"]]

    def by_name(self, kinds: frozenset[Kind]) -> list[list[str]]:
        """Return the conditions on the name, if there can be one; they leave out what is found by its ID."""
        if kinds <= NAMELESS:
            return []
        searched = ["LOWER(r.name) LIKE %(pattern)s ESCAPE '!'", "r.id <> %(search)s"] if self.searched else []
        return [["r.name IS NOT NULL", *searched]]

    def of_parents(self, run: RunColumns) -> list[str]:
        """Return the conditions on the Actor and the task."""
        of_actor = [f"{run.actor} = %(actor)s"] if self.of_actor else []
        return [*of_actor, f"{run.task} = %(task)s"] if self.of_task else of_actor

    def by_status(self, column: str) -> list[list[str]]:
        """Return the conditions on the status: one for each status, as indexes are sorted."""
        return [[f"{column} = '{status.value}'"] for status in sorted(self.statuses)] or [[]]

    def with_status(self, column: str) -> list[str]:
        """Return the condition that the status is one of those that are asked for."""
        words = ", ".join(f"'{status.value}'" for status in sorted(self.statuses))
        return [f"{column} IN ({words})"] if words else []


def of_kinds(kinds: Collection[Kind], column: str) -> str:
    """Return the condition that a resource is of one of these kinds."""
    words = [f"'{kind.value}'" for kind in sorted(kinds)]
    return f"{column} = {words[0]}" if len(words) == 1 else f"{column} IN ({', '.join(words)})"
