"""Organizations, members, invitations and roles as the API writes them."""

from typing import Any

from accounts.lib.timestamps import iso
from accounts.models import Account, Membership, OrganizationInvitation, OrganizationRole


def serialize_organization(organization: Account, role: OrganizationRole | None) -> dict[str, Any]:
    """Return an organization; `role` is that of the person who asks, None for a token that belongs to no member."""
    return {
        "id": organization.pk,
        "username": organization.username,
        "createdAt": iso(organization.created_at),
        "role": {"id": role.pk, "name": role.name} if role else None,
    }


def serialize_member(membership: Membership) -> dict[str, Any]:
    """Return a member."""
    return {
        "userId": membership.person_id,
        "username": membership.person.username,
        "roleId": membership.role_id,
        "roleName": membership.role.name,
        "isOwner": membership.role.is_owner,
        "createdAt": iso(membership.created_at),
    }


def serialize_invitation(invitation: OrganizationInvitation) -> dict[str, Any]:
    """Return an invitation that stands."""
    return {
        "id": invitation.pk,
        "userId": invitation.person_id,
        "username": invitation.person.username,
        "roleId": invitation.role_id,
        "roleName": invitation.role.name,
        "createdAt": iso(invitation.created_at),
    }


def serialize_role(role: OrganizationRole) -> dict[str, Any]:
    """Return a role with what it allows."""
    return {
        "id": role.pk,
        "name": role.name,
        "isOwner": role.is_owner,
        "permissions": role.permissions,
        "createdAt": iso(role.created_at),
    }
