"""What an account may read: the decision's twin over the database, as lists and their totals.

It says for many resources what `decide` (sharing/access.py) says for one, and must agree with it row by row; the
tests hold them to each other. The rules and the statements that are made of them are in `sharing/list_sql`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypedDict, Unpack

from accounts.lib.sql import moment_parameter
from accounts.lib.timestamps import aware
from accounts.principal import Principal
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from sharing.access import Reason
from sharing.grant_ends import bound_moment
from sharing.list_sql.bulk_shares import POSSIBLE
from sharing.list_sql.columns import ALL, RUNS, STORAGE_KINDS
from sharing.list_sql.narrowed import Narrowed
from sharing.list_sql.pages import own_statements, page
from sharing.list_sql.totals import total
from sharing.narrowings.role import readable_kinds

# Count first when the offset is at least this large.
DEEP = 5_000
# So many counts of runs must be of an Actor's users who share theirs before lists take these users as one.
MANY_OWNERS = 1_000


class Ownership(StrEnum):
    """Which of the two lists: what the account owns, what is shared with it, or both together."""

    MINE = "MINE"
    SHARED = "SHARED"
    BOTH = "BOTH"


class Listed(NamedTuple):
    """One row of a list, with the first rule that lets the account read it."""

    id: str
    kind: Kind
    reason: Reason
    name: str | None
    title: str
    owner_id: str
    owner_username: str
    general_access: str
    created_at: datetime


class Filters(TypedDict, total=False):
    """Filters of a list; each is optional.

    `kinds` of None are all; `named_only` leaves out what has no name; `search` is a part of the name, whatever its
    case, or a whole ID; `actor_id` and `task_id` leave only what belongs to that Actor or task, `statuses` only
    runs that have one of them, `since` and `until` only what was created then or in between.
    """

    ownership: Ownership
    kinds: Sequence[Kind] | None
    named_only: bool
    search: str
    actor_id: str
    task_id: str
    statuses: Collection[JobStatus]
    since: datetime | None
    until: datetime | None


def listed(
    principal: Principal, *, offset: int = 0, limit: int = 50, newest_first: bool = True, **filters: Unpack[Filters]
) -> list[Listed]:
    """Return a page of what an account owns, is shared with it, or both, by time of creation.

    What the role of a member who acts for it does not let them read is left out. It takes at most two statements, deep
    in a list four, however much there is. What is readable by its link alone, or because an Actor is public, is never
    listed.
    """
    only, bound = _narrowed(filters, principal), _parameters(principal.account_id or "", filters)
    only = replace(only, bulk_shares=_possible_bulk_shares(only, bound))
    return (_page if offset < DEEP else _deep_page)(only, newest_first, bound, offset, limit)


def count_listed(principal: Principal, *, at_most: int | None = None, **filters: Unpack[Filters]) -> int:
    """Return how many rows `listed` has in all with these filters, in one statement.

    Where the number would have to be counted, that may stop `at_most` so far: a number below it is exact, any other
    only says that there are at least as many.
    """
    return _total(_narrowed(filters, principal), _parameters(principal.account_id or "", filters), at_most)


def _narrowed(filters: Filters, principal: Principal) -> Narrowed:
    ownership, kinds = filters.get("ownership", Ownership.BOTH), filters.get("kinds")
    wanted = ALL if kinds is None else frozenset(kinds)
    readable = readable_kinds(principal)
    wanted &= readable.kinds
    statuses = frozenset(JobStatus(status) for status in filters.get("statuses", ()))
    of_actor, of_task = bool(filters.get("actor_id")), bool(filters.get("task_id"))
    if of_actor or of_task:  # which no storage has of its own
        wanted -= STORAGE_KINDS
    return Narrowed(
        mine=ownership is not Ownership.SHARED,
        shared=ownership is not Ownership.MINE,
        kinds=wanted & RUNS if statuses else wanted,
        named=bool(filters.get("named_only")),
        searched=bool(filters.get("search")),
        of_actor=of_actor,
        of_task=of_task,
        statuses=statuses,
        since=filters.get("since") is not None,
        until=filters.get("until") is not None,
        only_default_storages=readable.only_default_storages and not STORAGE_KINDS.isdisjoint(wanted),
    )


def _parameters(account_id: str, filters: Filters) -> dict[str, Any]:
    search = filters.get("search", "")
    return {
        "me": account_id,
        "now": bound_moment(),
        "search": search,
        "pattern": f"%{_escape_like(search.lower())}%",
        "actor": filters.get("actor_id"),
        "task": filters.get("task_id"),
        "since": moment_parameter(filters.get("since")),
        "until": moment_parameter(filters.get("until")),
        "many_owners": MANY_OWNERS,
    }


def _escape_like(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _page(
    only: Narrowed, newest_first: bool, bound: Mapping[str, Any], offset: int, limit: int, skip: int = 0
) -> list[Listed]:
    """Return a page; `skip` is how many of one's own are certain to come before all of it."""
    query = page(only, newest_first)
    if query is None:
        return []
    pages = {
        "reach": offset + limit,
        "offset": offset - skip,
        "limit": limit,
        "skip": skip,
        "own": offset + limit - skip,
    }
    return [
        # One by one: to unpack a row by a star, or to call a function for it, takes as long as all else about it.
        Listed(id_, _KINDS[kind], _REASONS[rank], name, title, owner_id, username, level, aware(created_at))
        for id_, kind, rank, name, title, owner_id, username, level, created_at in query.rows({**bound, **pages})
    ]


def _deep_page(only: Narrowed, newest_first: bool, bound: Mapping[str, Any], offset: int, limit: int) -> list[Listed]:
    """Return a page that so many rows come before that it is worth to count first, in two more statements.

    It is then read from the nearer end. And of what comes before it, no more can be shared than there is; the rest is
    one's own, and skipped within the index.
    """
    mine = _total(replace(only, shared=False), bound)
    shared = _total(replace(only, mine=False), bound)
    limit = min(limit, mine + shared - offset)
    if limit <= 0:
        return []
    is_nearer_to_end = offset > mine + shared - offset - limit
    if is_nearer_to_end:
        offset, newest_first = mine + shared - offset - limit, not newest_first
    skip = max(0, offset - shared) if own_statements(only) == 1 else 0
    rows = _page(only, newest_first, bound, offset, limit, skip)
    return rows[::-1] if is_nearer_to_end else rows


def _possible_bulk_shares(only: Narrowed, bound: Mapping[str, Any]) -> tuple[int, ...]:
    """Return which BULK_SHARES a list has to ask: for most accounts none, and databases take long to plan for them.

    Totals need not look: theirs is a plan that PostgreSQL keeps.
    """
    if not only.shared or not only.kinds & (RUNS | STORAGE_KINDS):
        return ()
    [answers] = POSSIBLE.rows(bound)
    return tuple(number for number, possible in enumerate(answers) if possible)


def _total(only: Narrowed, bound: Mapping[str, Any], at_most: int | None = None) -> int:
    query = total(only, at_most is not None)
    return int(query.rows({**bound, "most": at_most})[0][0]) if query else 0


_KINDS = {kind.value: kind for kind in Kind}
_REASONS = list(Reason)
