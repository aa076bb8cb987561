"""Why a narrowed principal is refused what its account may do: the sentence, and the same as data.

It is said only where the principal may know that the resource exists (`sharing/enforcement/refusals.py`).
"""

from typing import Any

from accounts.principal import HeldBackBy, Principal, Role, Scope
from resources.kinds import KINDS, Kind
from resources.models import Actor
from resources.runs.approvals import Remedy, find_remedy
from sharing import token_limits
from sharing.narrowings import role as roles
from sharing.narrowings import scope as scopes
from sharing.narrowings.held_back import held_back_from_all
from sharing.permissions import Permission

_VERBS = {
    Permission.READ: "read",
    Permission.WRITE: "write to",
    Permission.RUN: "run",
    Permission.BUILD: "build",
    Permission.VIEW_OWNER_RUNS: "view the owner's runs of",
    Permission.MANAGE_ACCESS_RIGHTS: "manage access to",
}
_REMEDIES = {
    Remedy.APPROVE: "approve the Actor for full permissions",
    Remedy.RAISE_LEVEL: "give the Actor full permissions in its settings",
}


def explanation_data(held_back: HeldBackBy, permission: Permission, kind: Kind) -> dict[str, Any]:
    """Return `error.data` of a refusal: `{"heldBackBy": str, "permission": str, "kind": str}`."""
    return {"heldBackBy": held_back.value, "permission": permission.name, "kind": kind.value}


def find_narrowing(principal: Principal, permission: Permission, kind: Kind) -> HeldBackBy | None:
    """Return the narrowing that keeps a principal from a permission on a kind; None where it is not a narrowing."""
    if token_limits.is_withheld_from_run(principal, permission, kind):
        return HeldBackBy.RUN
    return held_back_from_all(principal, permission, kind)


def explain(
    principal: Principal, held_back: HeldBackBy, permission: Permission, kind: Kind, resource_id: str | None = None
) -> str:
    """Return the sentences that say what holds a principal back, and what to change.

    They are about one resource, or without an ID about all of its kind.
    """
    if held_back is HeldBackBy.ROLE:
        return _of_role(principal, permission, kind)
    if held_back is HeldBackBy.SCOPE:
        return _of_scope(principal, permission, kind, resource_id)
    return _of_run(principal, permission, kind, resource_id)


def explain_creating(principal: Principal, held_back: HeldBackBy, kind: Kind) -> str:
    """Return the sentences that say what keeps a principal from creating a resource of a kind."""
    if held_back is HeldBackBy.ROLE:
        return _of_role(principal, Permission.WRITE, kind)
    plural = KINDS[kind].plural
    if held_back is HeldBackBy.SCOPE:
        named = next((each for each in principal.scopes if not each.allows_create(kind)), None)
        return f"{_token(named)} cannot create {plural}. Its scope has no CREATE on {plural}."
    if principal.run is not None and principal.run.is_limited:
        return f"This run has limited permissions and cannot create {plural}.{_remedy(principal, '')}"
    return f"{token_limits.why_withheld(Permission.WRITE, kind)}"


def _of_role(principal: Principal, permission: Permission, kind: Kind) -> str:
    role = next((each for each in principal.roles if not roles.lets_all(each, permission, kind)), Role())
    if not role.name:
        return "The member who started this run has left the organization, so that it reaches only what belongs to it."
    return (
        f"Your role '{role.name}' in {role.organization} does not include "
        f"{roles.permission_needed(permission, kind)} on {roles.group_label(kind)}."
    )


def _of_scope(principal: Principal, permission: Permission, kind: Kind, resource_id: str | None) -> str:
    found = (each for each in principal.scopes if not scopes.lets_entries(each, permission, kind, resource_id))
    named = next(found, None)
    what = f"this {KINDS[kind].noun}" if resource_id else KINDS[kind].plural
    allowed = scopes.names_of(named, kind, resource_id) if named else ()
    says = f"Its scope allows {', '.join(allowed)} only." if allowed else f"Its scope does not name {what}."
    return f"{_token(named)} cannot {_VERBS[permission]} {what}. {says}"


def _of_run(principal: Principal, permission: Permission, kind: Kind, resource_id: str | None) -> str:
    run = principal.run
    if run is None or not run.is_limited:
        return token_limits.why_withheld(permission, kind)
    what = f"this {KINDS[kind].noun}" if resource_id else KINDS[kind].plural
    names_it = "Name it in the run's input" if resource_id and KINDS[kind].storage else ""
    return f"This run has limited permissions and cannot {_VERBS[permission]} {what}.{_remedy(principal, names_it)}"


def _remedy(principal: Principal, other: str) -> str:
    """Return the sentence that says what to change: `other`, or what gives the Actor's runs full permissions."""
    run = principal.run
    actor = Actor.objects.filter(pk=run.actor_id).first() if run else None
    found = find_remedy(actor, principal.account_id or "") if actor else None
    ways = [other, _REMEDIES[found] if found else ""]
    said = ", or ".join(each for each in ways if each)
    return f" {said[0].upper()}{said[1:]}." if said else ""


def _token(scope: Scope | None) -> str:
    return f"The token '{scope.token_name}'" if scope and scope.token_name else "The token"
