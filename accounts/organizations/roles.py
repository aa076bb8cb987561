"""The roles of an organization: added, edited as a whole, removed."""

from collections.abc import Mapping
from typing import Any, Final

from django.db import IntegrityError, transaction

from accounts import audit
from accounts.models import Account, OrganizationInvitation, OrganizationRole
from accounts.organizations.errors import NotPermitted, OrganizationError, RoleNotFound
from accounts.organizations.locking import LockedOrganization, lock
from accounts.organizations.permissions import InvalidPermissions, Permissions, check_permissions
from accounts.principal import Principal

MOST: Final = 50
_NAME_LENGTH: Final = 40


class InvalidRole(OrganizationError):
    """Something that a role cannot have; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid-value", message)


def list_roles(organization: Account) -> list[OrganizationRole]:
    """Return the roles of an organization, that of the Owner first and then in the order in which they were made."""
    return list(OrganizationRole.objects.filter(organization=organization).order_by("-is_owner", "created_at", "pk"))


def add(
    organization: Account, name: str, permissions: Mapping[str, Any] | None = None, *, by: Principal
) -> OrganizationRole:
    """Add a role, which allows nothing where no permissions are given, and return it.

    Raises:
        NotPermitted: without MANAGE_ORGANIZATION, or where it would allow more than the principal's own role.
        InvalidRole: for a name or permissions that a role cannot have.
    """
    with transaction.atomic():
        locked = lock(organization.pk, by)
        if OrganizationRole.objects.filter(organization=organization).count() >= MOST:
            raise InvalidRole(f"An organization can have {MOST} roles at most.")
        wanted = _checked(permissions or {})
        locked.check_within(wanted, f"The role '{name}'")
        role = OrganizationRole(organization=locked.account, name=_checked_name(name), permissions=wanted)
        _save(role)
        audit.record("role.added", by=by, account_id=organization.pk, name=role.name, permissions=wanted)
    return role


def edit(
    organization: Account,
    wanted: Mapping[str, Mapping[str, Any]],
    names: Mapping[str, str] | None = None,
    *,
    by: Principal,
) -> list[OrganizationRole]:
    """Change roles, all or none, and return those that changed.

    Args:
        organization: whose roles they are.
        wanted: the permissions that roles are to have, by the ID of the role.
        names: the names that roles are to have, by the ID of the role.
        by: who changes them.

    Raises:
        NotPermitted: without MANAGE_ORGANIZATION, for the principal's own role or that of the Owner, and where a role
            allows more than the principal's own, before or after.
        RoleNotFound: for an ID that is of no role of the organization.
        InvalidRole: for a name or permissions that a role cannot have.
    """
    names = names or {}
    changed = []
    with transaction.atomic():
        locked = lock(organization.pk, by)
        for role_id in {**wanted, **names}:
            role = locked.find_role(role_id)
            if role is None:
                raise RoleNotFound
            permissions = _checked(wanted[role_id]) if role_id in wanted else role.permissions
            name = _checked_name(names.get(role_id, role.name))
            if permissions != role.permissions or name != role.name:
                _change(locked, role, permissions, name)
                changed.append(role)
    return changed


def remove(organization: Account, role_id: str, *, by: Principal) -> None:
    """Remove a role that no member has; invitations with it end.

    Raises:
        NotPermitted: without MANAGE_ORGANIZATION, or where the role allows more than the principal's own.
        RoleNotFound: when there is no such role.
        InvalidRole: when members have it, or the Owner would be given it.
    """
    with transaction.atomic():
        locked = lock(organization.pk, by)
        role = locked.find_role(role_id)
        if role is None:
            raise RoleNotFound
        if role.is_owner:
            raise NotPermitted("The role of the Owner cannot be removed.")
        if role.members.exists():
            raise InvalidRole(f"Members have the role '{role.name}'. Give them another one first.")
        locked.check_within(role.permissions, f"The role '{role.name}'")
        if OrganizationInvitation.objects.filter(next_role=role).exists():
            raise InvalidRole(f"The Owner is to have the role '{role.name}' once theirs is handed over.")
        audit.record("role.removed", by=by, account_id=organization.pk, name=role.name, permissions=role.permissions)
        role.delete()


def _change(locked: LockedOrganization, role: OrganizationRole, permissions: Permissions, name: str) -> None:
    if role.is_owner:
        raise NotPermitted("The role of the Owner cannot be changed.")
    if locked.membership is not None and locked.membership.role_id == role.pk:
        raise NotPermitted("You cannot change your own role.")
    locked.check_within(role.permissions, f"The role '{role.name}'")
    locked.check_within(permissions, f"The role '{role.name}'")
    before = {"name": role.name, "permissions": role.permissions}
    role.permissions, role.name = permissions, name
    _save(role)
    audit.record(
        "role.changed",
        by=locked.by,
        account_id=locked.account.pk,
        name=before["name"],
        before=before,
        after={"name": name, "permissions": permissions},
    )


def _save(role: OrganizationRole) -> None:
    try:
        with transaction.atomic():
            role.save()
    except IntegrityError as error:
        raise InvalidRole(f"There is another role called '{role.name}'.") from error


def _checked(permissions: Mapping[str, Any]) -> Permissions:
    try:
        return check_permissions(permissions)
    except InvalidPermissions as error:
        raise InvalidRole(str(error)) from None


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _NAME_LENGTH or not name.isprintable():
        raise InvalidRole(f"The name of a role has 1 to {_NAME_LENGTH} characters.")
    return name
