"""Who can read a resource, and by what: the facts from which every sentence about access is worded.

Whether everyone can read is asked of the decision itself, for an anonymous request. Which accounts can is asked of its
twin for one resource (sharing/overview.py), which links open something of sharing/links/link_states.py. The console and
the e-mails only put the answers into words, so that no sentence claims what the decision denies.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from django.db.models import F, Q

from accounts.models import Account
from accounts.principal import ANONYMOUS
from resources.kinds import STORAGES, Kind
from resources.models import Actor, GeneralAccess, Resource
from sharing.access import AddressedBy, Facts, Parent, Reason, decide
from sharing.grant_ends import counts
from sharing.links.link_states import KeyHolder, active, load_key_holders
from sharing.models import Grant, SignedLink
from sharing.overview import Overview, overview
from sharing.permissions import Permission


class PublicAccess(StrEnum):
    """What lets everyone read, without an account: nothing, the ID, the name or the ID, or a public Actor."""

    NO = "NO"
    BY_ID = "BY_ID"
    BY_NAME_OR_ID = "BY_NAME_OR_ID"
    PUBLIC = "PUBLIC"


@dataclass(frozen=True, slots=True)
class StorageLinks:
    """What opens the content of one storage without an account: its active links, and who can sign more of them."""

    storage: Resource
    links: list[SignedLink]
    key_holders: list[KeyHolder]


@dataclass(frozen=True, slots=True)
class OtherLevel:
    """A storage that everyone can read by its ID while its run is closed to them, or the other way round."""

    storage: Resource
    everyone: PublicAccess


@dataclass(frozen=True, slots=True)
class Visibility:
    """Who can read one resource.

    `accounts` names the owner and all others who may by one of the rules 1 to 8. `links` are those of a storage, or of
    the storages of a run; `other_levels` are storages of a run that differ from it.
    """

    everyone: PublicAccess
    accounts: Overview
    links: list[StorageLinks] = field(default_factory=list)
    other_levels: list[OtherLevel] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class AccountVisibility:
    """What else than its setting decides who can read what an account owns, in numbers of resources.

    `open_by_own_level` and `restricted_by_own_level` do not follow the account, `public_builds` are builds of public
    Actors, which everyone can read, `runs_with_developers` are runs that an issue or a grant opens to the developer of
    their Actor, under each setting for run data.
    """

    open_by_own_level: int
    restricted_by_own_level: int
    public_builds: int
    runs_with_developers: int


def everyone(facts: Facts) -> PublicAccess:
    """Return what lets everyone read a resource, as the decision has it."""
    by_id = decide(ANONYMOUS, facts, Permission.READ, AddressedBy.ID)
    if by_id.reason is Reason.PUBLIC_ACTOR:
        return PublicAccess.PUBLIC
    if decide(ANONYMOUS, facts, Permission.READ, AddressedBy.NAME).allowed:
        return PublicAccess.BY_NAME_OR_ID
    return PublicAccess.BY_ID if by_id.allowed else PublicAccess.NO


def who_can_read(resource: Resource, facts: Facts) -> Visibility:
    """Return who can read `resource`, in a number of statements that does not grow."""
    accounts = overview(facts)
    if facts.kind in STORAGES:
        return Visibility(everyone(facts), accounts, _with_links([(resource, facts)]))
    if facts.kind is not Kind.RUN:
        return Visibility(everyone(facts), accounts)
    storages = [(each, _of_storage(each, facts)) for each in Resource.objects.filter(run_id=facts.id).order_by("kind")]
    here = everyone(facts)
    others = [OtherLevel(each, level) for each, of in storages if (level := everyone(of)) is not here]
    return Visibility(here, accounts, _with_links(storages), others)


def new_run_visibility(owner: Account, actor: Parent, task: Parent | None = None) -> Visibility:
    """Return who will be able to read a run that `owner` starts now, and its storages."""
    facts = Facts(
        id="",
        kind=Kind.RUN,
        owner_id=owner.pk,
        owner_username=owner.username,
        owner_general_access=owner.general_access,
        owner_shares_runs=owner.share_runs_with_actor_creators,
        actor=actor,
        task=task,
    )
    return Visibility(everyone(facts), overview(facts))


def account_visibility(account: Account) -> AccountVisibility:
    """Return what else decides who can read what an account owns, in three statements."""
    mine = Resource.objects.filter(owner=account)
    follows, restricted = (
        Q(general_access=GeneralAccess.FOLLOW_USER_SETTING),
        Q(general_access=GeneralAccess.RESTRICTED),
    )
    run_follows = Q(run__isnull=True) | Q(run__general_access=GeneralAccess.FOLLOW_USER_SETTING)
    run_restricted = follows & Q(run__general_access=GeneralAccess.RESTRICTED)
    by_own_level = mine.exclude(follows & run_follows).filter(kind__in=[Kind.RUN, Kind.BUILD, *STORAGES])
    all_, closed = by_own_level.count(), by_own_level.filter(restricted | run_restricted).count()
    public = Actor.objects.filter(is_public=True).values("pk")
    of_developers = Grant.objects.filter(
        counts(), resource__owner=account, resource_kind=Kind.RUN, account_id=F("resource__actor__owner_id")
    )
    return AccountVisibility(
        open_by_own_level=all_ - closed,
        restricted_by_own_level=closed,
        public_builds=mine.filter(kind=Kind.BUILD, actor__in=public).count(),
        runs_with_developers=of_developers.values("resource_id").distinct().count(),
    )


def open_builds(actor: Actor) -> int:
    """Return how many builds of an Actor anyone with their ID can read, also while the Actor is private."""
    builds = Resource.objects.filter(kind=Kind.BUILD, actor_id=actor.pk)
    by_account = Q(general_access=GeneralAccess.FOLLOW_USER_SETTING, owner__general_access__in=_OPEN)
    return builds.filter(Q(general_access__in=_OPEN) | by_account).count()


def _of_storage(storage: Resource, run: Facts) -> Facts:
    """Return the facts of a storage, as far as the decision for anyone but a grantee needs them."""
    return replace(
        run,
        id=storage.pk,
        kind=Kind(storage.kind),
        name=storage.name,
        general_access=storage.general_access,
        link_counter=storage.link_counter,
        actor=None,
        task=None,
        run=run,
    )


def _with_links(storages: Iterable[tuple[Resource, Facts]]) -> list[StorageLinks]:
    """Return those of at most three storages that links open, in two to seven statements for each."""
    found = [StorageLinks(each, active(each, facts), load_key_holders(facts)) for each, facts in storages]
    return [each for each in found if each.links or each.key_holders]


_OPEN = (GeneralAccess.ANYONE_WITH_ID_CAN_READ, GeneralAccess.ANYONE_WITH_NAME_CAN_READ)
