"""Small worlds of accounts, resources, grants and issues, built in the database from a description.

A description has the form of a world of `tests/access/access_cases.json`; see the access model for what it means.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Account, AccountKind
from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import MODELS, Resource, Run
from sharing import grants
from sharing.access import Decision, decide
from sharing.facts import ResourceAddress, fetch
from sharing.issues import issues
from sharing.lists import Listed, Ownership, listed
from sharing.models import Grant, Issue
from sharing.permissions import Permission, parse
from tests.support.cast import PEOPLE
from tests.support.factories import make_resource


@dataclass
class World:
    """A world as it stands in the database."""

    accounts: dict[str, Account]
    resources: dict[str, Resource]
    issues: list[Issue]

    def principal(self, who: str | None) -> Principal:
        """Return the principal of an account by its name in the description; None is nobody."""
        return Principal() if who is None else self.accounts[who].principal

    def decide(self, who: str | None, what: str, permission: str, addressed_by: str = "ID") -> Decision:
        """Ask for a decision the way that the middleware does, starting from an address."""
        return self.decide_for(self.principal(who), what, permission, addressed_by)

    def decide_for(self, principal: Principal, what: str, permission: str, addressed_by: str = "ID") -> Decision:
        resource = self.resources[what]
        kind = Kind(resource.kind)
        owner = next(account for account in self.accounts.values() if account.pk == resource.owner_id)
        by_id = ResourceAddress(kind, id=resource.pk)
        by_name = ResourceAddress(kind, username=owner.username, name=resource.name or "")
        address = by_id if addressed_by == "ID" else by_name
        found = fetch(address, principal.account_id)
        assert found is not None, (what, addressed_by)
        return decide(principal, found.facts, Permission[permission], address.by)

    def listed(self, who: str, ownership: Ownership = Ownership.BOTH, **filters: Any) -> list[Listed]:
        return listed(self.principal(who), ownership=ownership, limit=1000, **filters)

    def name_of(self, resource_id: str) -> str:
        return next(name for name, resource in self.resources.items() if resource.pk == resource_id)

    def allowed(self, principals: dict[str | None, Principal] | None = None) -> set[tuple[Any, ...]]:
        """Return everything that anybody may do: (who, resource, permission, addressed by)."""
        who_is = principals or {who: self.principal(who) for who in (None, *PEOPLE)}
        return {
            (who, name, permission.name, by)
            for who, principal in who_is.items()
            for name, resource in self.resources.items()
            for permission in Permission
            for by in ("ID", "NAME")
            if (by == "ID" or resource.name) and self.decide_for(principal, name, permission.name or "", by).allowed
        }


def build(description: dict[str, Any]) -> World:
    """Put a world into the database, by the project's own functions where there is one; its `now` is the time."""
    world, now = World({}, {}, []), timezone.now()
    for each in description["accounts"]:
        world.accounts[each["name"]] = Account.objects.create_user(
            each["name"],
            f"{each['name']}@example.com",
            kind=each.get("kind", AccountKind.PERSON),
            general_access=each["generalAccess"],
            share_runs_with_actor_creators=each["shareRunsWithActorCreators"],
        )
    for each in description["resources"]:
        world.resources[each["name"]] = _resource(world, each)
    for each in description["grants"]:
        resource = world.resources[each["resource"]]
        permissions = parse(each["permissions"], Kind(resource.kind))
        grant, _ = grants.grant(resource, world.accounts[each["account"]], permissions, by=_owner(world, resource))
        if each.get("expiresAt") is not None:
            left = timedelta(milliseconds=each["expiresAt"] - description["now"])
            Grant.objects.filter(pk=grant.pk).update(expires_at=now + left)
    for each in description["issues"]:
        run, actor = Run.objects.get(pk=world.resources[each["run"]].pk), world.resources[each["actor"]]
        issue = Issue.objects.create(actor_id=actor.pk, author=world.accounts[each["author"]], title="Prices missing")
        issues.attach_run(issue, run, by=_owner(world, run))
        world.issues.append(issue)
    return world


def _resource(world: World, each: dict[str, Any]) -> Resource:
    kind = Kind(each["kind"])
    fields: dict[str, Any] = {key: world.resources[each[key]] for key in ("actor", "task", "run") if each.get(key)}
    if "permissionLevel" in each:
        fields["permission_level"] = each["permissionLevel"]
    if each.get("startedBy"):
        fields["started_by_run"] = world.resources[each["startedBy"]].pk
    name = each.get("storageName") if MODELS[kind]().info.storage else each["name"]
    if kind in (Kind.RUN, Kind.BUILD):
        name = None
    if "run" in fields:  # default storages are made at the same time as their run
        fields["created_at"] = fields["run"].created_at
    return make_resource(
        kind,
        world.accounts[each["owner"]],
        name=name,
        is_public=each.get("public", False),
        created_by_actor=world.resources[each["createdByActor"]].pk if each.get("createdByActor") else None,
        general_access=each.get("generalAccess", "FOLLOW_USER_SETTING"),
        **fields,
    )


def _owner(world: World, resource: Resource) -> Principal:
    return next(a for a in world.accounts.values() if a.pk == resource.owner_id).principal


def remembering(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that asks another one once for the same arguments: a world that is checked stands still."""
    answers: dict[tuple[Any, ...], Any] = {}

    def remember(*arguments: Any) -> Any:
        if arguments not in answers:
            answers[arguments] = function(*arguments)
        return answers[arguments]

    return remember
