"""The members of an organization: invited, accepted, given another role, and gone."""

from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts import audit, tokens
from accounts.lib.ids import looks_like_id
from accounts.models import Account, ApiToken, Membership, OrganizationInvitation, OrganizationRole
from accounts.organizations.errors import InvitationGone, NotPermitted, OrganizationError, RoleNotFound
from accounts.organizations.locking import LockedOrganization, lock, lock_account
from accounts.organizations.permissions import AccountPermission, is_within
from accounts.principal import Principal, Role


def list_members(organization: Account) -> list[Membership]:
    """Return the members of an organization with their roles, the Owner first and then by their usernames."""
    found = Membership.objects.filter(organization=organization).select_related("person", "role")
    return sorted(found, key=lambda each: (not each.role.is_owner, each.person.username.lower()))


def find_owner(organization: Account) -> Account | None:
    """Return the person who is the Owner of an organization."""
    found = Membership.objects.filter(organization=organization, role__is_owner=True).select_related("person").first()
    return found.person if found else None


def list_invitations(organization: Account) -> "QuerySet[OrganizationInvitation]":
    """Return the invitations of an organization that stand, the newest first."""
    found = OrganizationInvitation.objects.filter(organization=organization).select_related("person", "role")
    return found.order_by("-created_at", "pk")


def list_invitations_of(person: Account) -> "QuerySet[OrganizationInvitation]":
    """Return the invitations that a person can accept, the newest first."""
    found = OrganizationInvitation.objects.filter(person=person, organization__is_active=True)
    return found.select_related("organization", "role", "next_role").order_by("-created_at", "pk")


def invite(organization: Account, person: Account, role_id: str, *, by: Principal) -> OrganizationInvitation:
    """Invite a person to become a member with a role; an earlier invitation of theirs ends.

    Raises:
        NotPermitted: without MANAGE_ORGANIZATION, or where the role allows more than the principal's own.
        RoleNotFound: when there is no such role.
        OrganizationError: `user-is-organization`, `user-is-already-organization-member`.
    """
    with transaction.atomic():
        locked = lock(organization.pk, by)
        role = _role_to_give(locked, role_id)
        if person.is_organization:
            raise OrganizationError("user-is-organization", "An organization cannot belong to another one.")
        if Membership.objects.filter(organization=organization, person=person).exists():
            raise OrganizationError("user-is-already-organization-member", f"{person.username} is a member already.")
        OrganizationInvitation.objects.filter(organization=organization, person=person).delete()
        invitation = OrganizationInvitation.objects.create(
            organization=locked.account, person=person, role=role, invited_by=by.person_id
        )
        _record("member.invited", locked.account, person, by, role=role.name)
    return invitation


def revoke_invitation(organization: Account, invitation_id: str, *, by: Principal) -> None:
    """Take an invitation back; what the Owner has offered, only the Owner takes back.

    Raises:
        NotPermitted: without MANAGE_ORGANIZATION, or where the role allows more than the principal's own.
        InvitationGone: when there is none.
    """
    with transaction.atomic():
        locked = lock(organization.pk, by)
        found = OrganizationInvitation.objects.select_related("person", "role").filter(organization=organization)
        invitation = found.filter(pk=invitation_id).first() if looks_like_id(invitation_id) else None
        if invitation is None:
            raise InvitationGone
        if invitation.role.is_owner and not locked.is_by_owner:
            raise NotPermitted("Only the Owner can take this back.")
        locked.check_within(invitation.role.permissions, f"The role '{invitation.role.name}'")
        invitation.delete()
        _record("member.invitation_revoked", locked.account, invitation.person, by, role=invitation.role.name)


def decline(person: Account, invitation_id: str) -> OrganizationInvitation:
    """Decline an invitation, or the role of the Owner, and return what it was.

    Raises:
        InvitationGone: when there is none for this person.
    """
    with transaction.atomic():
        invitation = _locked_invitation(person, invitation_id)
        invitation.delete()
        action = "ownership.declined" if invitation.role.is_owner else "member.declined"
        _record(action, invitation.organization, person, person.principal, role=invitation.role.name)
    return invitation


def accept(person: Account, invitation_id: str) -> OrganizationInvitation:
    """Become a member, or the Owner, by an invitation, and return what it was.

    Raises:
        InvitationGone: when there is none for this person.
        NotPermitted: when the member who invited could not give this role any more.
    """
    with transaction.atomic():
        invitation = _locked_invitation(person, invitation_id)
        _check_inviter(invitation)
        invitation.delete()
        if invitation.role.is_owner:
            _take_over(invitation)
        else:
            Membership.objects.create(organization=invitation.organization, person=person, role=invitation.role)
            _record("member.joined", invitation.organization, person, person.principal, role=invitation.role.name)
    return invitation


def change_role(organization: Account, person_id: str, role_id: str, *, by: Principal) -> bool:
    """Give a member another role, and return whether that changed anything.

    Raises:
        NotPermitted: without MANAGE_ORGANIZATION, for the principal itself, and where the role that the member has, or
            is to have, allows more than the principal's own.
        RoleNotFound, NotMember: when there is no such role or member.
        OrganizationError: `user-is-organization-owner` for the Owner.
    """
    with transaction.atomic():
        locked = lock(organization.pk, by)
        membership = locked.load_member(person_id)
        _check_is_not_owner(membership, "The Owner's role can only be handed over.")
        if by.person_id == person_id:
            raise NotPermitted("You cannot change your own role.")
        role = _role_to_give(locked, role_id)
        locked.check_within(membership.role.permissions, f"The role '{membership.role.name}'")
        before = membership.role.name
        if membership.role_id == role.pk:
            return False
        Membership.objects.filter(pk=membership.pk).update(role=role)
        _record("member.role_changed", locked.account, membership.person, by, before=before, after=role.name)
    return True


def offer_ownership(
    organization: Account, person_id: str, next_role_id: str, *, by: Principal
) -> OrganizationInvitation:
    """Offer the role of the Owner to a member, who has to accept it; the Owner has another role from then on.

    An earlier offer ends.

    Raises:
        NotPermitted: when `by` is not the Owner.
        RoleNotFound, NotMember: when there is no such role or member.
        OrganizationError: `user-is-organization-owner` for the Owner.
    """
    with transaction.atomic():
        locked = lock(organization.pk, by, None)
        if not locked.is_by_owner:
            raise NotPermitted("Only the Owner can hand over this role.")
        membership = locked.load_member(person_id)
        _check_is_not_owner(membership, "has this role already")
        next_role = locked.find_role(next_role_id)
        if next_role is None or next_role.is_owner:
            raise RoleNotFound
        OrganizationInvitation.objects.filter(organization=organization, role__is_owner=True).delete()
        offer = OrganizationInvitation.objects.create(
            organization=locked.account,
            person=membership.person,
            role=OrganizationRole.objects.get(organization=organization, is_owner=True),
            next_role=next_role,
            invited_by=by.person_id,
        )
        _record("ownership.offered", locked.account, membership.person, by, nextRole=next_role.name)
    return offer


def end_membership(organization: Account, person_id: str, *, by: Principal) -> Membership:
    """End a membership, with the member's tokens of the organization; the member leaves, or another one removes them.

    What else of the member ends is up to the caller (sharing/organizations/leaving.py), in the same transaction.

    Raises:
        NotPermitted: for another member without MANAGE_ORGANIZATION, or whose role allows less than that of the member.
        NotMember: when there is no such member.
        OrganizationError: `user-is-organization-owner` for the Owner, who hands the role over first.
    """
    is_leaving = by.person_id == person_id
    locked = lock(organization.pk, by, None) if is_leaving else lock(organization.pk, by)
    membership = locked.load_member(person_id)
    _check_is_not_owner(membership, f"{membership.person.username} is the Owner, and has to hand over this role first.")
    if not is_leaving:
        locked.check_within(membership.role.permissions, f"The role '{membership.role.name}'")
    for token in tokens_of_member(organization, person_id):
        tokens.revoke(token, by=by)
    OrganizationInvitation.objects.filter(organization=organization, person=person_id).delete()
    membership.delete()
    action = "member.left" if is_leaving else "member.removed"
    _record(action, locked.account, membership.person, by, role=membership.role.name)
    return membership


def tokens_of_member(organization: Account, person_id: str) -> Collection[ApiToken]:
    """Return the tokens of an organization that belong to a member, and are not revoked."""
    found = ApiToken.objects.filter(account=organization, member_id=person_id, run_id="", revoked_at=None)
    return list(found.order_by("created_at"))


def _locked_invitation(person: Account, invitation_id: str) -> OrganizationInvitation:
    found = list_invitations_of(person).filter(pk=invitation_id)
    first = found.first() if looks_like_id(invitation_id) else None
    if first is None or lock_account(first.organization_id) is None:
        raise InvitationGone
    invitation = found.first()
    if invitation is None:
        raise InvitationGone
    return invitation


def _check_inviter(invitation: OrganizationInvitation) -> None:
    """Check that the member who invited could do so now: they may have left, or have another role.

    A token of the organization that belongs to no member has no role.
    """
    if not invitation.invited_by:
        return
    found = Membership.objects.select_related("role").filter(organization=invitation.organization)
    inviter = found.filter(person=invitation.invited_by).first()
    if inviter is None or not _may_give(inviter.role, invitation.role):
        raise NotPermitted(
            f"The member who invited you cannot give the role '{invitation.role.name}' in {invitation.organization} "
            "any more. Ask for another invitation."
        )


def _may_give(own: OrganizationRole, role: OrganizationRole) -> bool:
    if role.is_owner:
        return own.is_owner
    permissions = own.permissions
    may_manage = AccountPermission.MANAGE_ORGANIZATION in permissions.get("account", ())
    return may_manage and is_within(role.permissions, Role.from_json(permissions))


def _take_over(offer: OrganizationInvitation) -> None:
    """Let a member be the Owner, and give the Owner the role that was chosen for them."""
    memberships = Membership.objects.select_related("person").filter(organization=offer.organization)
    before = memberships.get(role__is_owner=True)
    if not memberships.filter(person=offer.person).update(role=offer.role):
        raise InvitationGone
    memberships.filter(pk=before.pk).update(role=offer.next_role)
    person = offer.person
    _record("ownership.taken_over", offer.organization, person, person.principal, before=before.person.username)


def _role_to_give(locked: LockedOrganization, role_id: str) -> OrganizationRole:
    role = locked.find_role(role_id)
    if role is None:
        raise RoleNotFound
    if role.is_owner:
        raise NotPermitted("The Owner's role can only be handed over.")
    locked.check_within(role.permissions, f"The role '{role.name}'")
    return role


def _check_is_not_owner(membership: Membership, why: str) -> None:
    if membership.role.is_owner:
        raise OrganizationError("user-is-organization-owner", why)


def _record(action: str, organization: Account, person: Account, by: Principal, **details: str) -> None:
    named: dict[str, Any] = {"member": {"id": person.pk, "username": person.username}, **details}
    audit.record(action, by=by, account_id=organization.pk, **named)
