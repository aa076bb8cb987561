"""What a role of an organization can hold: permissions in five groups, and the roles that one starts with."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from accounts.principal import Role, holds


class AccountPermission(StrEnum):
    """What a role can let a member do with the organization itself."""

    MANAGE_ORGANIZATION = "MANAGE_ORGANIZATION"
    MANAGE_ACCESS_TOKENS = "MANAGE_ACCESS_TOKENS"
    UPDATE_PROFILE = "UPDATE_PROFILE"
    VIEW_AUDIT_TRAIL = "VIEW_AUDIT_TRAIL"


GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "actors": ("READ", "WRITE", "RUN", "BUILD", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS"),
    "tasks": ("READ", "WRITE", "MANAGE_ACCESS_RIGHTS"),
    "storages": ("READ", "WRITE", "MANAGE_ACCESS_RIGHTS"),
    "schedules": ("READ", "WRITE"),
    "account": tuple(AccountPermission),
}
Permissions = dict[str, list[str]]

OWNER: Final = "Owner"
_ALL: Final = {group: list(names) for group, names in GROUPS.items()}
STARTING_ROLES: Final[Mapping[str, Permissions]] = {
    OWNER: _ALL,
    "Administrator": _ALL,
    "Developer": {
        "actors": ["READ", "WRITE", "RUN", "BUILD", "VIEW_OWNER_RUNS"],
        "tasks": ["READ", "WRITE"],
        "storages": ["READ", "WRITE"],
        "schedules": ["READ", "WRITE"],
        "account": [],
    },
    "Read only": {
        "actors": ["READ", "VIEW_OWNER_RUNS"],
        "tasks": ["READ"],
        "storages": ["READ"],
        "schedules": ["READ"],
        "account": [],
    },
}


class InvalidPermissions(ValueError):
    """Something that cannot be the permissions of a role; the message says why."""


def check_permissions(given: Mapping[str, Any]) -> Permissions:
    """Return the permissions of a role in their order, with READ where a group of resources holds anything.

    Args:
        given: `{"actors": [str], "tasks": [str], "storages": [str], "schedules": [str], "account": [str]}`; a group
            that is not given holds nothing.

    Raises:
        InvalidPermissions: for a group or permission that there is not.
    """
    unknown = sorted(set(given) - set(GROUPS))
    if unknown:
        raise InvalidPermissions(f'There is no group of permissions called "{unknown[0]}". Use {", ".join(GROUPS)}.')
    return {group: _check_group(group, given.get(group, [])) for group in GROUPS}


def _check_group(group: str, names: Any) -> list[str]:
    if not isinstance(names, (list, tuple, set, frozenset)) or not all(isinstance(each, str) for each in names):
        raise InvalidPermissions(f'The permissions of "{group}" must be a list of strings.')
    unknown = sorted(set(names) - set(GROUPS[group]))
    if unknown:
        raise InvalidPermissions(f'"{group}" has no permission {unknown[0]}. Use {", ".join(GROUPS[group])}.')
    held = {*names, "READ"} if names and group != "account" else set(names)
    return [name for name in GROUPS[group] if name in held]


def is_within(permissions: Mapping[str, list[str]], role: Role | None) -> bool:
    """Tell whether permissions allow no more than a role does; None: the whole account, beyond which there is nothing.

    Each group counts, and READ is implied by any other permission on resources.
    """
    if role is None:
        return True
    return all(
        name in held if group == "account" else holds(held, name)
        for group, names in permissions.items()
        for held in [getattr(role, group)]
        for name in names
    )
