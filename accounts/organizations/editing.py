"""The life of an organization: made, renamed, deleted, each in one transaction with its line in the audit trail."""

from typing import Final

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from accounts import audit
from accounts.lib.ids import new_id
from accounts.models import Account, AccountKind, Membership, OrganizationRole
from accounts.organizations.errors import NotPermitted, OrganizationError
from accounts.organizations.locking import lock
from accounts.organizations.permissions import OWNER, STARTING_ROLES, AccountPermission
from accounts.principal import Principal

MOST_OWNED: Final = 10
# RFC 2606 keeps this domain for names that never exist: no email gets there, and none of it can be verified.
EMAIL_DOMAIN: Final = "organization.invalid"


class InvalidUsername(OrganizationError):
    """A username that the organization cannot have; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__("invalid-value", message)


def create(username: str, *, by: Principal) -> Account:
    """Make an organization, of which the person that `by` speaks for is the Owner, and return it.

    Raises:
        InvalidUsername: when it cannot be called so, or another account is.
        OrganizationError: `too-many-organizations` for a person who owns MOST_OWNED already, `user-is-organization`
            where `by` acts for an organization, which cannot own another.
    """
    with transaction.atomic():
        person = Account.objects.select_for_update().get(pk=by.account_id)
        if person.is_organization:
            raise OrganizationError("user-is-organization", "An organization cannot belong to another one.")
        if owned_by(person).count() >= MOST_OWNED:
            raise OrganizationError("too-many-organizations", f"A person can own {MOST_OWNED} organizations at most.")
        organization = _save_new(username)
        roles = {
            name: OrganizationRole.objects.create(
                organization=organization, name=name, permissions=permissions, is_owner=name == OWNER
            )
            for name, permissions in STARTING_ROLES.items()
        }
        Membership.objects.create(organization=organization, person=person, role=roles[OWNER])
        for account_id in (organization.pk, person.pk):
            audit.record("organization.created", by=by, account_id=account_id, name=username)
    return organization


def rename(organization: Account, username: str, *, by: Principal) -> bool:
    """Give an organization another username, and return whether that changed anything.

    Raises:
        NotPermitted: without the permission UPDATE_PROFILE.
        InvalidUsername: when it cannot be called so, or another account is.
    """
    with transaction.atomic():
        locked = lock(organization.pk, by, AccountPermission.UPDATE_PROFILE).account
        before, locked.username = locked.username, username
        if before == username:
            return False
        _check(locked)
        try:
            with transaction.atomic():
                locked.save(update_fields=("username",))
        except IntegrityError as error:
            raise InvalidUsername("This username was taken a moment ago.") from error
        audit.record("organization.renamed", by=by, account_id=locked.pk, before=before, after=username)
    organization.username = username
    return True


def delete(organization: Account, *, by: Principal) -> None:
    """Delete an organization with all that belongs to it; each member's trail says so.

    Raises:
        NotPermitted: when `by` is not its Owner.
        TransactionManagementError: outside a transaction, where what it has could change until it goes.
    """
    account = check_may_delete(organization, by=by)
    memberships = Membership.objects.filter(organization=account)
    for person_id in [account.pk, *memberships.values_list("person_id", flat=True)]:
        audit.record("organization.deleted", by=by, account_id=person_id, name=account.username)
    memberships.delete()
    account.delete()


def check_may_delete(organization: Account, *, by: Principal) -> Account:
    """Return an organization, locked until the transaction ends, if `by` may delete it.

    Raises:
        NotPermitted: when `by` is not its Owner.
        TransactionManagementError: outside a transaction.
    """
    locked = lock(organization.pk, by, None)
    if not locked.is_by_owner:
        raise NotPermitted("Only the Owner can delete an organization.")
    return locked.account


def owned_by(person: Account) -> QuerySet[Account]:
    """Return the organizations of which a person is the Owner."""
    return Account.objects.filter(members__person=person, members__role__is_owner=True)


def _save_new(username: str) -> Account:
    id_ = new_id()
    organization = Account(
        id=id_, username=username, email=f"{id_.lower()}@{EMAIL_DOMAIN}", kind=AccountKind.ORGANIZATION
    )
    organization.set_unusable_password()
    _check(organization)
    try:
        with transaction.atomic():
            organization.save(force_insert=True)
    except IntegrityError as error:
        raise InvalidUsername("This username was taken a moment ago.") from error
    return organization


def _check(organization: Account) -> None:
    try:
        organization.full_clean(exclude=["email", "password"])
    except ValidationError as wrong:
        said = wrong.message_dict
        messages = said.get("username") or said.get(NON_FIELD_ERRORS) or next(iter(said.values()))
        raise InvalidUsername(" ".join(messages)) from None
