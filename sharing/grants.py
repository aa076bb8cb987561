"""Grants: given, changed, revoked. Each change and its line in the audit trail are one transaction."""

from django.db import transaction

from accounts import audit
from accounts.models import Account
from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Resource
from sharing.access import AddressedBy, decide
from sharing.facts import facts_of
from sharing.models import Grant
from sharing.permissions import NOTHING, Permission, grantable


class GrantRefused(Exception):
    """A change of access that the model does not allow; the message says why, for the person who tried."""


class OwnerNeedsNoGrant(GrantRefused):
    """The owner has every permission already."""


class BeyondOwnPermissions(GrantRefused):
    """A manager can give only what they hold, and cannot change their own grant."""


def grant(resource: Resource, account: Account, permissions: Permission, *, by: Principal) -> tuple[Grant, bool]:
    """Give `account` exactly `permissions` on `resource`, and return the grant and whether it is new.

    Granting again what somebody has changes nothing and writes nothing.

    Raises:
        OwnerNeedsNoGrant: when the account owns the resource.
        BeyondOwnPermissions: when the principal does not hold what it wants to add, or would change its own grant.
    """
    permissions = (permissions | Permission.READ) & grantable(Kind(resource.kind))
    if account.pk == resource.owner_id:
        raise OwnerNeedsNoGrant(f"{account.username} owns this {resource.info.noun} and has full access already.")
    with transaction.atomic():
        existing = (
            Grant.objects.select_for_update()
            .filter(resource=resource, account=account, source=Grant.Source.DIRECT)
            .first()
        )
        before = Permission(existing.permissions) if existing else NOTHING
        if existing and before == permissions:
            return existing, False
        _check_manager(resource, account, permissions & ~before, by)
        kept, _ = Grant.objects.update_or_create(
            resource=resource,
            account=account,
            source=Grant.Source.DIRECT,
            defaults={"permissions": permissions.value},
            create_defaults={
                "permissions": permissions.value,
                "granted_by": by.account_id or "",
                "resource_kind": resource.kind,
                "resource_created_at": resource.created_at,
            },
        )
        _record("grant.changed" if existing else "grant.created", resource, account, before, permissions, by)
    return kept, existing is None


def revoke(resource: Resource, account: Account, *, by: Principal) -> Permission:
    """Take away what `account` was granted on `resource`, and return what that was.

    Managers may revoke anybody's grant, and everybody may give up their own; the view's declaration sees to it that
    nobody else comes here. A run's access that comes from an issue ends too.
    """
    with transaction.atomic():
        found = Grant.objects.select_for_update().filter(resource=resource, account=account)
        had = NOTHING
        for each in found:
            had |= Permission(each.permissions)
        if had:
            found.delete()
            _record("grant.revoked", resource, account, had, NOTHING, by)
    return had


def _check_manager(resource: Resource, account: Account, added: Permission, by: Principal) -> None:
    if by.account_id == resource.owner_id:
        return
    if by.account_id == account.pk:
        raise BeyondOwnPermissions("You can give up your own access, but not change it.")
    facts = facts_of(resource, by.account_id)
    lacking = [name for name in added.names if not decide(by, facts, Permission[name], AddressedBy.ID).allowed]
    if lacking:
        raise BeyondOwnPermissions(
            f"You can give only permissions that you have yourself. Missing: {', '.join(lacking)}."
        )


def _record(
    action: str, resource: Resource, account: Account, before: Permission, after: Permission, by: Principal
) -> None:
    audit.record(
        action,
        by=by,
        account_id=resource.owner_id,
        subject_kind=resource.kind,
        subject_id=resource.pk,
        name=resource.name,
        grantee={"id": account.pk, "username": account.username},
        before=before.names,
        after=after.names,
    )
