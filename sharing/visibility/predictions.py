"""Predict what a setting or dialog would change, by asking the decision about hypothetical resources.

`sharing/visibility/visibility.py` says who can read what there is. Here are the rules that a setting or a button turns
on and off: who makes links and what these open, what developers read, and who sees an Actor and its builds and runs
once it is public or private.
"""

from dataclasses import dataclass, replace

from django.db.models import Exists, OuterRef, Q

from accounts.models import Account
from accounts.principal import ANONYMOUS, Principal
from resources.kinds import Kind
from resources.models import Actor, GeneralAccess, Resource
from sharing.access import Access, AddressedBy, Facts, Parent, decide
from sharing.grant_ends import counts
from sharing.links import link_limits, links
from sharing.models import Grant, StorageKey
from sharing.overview import overview
from sharing.permissions import NOTHING, Permission
from sharing.signatures import SignedContent, ValidSignature
from sharing.visibility.visibility import PublicAccess, everyone, open_builds

# No account has such an ID: these are the accounts in a question about anyone.
_STRANGER = Principal("-stranger", "")
_DEVELOPER = Principal("-developer", "")


@dataclass(frozen=True, slots=True)
class LinkMakers:
    """Which users other than the owner can make links to a storage, by what they were granted on it."""

    readers: bool
    writers: bool
    managers: bool


@dataclass(frozen=True, slots=True)
class ActiveLinks:
    """The links to what an account owns that were made here and have not ended, and the keys that were given.

    `of_others` of the `links` were made by other accounts; each opens something while its maker may read the storage.
    With the `keys` clients sign links that are on no list.
    """

    links: int
    of_others: int
    keys: int


@dataclass(frozen=True, slots=True)
class DeveloperAccess:
    """What the developer of a public Actor reads of an account's Restricted run of it."""

    run: bool
    storages: bool


@dataclass(frozen=True, slots=True)
class VisibilityAfterPublish:
    """Who can see an Actor and what is made of it, once it is public or private.

    `readers` and `runners` are the names of the owner and the users who can see and run it because of what they were
    given. `open_builds` is how many of its builds anyone with their ID can read also while it is private,
    `own_builds` how many have an owner or a grant of their own. `developer_reads_shared` tells whether its owner reads
    the runs of users who share run data.
    """

    everyone: PublicAccess
    everyone_runs: bool
    builds: PublicAccess
    runs: PublicAccess
    developer_reads_shared: bool
    readers: list[str]
    runners: list[str]
    open_builds: int
    own_builds: int


def opens_by_link(facts: Facts) -> bool:
    """Tell whether a signature that holds opens what it signs of a storage to everyone."""
    return decide(ANONYMOUS, facts, Permission.READ, signed=ValidSignature(SignedContent.CONTENT, "", 0)).allowed


def links_open(account: Account) -> bool:
    """Tell whether links open the content of an account's Restricted storages to everyone."""
    return opens_by_link(_storage(account, GeneralAccess.RESTRICTED))


def link_makers(account: Account, level: GeneralAccess, *, readers_make_links: bool) -> LinkMakers:
    """Return who can make links to storages of an account that have a level, under a setting for readers."""

    def can(granted: Permission) -> bool:
        facts = _storage(account, level, readers_make_links=readers_make_links, granted=granted)
        return links.link_refusal(Access(_STRANGER, Resource(), facts, AddressedBy.ID)) is None

    return LinkMakers(can(Permission.READ), can(Permission.WRITE), can(Permission.MANAGE_ACCESS_RIGHTS))


def links_to_what_is_owned_by(account: Account) -> ActiveLinks:
    """Return what links and keys to what an account owns stand, in three statements."""
    standing = link_limits.active_links(account)
    return ActiveLinks(
        links=standing.count(),
        of_others=standing.exclude(made_by=account).count(),
        keys=StorageKey.objects.filter(resource__owner=account).count(),
    )


def developer_access(account: Account, *, shares: bool) -> DeveloperAccess:
    """Return what the developer of a public Actor reads of an account's Restricted runs, under a setting for them."""
    actor = Parent("-actor", _DEVELOPER.account_id or "", is_public=True)
    run = replace(_run(account.pk, actor), owner_shares_runs=shares)
    storage = replace(run, id="-storage", kind=Kind.DATASET, actor=None, run=run)
    return DeveloperAccess(*(decide(_DEVELOPER, each, Permission.READ).allowed for each in (run, storage)))


def visibility_after_publish(actor: Actor, facts: Facts, *, public: bool) -> VisibilityAfterPublish:
    """Return who will see an Actor, its builds and its runs if it is made public or private, in four statements."""
    after = replace(facts, is_public=public)
    parent = replace(Parent.of(after), granted=NOTHING)
    build = replace(_restricted(Kind.BUILD, facts.owner_id), actor=parent)
    run = _run(_STRANGER.account_id or "", parent)
    shared = replace(run, owner_shares_runs=True)
    developer = Principal(facts.owner_id, facts.owner_username)
    access = overview(after)
    run_by = [right.username for right in access.items if Permission.RUN.name in right.permissions]
    return VisibilityAfterPublish(
        everyone=everyone(after),
        everyone_runs=decide(_STRANGER, replace(after, granted=NOTHING), Permission.RUN).allowed,
        builds=everyone(build),
        runs=everyone(run),
        developer_reads_shared=decide(developer, shared, Permission.READ).allowed,
        readers=[access.owner_username, *(right.username for right in access.items)],
        runners=[access.owner_username, *run_by],
        open_builds=open_builds(actor),
        own_builds=_own_builds(actor),
    )


def _own_builds(actor: Actor) -> int:
    granted = Exists(Grant.objects.filter(counts(), resource_id=OuterRef("pk")))
    builds = Resource.objects.filter(kind=Kind.BUILD, actor_id=actor.pk)
    return builds.filter(granted | ~Q(owner_id=actor.owner_id)).count()


def _storage(
    account: Account, level: GeneralAccess, *, readers_make_links: bool = False, granted: Permission = NOTHING
) -> Facts:
    return replace(
        _restricted(Kind.DATASET, account.pk),
        general_access=level,
        owner_readers_make_links=readers_make_links,
        granted=granted,
    )


def _run(owner_id: str, actor: Parent) -> Facts:
    return replace(_restricted(Kind.RUN, owner_id), actor=actor)


def _restricted(kind: Kind, owner_id: str) -> Facts:
    return Facts(
        id=f"-{kind}",
        kind=kind,
        owner_id=owner_id,
        owner_general_access=GeneralAccess.RESTRICTED,
        general_access=GeneralAccess.RESTRICTED,
    )
