"""One change of an organization at a time, by a member whose role is read under the lock."""

from dataclasses import dataclass, replace
from typing import Final

from accounts.lib.ids import looks_like_id
from accounts.models import Account, AccountKind, Membership, OrganizationRole
from accounts.organizations.errors import NotMember, NotPermitted
from accounts.organizations.permissions import AccountPermission, Permissions, is_within
from accounts.principal import Principal, Role

_WORDS: Final = {
    AccountPermission.MANAGE_ORGANIZATION: "manage the organization",
    AccountPermission.MANAGE_ACCESS_TOKENS: "manage its API tokens",
    AccountPermission.UPDATE_PROFILE: "change its profile",
    AccountPermission.VIEW_AUDIT_TRAIL: "see its audit trail",
}


@dataclass(frozen=True, slots=True)
class LockedOrganization:
    """An organization that no other request changes until the transaction ends, and who changes it.

    `role` is what narrows the principal; None for a token of the organization that belongs to no member. `membership`
    is the member's, None for such a token.
    """

    account: Account
    by: Principal
    role: Role | None
    membership: Membership | None

    @property
    def is_by_owner(self) -> bool:
        """Whether the Owner acts."""
        return self.membership is not None and self.membership.role.is_owner

    def check_within(self, permissions: Permissions, what: str) -> None:
        """Let a principal go on that may do all of `permissions`.

        Raises:
            NotPermitted: where they allow more than its own role; `what` begins the sentence.
        """
        if not is_within(permissions, self.role):
            raise NotPermitted(f"{what} allows more than your own role.")

    def find_role(self, role_id: str) -> OrganizationRole | None:
        """Return the role of the organization with this ID, or None."""
        found = OrganizationRole.objects.filter(organization=self.account, pk=role_id)
        return found.first() if looks_like_id(role_id) else None

    def load_member(self, person_id: str) -> Membership:
        """Return the membership of a person.

        Raises:
            NotMember: when they have none.
        """
        found = Membership.objects.select_related("role", "person").filter(organization=self.account, person=person_id)
        membership = found.first() if looks_like_id(person_id) else None
        if membership is None:
            raise NotMember
        return membership


def lock(
    organization_id: str, by: Principal, permission: AccountPermission | None = AccountPermission.MANAGE_ORGANIZATION
) -> LockedOrganization:
    """Lock an organization for a principal that acts for it and has this permission there.

    Raises:
        NotPermitted: when it does not act for it, or its role lacks the permission; None asks for none.
        TransactionManagementError: outside a transaction.
    """
    account = lock_account(organization_id)
    if account is None or by.account_id != organization_id:
        raise NotPermitted("You do not act for this organization.")
    if by.run is not None:
        raise NotPermitted("This API token is that of a run. A run cannot change an organization.")
    if by.scopes:
        raise NotPermitted("This API token has a scope, and this needs one for the whole account.")
    membership = None
    role = by.role
    if by.person_id:
        found = Membership.objects.select_related("role").filter(organization=account, person=by.person_id)
        membership = found.first()
        if membership is None:
            raise NotPermitted("You are not a member of this organization any more.")
        role = Role.from_json(membership.role.permissions, name=membership.role.name, organization=account.username)
    lacking = replace(by, role=role).role_lacking(permission) if permission is not None else None
    if permission is not None and lacking is not None:
        raise NotPermitted(why_not_permitted(lacking, permission))
    return LockedOrganization(account, by, role, membership)


def lock_account(organization_id: str) -> Account | None:
    """Return an active organization, locked until the transaction ends; None where there is none."""
    organizations = Account.objects.select_for_update().filter(kind=AccountKind.ORGANIZATION, is_active=True)
    return organizations.filter(pk=organization_id).first()


def why_not_permitted(role: Role, permission: AccountPermission) -> str:
    """Return the sentence that says what a role lacks."""
    return (
        f"Your role '{role.name}' in {role.organization} does not include {permission.value}, "
        f"which it takes to {_WORDS[permission]}."
    )
