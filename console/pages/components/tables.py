"""What every list in the console has: pages, and for each row its general access and what one may do with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from accounts.principal import Principal
from console.pages.components.access_badges import Badge, access_badge
from resources.kinds import Kind
from resources.models import Resource
from sharing.access import Facts, Parent, decide
from sharing.grant_ends import counts
from sharing.models import Grant
from sharing.permissions import NOTHING, Permission

ROWS = 50
# How many rows after its own a page has counted, where the database would have to count them one by one.
MOST_COUNTED = 10_000


@dataclass(frozen=True, slots=True)
class Paging:
    """One page of `total` rows; `number` counts from 1 and always names a page that there is.

    `has_more` says that `total` is only what has been counted: there are more.
    """

    total: int
    number: int
    size: int
    has_more: bool = False

    @classmethod
    def of(cls, query: Mapping[str, str], total: int, size: int = ROWS) -> Self:
        """Read `page` from a query; what is no number is the first page, what is beyond the last one is the last."""
        return cls(total, max(1, min(cls._wanted(query), cls.pages(total, size))), size)

    @classmethod
    def counting(cls, query: Mapping[str, str], count: Callable[[int], int], size: int = ROWS) -> Self:
        """Read `page` likewise; `count(at_most)` counts as far as `count_listed` does."""
        most = (cls._wanted(query) - 1) * size + MOST_COUNTED
        total = count(most + 1)
        return replace(cls.of(query, min(total, most), size), has_more=total > most)

    @staticmethod
    def _wanted(query: Mapping[str, str]) -> int:
        text = query.get("page", "")
        return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 16 else 1

    @staticmethod
    def pages(total: int, size: int) -> int:
        """Return how many pages there are; an empty list has one."""
        return max(1, -(-total // size))

    @property
    def offset(self) -> int:
        """How many rows come before this page."""
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        """The number of the first row on this page, from 1; 0 when there is none."""
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        """The number of the last row on this page."""
        return min(self.offset + self.size, self.total)

    @property
    def of_pages(self) -> int:
        """How many pages there are."""
        return self.pages(self.total, self.size)

    @property
    def previous(self) -> int | None:
        """The page before this one."""
        return self.number - 1 if self.number > 1 else None

    @property
    def next(self) -> int | None:
        """The page after this one."""
        return self.number + 1 if self.number < self.of_pages else None


@dataclass(frozen=True, slots=True)
class Row:
    """A resource in a list, with what the list says of it.

    The level of general access is for those who may manage access; who may not has no badge.
    """

    resource: Resource
    badge: Badge | None
    is_mine: bool
    can_write: bool
    can_share: bool


def build_rows(resources: Iterable[Resource], principal: Principal) -> list[Row]:
    """Return the rows for resources, with one query for all of them.

    Their owner, their run with its owner and the Actor of a build are at hand.

    What is asked of the decision are only permissions that come from ownership or a grant on the resource itself,
    which is all that the facts gathered here know of.
    """
    resources = list(resources)
    grants = Grant.objects.filter(
        counts(),
        account_id=principal.account_id,
        source=Grant.Source.DIRECT,
        resource_id__in=[each.pk for each in resources],
    )
    granted = dict(grants.values_list("resource_id", "permissions"))
    return [_row(each, Permission(granted.get(each.pk, NOTHING)), principal) for each in resources]


def _row(resource: Resource, granted: Permission, principal: Principal) -> Row:
    facts = _facts(resource, granted)
    can_share = decide(principal, facts, Permission.MANAGE_ACCESS_RIGHTS).allowed
    return Row(
        resource=resource,
        badge=access_badge(facts) if resource.info.general_access and can_share else None,
        is_mine=resource.owner_id == principal.account_id,
        can_write=decide(principal, facts, Permission.WRITE).allowed,
        can_share=can_share,
    )


def _facts(resource: Resource, granted: Permission) -> Facts:
    run = resource.run
    return Facts(
        id=resource.pk,
        kind=Kind(resource.kind),
        owner_id=resource.owner_id,
        owner_username=resource.owner.username,
        owner_general_access=resource.owner.general_access,
        name=resource.name,
        general_access=resource.general_access,
        granted=granted,
        actor=None if resource.kind != Kind.BUILD or resource.actor is None else _parent(resource.actor),
        run=None if run is None else _facts(run, NOTHING),
    )


def _parent(actor: Resource) -> Parent:
    return Parent(actor.pk, actor.owner_id, actor.name, actor.is_public)
