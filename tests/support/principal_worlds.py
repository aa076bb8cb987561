"""Worlds with organizations, roles, tokens and runs: built in the database, with the principals that act in them.

A description has the form of a world of `tests/access/principal_cases.json`; see the design of principals.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from accounts import tokens
from accounts.models import ApiToken, Membership, OrganizationRole
from accounts.organizations.acting import load_principal
from accounts.principal import ANONYMOUS, Principal
from resources.models import Resource, Run
from resources.runs.tokens import build_identity
from sharing.access import Decision
from sharing.lists import Listed, listed
from tests.support import worlds

_GROUPS = {"actors": "actor", "tasks": "task", "storages": "storage", "schedules": "schedule"}


@dataclass
class PrincipalWorld:
    """A world as it stands in the database, and its principals by their names, as they were when it was built.

    `load` has how each is read from the database as it is now.
    """

    world: worlds.World
    load: dict[str, Callable[[], Principal]] = field(default_factory=dict)
    principals: dict[str, Principal] = field(default_factory=dict)

    def decide(self, who: str, what: str, permission: str, addressed_by: str) -> Decision:
        return self.world.decide_for(self.principals[who], what, permission, addressed_by)

    def listed(self, who: str) -> list[Listed]:
        return listed(self.principals[who], limit=1000)


def build(description: dict[str, Any]) -> PrincipalWorld:
    """Put a world into the database, by the project's own functions where there is one."""
    made = PrincipalWorld(worlds.build(description))
    _make_members(made.world, description)
    texts = {each["name"]: _make_token(made.world, each) for each in description["principals"] if "scope" in each}
    token_ids = {name: tokens.resolve(text).token_id or "" for name, text in texts.items()}
    _set_origins(made.world, description, token_ids)
    for each in description["principals"]:
        made.load[each["name"]] = _loader(made.world, each, texts, token_ids)
        made.principals[each["name"]] = made.load[each["name"]]()
    return made


def _make_members(world: worlds.World, description: dict[str, Any]) -> None:
    for each in description["roles"]:
        OrganizationRole.objects.create(
            organization=world.accounts[each["organization"]],
            name=each["name"],
            permissions={group: each["permissions"][kind] for group, kind in _GROUPS.items()},
        )
    for each in description["memberships"]:
        organization = world.accounts[each["organization"]]
        role = OrganizationRole.objects.get(organization=organization, name=each["role"])
        Membership.objects.create(organization=organization, person=world.accounts[each["person"]], role=role)


def _make_token(world: worlds.World, each: dict[str, Any]) -> str:
    scope = each["scope"]
    entries = [
        {
            "kind": entry["kind"],
            "permissions": entry["permissions"],
            "resourceId": world.resources[entry["resource"]].pk if entry["resource"] else None,
        }
        for entry in scope["entries"]
    ]
    account = world.accounts[each["account"]]
    token, text = tokens.create(account, each["name"], by=account.principal, scope=entries)
    ApiToken.objects.filter(pk=token.pk).update(
        default_run_storages=scope["defaultRunStorages"],
        actor_runs=scope["actorRuns"],
        member_id=world.accounts[each["member"]].pk if "member" in each else "",
    )
    return text


def _set_origins(world: worlds.World, description: dict[str, Any], token_ids: dict[str, str]) -> None:
    """Let resources be created with the tokens, and runs be started with what their inputs name."""
    for each in description["resources"]:
        resource = world.resources[each["name"]]
        Resource.objects.filter(pk=resource.pk).update(created_by_token=token_ids.get(each["createdBy"] or ""))
        if each["kind"] == "run":
            names = {world.resources[named["resource"]].pk: named["permissions"] for named in each["inputNames"]}
            Run.objects.filter(pk=resource.pk).update(input_names=names)


def _loader(
    world: worlds.World, each: dict[str, Any], texts: dict[str, str], token_ids: dict[str, str]
) -> Callable[[], Principal]:
    if each["account"] is None:
        return lambda: ANONYMOUS
    if "run" in each:
        text = _run_token(world, each, token_ids)
        return lambda: _resolve(text)
    if "scope" in each:
        return lambda: _resolve(texts[each["name"]])
    account = world.accounts[each["account"]]
    if "member" in each:
        person = world.accounts[each["member"]]
        return lambda: load_principal(person, account.pk) or ANONYMOUS
    return lambda: account.principal


def _resolve(text: str) -> Principal:
    """Return the principal of a token; the request of one that has ended is refused, so that it may do nothing more."""
    try:
        return tokens.resolve(text)
    except tokens.UnknownToken:
        return ANONYMOUS


def _run_token(world: worlds.World, each: dict[str, Any], token_ids: dict[str, str]) -> str:
    run_id = world.resources[each["run"]].pk
    member = world.accounts[each["member"]].pk if "member" in each else ""
    token_id = token_ids.get(each.get("token", ""), "")
    Run.objects.filter(pk=run_id).update(
        starters=[[token_id, member]] if token_id or member else None, started_by_token=token_id or None
    )
    run = Run.objects.get(pk=run_id)
    return tokens.create_for_run(run.owner_id, build_identity(run))[1]
