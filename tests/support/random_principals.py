"""Worlds with organizations, tokens and runs that hypothesis describes, for principal_worlds.py to build."""

from typing import Any

from hypothesis import strategies as st

from resources.kinds import KINDS, STORAGES, Kind
from tests.support.cast import PEOPLE
from tests.support.random_worlds import worlds

ORGANIZATION = "dan"
MEMBERS = ("ada", "cleo")
GROUPS = {
    "actor": KINDS[Kind.ACTOR].permissions,
    "task": ("READ", "WRITE", "MANAGE_ACCESS_RIGHTS"),
    "storage": ("READ", "WRITE", "MANAGE_ACCESS_RIGHTS"),
    "schedule": ("READ", "WRITE"),
}
LEVELS = ("LIMITED_PERMISSIONS", "FULL_PERMISSIONS")


@st.composite
def principal_worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Describe a world with an organization, its members, scoped tokens, and runs that either of them started."""
    world = draw(worlds())
    for account in world["accounts"]:
        account["kind"] = "ORGANIZATION" if account["name"] == ORGANIZATION else "PERSON"
    resources = {each["name"]: each for each in world["resources"]}
    tokens = [
        _token(draw, resources, "ada"),
        _token(draw, resources, ORGANIZATION, member=draw(st.sampled_from(MEMBERS))),
    ]
    for each in world["resources"]:
        _add_origin(draw, each, resources, [token["name"] for token in tokens])
    return world | {
        "roles": [_role(draw, name) for name in ("Developer", "Custom")],
        "memberships": [
            {"organization": ORGANIZATION, "person": who, "role": draw(st.sampled_from(["Developer", "Custom"]))}
            for who in MEMBERS
        ],
        "principals": [
            {"name": "anonymous", "account": None},
            *({"name": who, "account": who} for who in PEOPLE),
            *({"name": f"{who}@{ORGANIZATION}", "account": ORGANIZATION, "member": who} for who in MEMBERS),
            *tokens,
            *(_run_principal(draw, resources[name], tokens) for name in ("run0", "run1")),
        ],
    }


def _some_of(draw: st.DrawFn, names: tuple[str, ...], least: int = 0) -> list[str]:
    return sorted(draw(st.sets(st.sampled_from(names), min_size=least)))


def _role(draw: st.DrawFn, name: str) -> dict[str, Any]:
    permissions = {group: _some_of(draw, names) for group, names in GROUPS.items()}
    return {"organization": ORGANIZATION, "name": name, "permissions": permissions}


def _token(draw: st.DrawFn, resources: dict[str, Any], account: str, **more: Any) -> dict[str, Any]:
    entries = []
    for each in draw(st.lists(st.sampled_from(list(resources.values())), max_size=4)):
        on_kind = draw(st.booleans())
        permissions = KINDS[Kind(each["kind"])].permissions
        wanted = (*permissions, "CREATE") if on_kind else permissions
        entries.append(
            {
                "kind": each["kind"],
                "resource": None if on_kind else each["name"],
                "permissions": _some_of(draw, wanted, least=1),
            }
        )
    scope = {
        "entries": entries,
        "defaultRunStorages": draw(st.booleans()),
        "actorRuns": draw(st.sampled_from(["RESTRICTED", "FULL"])),
    }
    return {"name": f"token-of-{account}", "token": f"token-of-{account}", "account": account, "scope": scope, **more}


def _add_origin(draw: st.DrawFn, each: dict[str, Any], resources: dict[str, Any], tokens: list[str]) -> None:
    kind = Kind(each["kind"])
    is_default = bool(each.get("run"))
    each["createdBy"] = None if is_default else draw(st.sampled_from([None, *tokens]))
    if kind is Kind.ACTOR:
        each["permissionLevel"] = draw(st.sampled_from(LEVELS))
    if kind in STORAGES and not is_default:
        each["createdByActor"] = draw(st.sampled_from([None, "actor0", "actor1"]))
    if kind is Kind.RUN:
        each["permissionLevel"] = draw(st.sampled_from(LEVELS))
        each["startedBy"] = draw(st.sampled_from([None, "run0"])) if each["name"] != "run0" else None
        storages = [name for name, other in resources.items() if Kind(other["kind"]) in STORAGES]
        each["inputNames"] = [
            {"resource": name, "permissions": _some_of(draw, ("READ", "WRITE"), least=1)}
            for name in draw(st.sets(st.sampled_from(storages), max_size=2))
        ]


def _run_principal(draw: st.DrawFn, run: dict[str, Any], tokens: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": f"token-of-{run['name']}", "account": run["owner"], "run": run["name"]}
    if run["owner"] == ORGANIZATION and draw(st.booleans()):
        found["member"] = draw(st.sampled_from(["ada", "ben", "cleo"]))  # ben is no member any more
    mine: list[str] = [token["name"] for token in tokens if token["account"] == run["owner"]]
    if (starter := draw(st.sampled_from([None, *mine]))) is not None:
        found["token"] = starter
    return found
