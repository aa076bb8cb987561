"""The scope of a token, be it the one that acts or the one that started a run: what it lets pass."""

from accounts.principal import Scope
from resources.kinds import KINDS, Kind
from sharing.narrowings.subject import Subject
from sharing.permissions import Permission

_OF_DEFAULT_STORAGES = Permission.READ | Permission.WRITE


def lets(scope: Scope, permission: Permission, subject: Subject) -> bool:
    """Tell whether a scope lets one permission on a resource pass."""
    name = permission.name or ""
    if scope.allows(name, subject.kind, subject.id):
        return True
    if subject.created_by_token and subject.created_by_token == scope.token_id:
        return name in KINDS[subject.kind].permissions
    if subject.run is not None and scope.default_run_storages and permission in _OF_DEFAULT_STORAGES:
        return lets(scope, permission, subject.run)
    return False


def lets_entries(scope: Scope, permission: Permission, kind: Kind, resource_id: str | None) -> bool:
    """Tell whether an entry of a scope lets a permission pass, on one resource or without an ID on all of the kind."""
    return scope.allows(permission.name or "", kind, resource_id)


def names_of(scope: Scope, kind: Kind, resource_id: str | None) -> list[str]:
    """Return the names of the permissions that the entries of a scope let pass, in the order of the access model."""
    return [each.name or "" for each in Permission if lets_entries(scope, each, kind, resource_id)]


def lets_all(scope: Scope, permission: Permission, kind: Kind) -> bool:
    """Tell whether a scope lets one permission pass on every resource of a kind."""
    return lets_entries(scope, permission, kind, None)
