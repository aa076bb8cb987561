"""The role of a member who acts for an organization: what it lets pass."""

from typing import NamedTuple

from accounts.principal import Principal, Role, holds
from resources.kinds import KINDS, STORAGES, Kind
from sharing.narrowings.subject import Subject
from sharing.permissions import Permission

_TO_READ_RUNS = frozenset({"VIEW_OWNER_RUNS", "RUN", "MANAGE_ACCESS_RIGHTS"})
# What a permission on a build or run takes on Actors; READ is decided apart.
_OF_BUILD = {Permission.WRITE: "BUILD", Permission.MANAGE_ACCESS_RIGHTS: "MANAGE_ACCESS_RIGHTS"}
_OF_RUN = {Permission.WRITE: "RUN", Permission.MANAGE_ACCESS_RIGHTS: "MANAGE_ACCESS_RIGHTS"}


def lets(role: Role, permission: Permission, subject: Subject) -> bool:
    """Tell whether a role lets one permission on a resource pass."""
    if subject.run is not None and permission is Permission.READ and reads(role, Kind.RUN):
        return True
    return lets_all(role, permission, subject.kind)


def lets_all(role: Role, permission: Permission, kind: Kind) -> bool:
    """Tell whether a role lets one permission pass on every resource of a kind."""
    if kind is Kind.BUILD:
        return bool(role.actors) if permission is Permission.READ else _OF_BUILD.get(permission) in role.actors
    if kind is Kind.RUN:
        if permission is Permission.READ:
            return not _TO_READ_RUNS.isdisjoint(role.actors)
        return _OF_RUN.get(permission) in role.actors
    if kind is Kind.TASK and permission is Permission.VIEW_OWNER_RUNS:
        return permission.name in role.actors
    return holds(_group(role, kind), permission.name or "")


def roles_let(principal: Principal, permission: Permission, kind: Kind) -> bool:
    """Tell whether all roles of a principal let one permission pass on every resource of a kind."""
    return all(lets_all(each, permission, kind) for each in principal.roles)


def reads(role: Role, kind: Kind) -> bool:
    """Tell whether a role lets READ pass on every resource of a kind."""
    return lets_all(role, Permission.READ, kind)


def group_label(kind: Kind) -> str:
    """Return what the group of permissions that decides about a kind is called."""
    if KINDS[kind].storage:
        return "storages"
    return {Kind.TASK: "tasks", Kind.SCHEDULE: "schedules"}.get(kind, "Actors")


def permission_needed(permission: Permission, kind: Kind) -> str:
    """Return the permission in its group that a permission on a kind takes."""
    if kind is Kind.BUILD:
        return _OF_BUILD.get(permission, "READ")
    if kind is Kind.RUN:
        return _OF_RUN.get(permission, "RUN or VIEW_OWNER_RUNS")
    return permission.name or ""


class ReadableKinds(NamedTuple):
    """The kinds that lists show, and whether they show only those storages that are a run's."""

    kinds: frozenset[Kind]
    only_default_storages: bool


def readable_kinds(principal: Principal) -> ReadableKinds:
    """Return which kinds the lists of a principal show: those that all of its roles let it read."""
    kinds = frozenset(kind for kind in Kind if all(reads(role, kind) for role in principal.roles))
    by_run = all(reads(role, Kind.DATASET) or reads(role, Kind.RUN) for role in principal.roles)
    if by_run and kinds.isdisjoint(STORAGES):
        return ReadableKinds(kinds | frozenset(STORAGES), only_default_storages=True)
    return ReadableKinds(kinds, only_default_storages=False)


def _group(role: Role, kind: Kind) -> frozenset[str]:
    if KINDS[kind].storage:
        return role.storages
    return {Kind.ACTOR: role.actors, Kind.TASK: role.tasks, Kind.SCHEDULE: role.schedules}[kind]
