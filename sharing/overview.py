"""Who has access to a resource, and how: what the share dialog and the API show.

It is the decision's rules 1 to 8 read the other way round, for one resource: not "may this account read it?" but
"which accounts may?". It takes two statements, however many people there are.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from accounts.models import Account
from resources.kinds import Kind
from sharing.access import Facts, Parent, Reason, general_access_source
from sharing.grant_ends import counts, is_counted, shown_as_ended
from sharing.models import Grant
from sharing.permissions import Permission


@dataclass(frozen=True, slots=True)
class Right:
    """A grant on this very resource. `source` is "DIRECT" or "ISSUE", `granted_by` an account's ID or empty.

    `expires_at` is when it ends, None for never.
    """

    account_id: str
    username: str
    permissions: list[str]
    source: str
    created_at: datetime
    granted_by: str = ""
    issue_id: str | None = None
    issue_title: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InheritedAccess:
    """Access that comes from something else: from the Actor, task or run that the resource belongs to.

    An `account_id` of None stands for everybody. `through` is what the access comes from, with its kind and name;
    where it is a run, `run_reason` says how the account may read that run, and `via` names the Actor or task.
    `expires_at` is when the grant ends that it comes from, None for never.
    """

    account_id: str | None
    username: str
    permissions: list[str]
    reason: Reason
    through: "Through | None" = None
    run_reason: Reason | None = None
    via: "Through | None" = None
    issue_title: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Through:
    """An Actor, task or run that gives access to something else."""

    kind: Kind
    id: str
    name: str

    @classmethod
    def of(cls, kind: Kind, parent: Parent) -> "Through":
        """Return what stands for an Actor or a task."""
        return cls(kind, parent.id, parent.name or parent.id)


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything about who may do what with one resource.

    `inherited_from` is None where the resource has its own level, else "ACCOUNT" or "RUN". `items` are the grants that
    count, `ended` those of the last days that do not any more.
    """

    owner_id: str
    owner_username: str
    general_access: str
    effective_general_access: str
    inherited_from: str | None
    items: list[Right] = field(default_factory=list)
    elsewhere: list[InheritedAccess] = field(default_factory=list)
    ended: list[Right] = field(default_factory=list)


def overview(facts: Facts) -> Overview:
    """Return who has access to the resource that `facts` are about, oldest grants first, in two statements.

    The resource need not exist yet.
    """
    level, inherited_from = general_access_source(facts)
    around = _Surroundings(facts)
    return Overview(
        owner_id=facts.owner_id,
        owner_username=facts.owner_username,
        general_access=facts.general_access,
        effective_general_access=level,
        inherited_from=inherited_from,
        items=[_right(grant) for grant in around.grants_on(facts.id)],
        elsewhere=[found for found in around.elsewhere() if found.account_id != facts.owner_id],
        ended=[_right(grant) for grant in around.ended],
    )


def _right(grant: Grant) -> Right:
    return Right(
        account_id=grant.account_id,
        username=grant.account.username,
        permissions=_granted(grant).names,
        source=grant.source,
        created_at=grant.created_at,
        granted_by=grant.granted_by,
        issue_id=grant.issue_id,
        issue_title=grant.issue.title if grant.issue else None,
        expires_at=grant.expires_at,
    )


def _granted(grant: Grant) -> Permission:
    return Permission(grant.permissions) | Permission.READ


class _Surroundings:
    """A resource with the grants on it, and on what it belongs to."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        # What is said of a run's readers is said of its default storages' readers too.
        self.run = facts.run if facts.run is not None else facts if facts.kind is Kind.RUN else None
        self.actor = self.run.actor if self.run else facts.actor
        self.task = self.run.task if self.run else facts.task
        found = self._fetch_grants(facts.id)
        self._grants: list[Grant] = [grant for grant in found if grant.is_counted]
        self.ended: list[Grant] = [grant for grant in found if not grant.is_counted]
        self._usernames = self._fetch_usernames()

    def _fetch_grants(self, resource_id: str) -> list[Any]:
        """Return the grants that count, and of the resource itself those too that have ended and are still shown.

        Each tells by `is_counted` which it is.
        """
        whole = [resource_id, *([self.run.id] if self.run else [])]
        wanted = Q(resource_id__in=whole)
        parents = Q(resource_id__in=[parent.id for parent in (self.actor, self.task) if parent])
        if self.facts.kind is Kind.BUILD:
            wanted |= parents & Q(source=Grant.Source.DIRECT)
        elif self.run is not None:
            wanted |= parents & Q(source=Grant.Source.DIRECT, views_owner_runs=Permission.VIEW_OWNER_RUNS.value)
        return list(
            Grant.objects.alias(views_owner_runs=F("permissions").bitand(Permission.VIEW_OWNER_RUNS.value))
            .annotate(is_counted=is_counted())
            .filter(wanted & (counts() | (shown_as_ended() & Q(resource_id=resource_id))))
            .select_related("account", "issue")
            .order_by("created_at", "id")
        )

    def _fetch_usernames(self) -> dict[str, str]:
        ids = {parent.owner_id for parent in (self.run, self.actor) if parent} - {self.facts.owner_id}
        return dict(Account.objects.filter(pk__in=ids).values_list("pk", "username")) if ids else {}

    def grants_on(self, resource_id: str, source: str | None = None) -> list[Grant]:
        return [grant for grant in self._grants if grant.resource_id == resource_id and source in (None, grant.source)]

    def elsewhere(self) -> Iterator[InheritedAccess]:
        match self.facts.kind:
            case Kind.ACTOR:
                yield from self._public_actor()
            case Kind.BUILD:
                yield from self._readers_of_build()
            case Kind.RUN:
                yield from self._readers_of_run_elsewhere()
            case _ if self.facts.run is not None:
                yield from self._readers_through_run(self.facts.run)

    def _public_actor(self) -> Iterator[InheritedAccess]:
        if self.facts.is_public:
            yield InheritedAccess(
                None, "", [Permission.READ.name or "", Permission.RUN.name or ""], Reason.PUBLIC_ACTOR
            )

    def _readers_of_build(self) -> Iterator[InheritedAccess]:
        if self.actor is None:
            return
        through = Through.of(Kind.ACTOR, self.actor)
        for grant in self.grants_on(self.actor.id):
            builds = Permission.BUILD in _granted(grant)
            may = Permission.READ | Permission.WRITE if builds else Permission.READ
            yield InheritedAccess(
                grant.account_id,
                grant.account.username,
                may.names,
                Reason.ACTOR_GRANT,
                through,
                expires_at=grant.expires_at,
            )
        if self.actor.is_public:
            yield InheritedAccess(None, "", Permission.READ.names, Reason.PUBLIC_ACTOR, through)

    def _readers_of_run_elsewhere(self) -> Iterator[InheritedAccess]:
        """Rules 6 and 7; the run's own grants and those from issues are listed as grants."""
        run = self.run
        if run is None:
            return
        for kind, parent in ((Kind.ACTOR, self.actor), (Kind.TASK, self.task)):
            if parent is not None and parent.owner_id == run.owner_id:
                for grant in self.grants_on(parent.id):
                    through, ends = Through.of(kind, parent), grant.expires_at
                    yield _reads(grant.account_id, grant.account.username, Reason.OWNER_RUNS, through, ends)
        actor = self.actor
        if actor is not None and actor.is_public and run.owner_shares_runs and actor.owner_id != run.owner_id:
            creator = self._usernames.get(actor.owner_id, "")
            yield _reads(actor.owner_id, creator, Reason.CREATOR_RUNS, Through.of(Kind.ACTOR, actor))

    def _readers_through_run(self, run: Facts) -> Iterator[InheritedAccess]:
        """Rule 8: accounts that may read the run by an explicit rule read its default storages."""
        through = Through(Kind.RUN, run.id, run.id)
        if run.owner_id != self.facts.owner_id:
            yield _by_run(run.owner_id, self._usernames.get(run.owner_id, ""), Reason.OWNER, through)
        for grant in self.grants_on(run.id):
            reason = Reason.ISSUE if grant.source == Grant.Source.ISSUE else Reason.GRANT
            title, ends = grant.issue.title if grant.issue else None, grant.expires_at
            username = grant.account.username
            yield _by_run(grant.account_id, username, reason, through, issue_title=title, expires_at=ends)
        for reader in self._readers_of_run_elsewhere():
            via, ends = reader.through, reader.expires_at
            yield _by_run(reader.account_id, reader.username, reader.reason, through, via=via, expires_at=ends)


def _reads(
    account_id: str, username: str, reason: Reason, through: Through, expires_at: datetime | None = None
) -> InheritedAccess:
    return InheritedAccess(account_id, username, Permission.READ.names, reason, through, expires_at=expires_at)


def _by_run(
    account_id: str | None,
    username: str,
    run_reason: Reason,
    through: Through,
    *,
    via: Through | None = None,
    issue_title: str | None = None,
    expires_at: datetime | None = None,
) -> InheritedAccess:
    return InheritedAccess(
        account_id, username, Permission.READ.names, Reason.RUN, through, run_reason, via, issue_title, expires_at
    )
