"""The permissions on a resource."""

from collections.abc import Iterable
from enum import IntFlag

from resources.kinds import KINDS, Kind


class Permission(IntFlag):
    """The permissions, as bits, so that a grant keeps them in one small number."""

    READ = 1
    WRITE = 2
    RUN = 4
    BUILD = 8
    VIEW_OWNER_RUNS = 16
    MANAGE_ACCESS_RIGHTS = 32

    @property
    def names(self) -> list[str]:
        """The names of the permissions in this set, in the order of the access model."""
        return [permission.name or "" for permission in Permission if permission in self]


NOTHING = Permission(0)
EVERYTHING = Permission(63)


class UnsupportedPermission(ValueError):
    """A permission that does not exist, or that this kind does not have."""


def grantable(kind: Kind) -> Permission:
    """Return the permissions that can be granted on a kind."""
    return join_permissions(KINDS[kind].permissions)


def parse(names: Iterable[str], kind: Kind) -> Permission:
    """Return the set of the named permissions, with READ, which any permission implies.

    Raises:
        UnsupportedPermission: when a name is unknown or not one of the kind's, or none is given.
    """
    allowed = KINDS[kind].permissions
    wanted = list(names)
    for name in wanted:
        if name not in allowed:
            raise UnsupportedPermission(
                f'Permission "{name}" is not supported for {KINDS[kind].article()} {KINDS[kind].noun}. '
                f"Supported: {', '.join(allowed)}."
            )
    if not wanted:
        raise UnsupportedPermission("At least one permission is needed; revoke the access to take all away.")
    return join_permissions(wanted) | Permission.READ


def join_permissions(names: Iterable[str]) -> Permission:
    """Return the permissions of these names as one."""
    joined = NOTHING
    for name in names:
        joined |= Permission[name]
    return joined
