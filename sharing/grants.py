"""Grants: given, changed, removed and put back. Each change and its line in the audit trail are one transaction."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from typing import Any, Literal

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts import audit
from accounts.models import Account
from accounts.principal import Principal
from accounts.request_context import now
from resources.kinds import Kind
from resources.models import Resource
from sharing import grant_lifecycle
from sharing.access import EXPLICIT, AddressedBy, decide
from sharing.facts import load_facts
from sharing.grant_ends import counts, is_counted, shown_as_ended
from sharing.mail import share_mail
from sharing.models import Grant, Issue
from sharing.owner_only import is_owner
from sharing.permissions import NOTHING, Permission, grantable

# What counts then has no end; and the last moment before an end, which databases keep to the microsecond.
FOR_EVER = datetime(9999, 12, 31, tzinfo=UTC)
INSTANT = timedelta(microseconds=1)
EXTENSION = timedelta(days=30)
SHORTEST = timedelta(days=1)


class GrantRefused(Exception):
    """A change of access that the model does not allow; the message says why, for the person who tried."""


class End(Enum):
    """Stands for the end that a grant has already, where it is to stay; a new grant gets none."""

    UNCHANGED = auto()


# A moment, None for never, or the one that there is.
NewEnd = datetime | Literal[End.UNCHANGED] | None


class OwnerNeedsNoGrant(GrantRefused):
    """The owner has every permission already."""


class BeyondOwnPermissions(GrantRefused):
    """A manager can give only what they hold, a scoped token what it may do; grantees cannot change their own grant."""


class UnsupportedEnd(GrantRefused):
    """Access was to end at a moment that is past, or beyond what databases keep."""


class BeyondOwnEnd(BeyondOwnPermissions):
    """Who has access until some moment was to give it for longer."""


class CannotPutBack(GrantRefused):
    """What was removed cannot be put back, because what it came from is gone."""


class ResourceGone(GrantRefused):
    """The resource was deleted meanwhile."""


@dataclass(frozen=True, slots=True)
class Removed:
    """A grant that was taken away, with all that it takes to put it back."""

    account_id: str
    permissions: Permission
    source: str
    issue_id: str | None
    granted_by: str
    created_at: datetime
    expires_at: datetime | None = None


def grant(
    resource: Resource,
    account: Account,
    permissions: Permission,
    *,
    by: Principal,
    expires_at: NewEnd = End.UNCHANGED,
) -> tuple[Grant, bool]:
    """Give `account` exactly `permissions` on `resource` until `expires_at`; return the grant and whether it is new.

    Granting again what the account has changes nothing and writes nothing. Who had no grant gets an e-mail.

    Raises:
        OwnerNeedsNoGrant: when the account owns the resource.
        BeyondOwnPermissions: when the principal does not hold what it wants to add or extend, or not for so long, or
            would change its own grant.
        UnsupportedEnd: when the end is not later than now.
        ResourceGone: when the resource was deleted meanwhile.
    """
    _check_grantee(resource, account)
    permissions = (permissions | Permission.READ) & grantable(Kind(resource.kind))
    with transaction.atomic():
        _lock(resource)
        existing = _direct(resource, account).first()
        end = _end(existing, expires_at)
        if existing and (existing.permissions, existing.expires_at) == (permissions, end):
            return existing, False
        _check_manager(resource, account, _added(existing, permissions, end), by, end)
        kept, is_new = _put(resource, account, permissions, by, end)
        if is_new:
            share_mail.email_access_granted(resource, account, permissions, by=by, expires_at=end)
    return kept, is_new


def add(
    resource: Resource,
    account: Account,
    permissions: Permission,
    *,
    by: Principal,
    expires_at: datetime | None = None,
) -> tuple[Grant, bool]:
    """Like `grant`, but leave an account that has a grant already with exactly what it has.

    Raises:
        OwnerNeedsNoGrant: when the account owns the resource.
        BeyondOwnPermissions: when the principal does not hold what it wants to add, or would add itself.
        UnsupportedEnd: when the end is not later than now.
    """
    _check_grantee(resource, account)
    with transaction.atomic():
        _lock(resource)
        existing = _direct(resource, account).first()
        return (existing, False) if existing else grant(resource, account, permissions, by=by, expires_at=expires_at)


def change(
    resource: Resource,
    account: Account,
    permissions: Permission | None,
    *,
    by: Principal,
    expires_at: NewEnd = End.UNCHANGED,
) -> Grant | None:
    """Like `grant`, but only for an account that still has a grant; return None when that ended meanwhile.

    With `permissions` of None it keeps those that it has.

    Raises:
        BeyondOwnPermissions: when the principal does not hold what it wants to add or extend, or not for so long, or
            would change its own grant.
        UnsupportedEnd: when the end is not later than now.
    """
    with transaction.atomic():
        existing = _direct(resource, account).first()
        if existing is None:
            return None
        kept = Permission(existing.permissions) if permissions is None else permissions
        return grant(resource, account, kept, by=by, expires_at=expires_at)[0]


def extend(resource: Resource, account: Account, *, by: Principal) -> Grant | None:
    """Let a grant that ends do so 30 days later; one without an end stays. Return None when it has ended or is gone.

    Raises:
        BeyondOwnPermissions: as `change`.
    """
    with transaction.atomic():
        existing = _direct(resource, account).first()
        if existing is None or existing.expires_at is None:
            return existing
        return change(resource, account, None, by=by, expires_at=existing.expires_at + EXTENSION)


def give_again(resource: Resource, account: Account, *, by: Principal) -> Grant | None:
    """Give what has ended again, for as long as it was given before; None when there is nothing that has ended.

    Raises:
        BeyondOwnPermissions: as `grant`.
    """
    with transaction.atomic():
        ended = Grant.objects.filter(
            shown_as_ended(), resource=resource, account=account, source=Grant.Source.DIRECT
        ).first()
        if ended is None or ended.expires_at is None:
            return None
        ends = now() + max(ended.expires_at - ended.created_at, SHORTEST)
        return grant(resource, account, Permission(ended.permissions), by=by, expires_at=ends)[0]


def revoke(
    resource: Resource, account: Account, *, by: Principal, source: str | None = None, issue_id: str | None = None
) -> list[Removed]:
    """Take away what `account` was granted on `resource`, and return what that was.

    Managers may revoke any grant, and grantees may give up their own; the view's declaration lets no other account
    come here. A run's access that comes from an issue ends too, when the run's owner does it, or
    the grantee does. `source` limits it to direct grants or to those from issues, `issue_id` to one issue.
    """
    with transaction.atomic():
        found = Grant.objects.select_for_update().filter(counts(), resource=resource, account=account)
        if by.account_id not in (resource.owner_id, account.pk):
            found = found.filter(source=Grant.Source.DIRECT)
        if source is not None:
            found = found.filter(source=source)
        if issue_id is not None:
            found = found.filter(issue_id=issue_id)
        removed = [_removed(each) for each in found]
        if removed:
            Grant.objects.filter(pk__in=[each.pk for each in found]).delete()
            _record("grant.revoked", resource, account, _together(removed), NOTHING, by)
    return removed


def put_back(resource: Resource, account: Account, removed: Iterable[Removed], *, by: Principal) -> None:
    """Give `account` again exactly what was removed, unless it has been given something since. No one gets an e-mail.

    Raises:
        BeyondOwnPermissions: when the principal does not hold what it would give.
        CannotPutBack: when the run has been taken off the issue that the access came from, or it would have ended.
    """
    _check_grantee(resource, account)
    with transaction.atomic():
        _lock(resource)
        for each in removed:
            if each.source == Grant.Source.ISSUE:
                _put_back_from_issue(resource, account, each, by)
            elif each.expires_at is not None and each.expires_at <= now():
                raise CannotPutBack("This access has ended since.")
            elif not _direct(resource, account).exists():
                _check_manager(resource, account, each.permissions, by, each.expires_at)
                _put(
                    resource,
                    account,
                    each.permissions,
                    by,
                    each.expires_at,
                    granted_by=each.granted_by,
                    created_at=each.created_at,
                )


def may_put_back(resource: Resource, removed: Iterable[Removed], held: Permission, *, by: Principal) -> bool:
    """Tell whether `by`, who holds `held`, may give again what was removed."""
    if is_owner(by, resource):
        return True
    return all(
        each.source == Grant.Source.DIRECT and each.account_id != by.account_id and each.permissions & ~held == NOTHING
        for each in removed
    )


def _lock(resource: Resource) -> None:
    """Let one change of a resource's grants follow the other, so that two at once cannot both be the first."""
    if not Resource.objects.select_for_update().filter(pk=resource.pk).exists():
        raise ResourceGone(f"This {resource.info.noun} was deleted.")


def _direct(resource: Resource, account: Account) -> QuerySet[Grant]:
    return Grant.objects.select_for_update().filter(
        counts(), resource=resource, account=account, source=Grant.Source.DIRECT
    )


def _end(existing: Grant | None, wanted: NewEnd) -> datetime | None:
    """Return when a grant is to end.

    Raises:
        UnsupportedEnd: when that is not later than now, or too far away.
    """
    if wanted is End.UNCHANGED:
        return existing.expires_at if existing else None
    if wanted is not None and wanted <= now():
        raise UnsupportedEnd("The end of the access must be in the future.")
    if wanted is not None and wanted >= FOR_EVER:
        raise UnsupportedEnd("The end of the access must be before the last day of the year 9999.")
    return wanted


def _added(existing: Grant | None, permissions: Permission, end: datetime | None) -> Permission:
    """Return the permissions that the account would have that it has not, or not for so long."""
    if existing is None or (existing.expires_at is not None and (end is None or end > existing.expires_at)):
        return permissions
    return permissions & ~Permission(existing.permissions)


def _put(
    resource: Resource,
    account: Account,
    permissions: Permission,
    by: Principal,
    expires_at: datetime | None,
    *,
    granted_by: str | None = None,
    created_at: datetime | None = None,
) -> tuple[Grant, bool]:
    before = _make_room(resource, account)
    changed = {"permissions": permissions.value, "expires_at": expires_at}
    kept, is_new = Grant.objects.update_or_create(
        resource=resource,
        account=account,
        source=Grant.Source.DIRECT,
        # Another end has a line and a notice of its own.
        defaults={**changed, "end_recorded_at": None, "notice_sent_at": None},
        create_defaults={
            **changed,
            "granted_by": by.account_id or "" if granted_by is None else granted_by,
            "created_at": created_at or timezone.now(),
            "resource_kind": resource.kind,
            "resource_created_at": resource.created_at,
        },
    )
    had, ended = (Permission(before.permissions), before.expires_at) if before else (NOTHING, None)
    ends = _ends(ended, expires_at)
    _record("grant.created" if is_new else "grant.changed", resource, account, had, permissions, by, **ends)
    return kept, is_new


def _make_room(resource: Resource, account: Account) -> Grant | None:
    """Return the direct grant that the account has; one that has ended is recorded as such and goes."""
    kept = (
        Grant.objects.select_for_update()
        .filter(resource=resource, account=account, source=Grant.Source.DIRECT)
        .annotate(is_counted=is_counted())
        .first()
    )
    if kept is None or kept.is_counted:
        return kept
    grant_lifecycle.record_end(kept, resource, account)
    kept.delete()
    return None


def _ends(before: datetime | None, after: datetime | None) -> dict[str, Any]:
    """Return what a line of the trail says of the ends of a grant, where it has one."""
    if before is None and after is None:
        return {}
    return {"expiredAt": before.isoformat() if before else None, "expiresAt": after.isoformat() if after else None}


def _put_back_from_issue(resource: Resource, account: Account, removed: Removed, by: Principal) -> None:
    if not is_owner(by, resource):
        raise BeyondOwnPermissions("Only the owner of a run can share it by an issue.")
    issue = Issue.objects.filter(pk=removed.issue_id, run_id=resource.pk, actor__owner=account).first()
    if issue is None:
        raise CannotPutBack("The run is not attached to that issue any more.")
    _, is_new = Grant.objects.get_or_create(
        resource=resource,
        account=account,
        source=Grant.Source.ISSUE,
        issue=issue,
        defaults={
            "permissions": removed.permissions.value,
            "granted_by": removed.granted_by,
            "created_at": removed.created_at,
            "resource_kind": resource.kind,
            "resource_created_at": resource.created_at,
        },
    )
    if is_new:
        _record("grant.created", resource, account, NOTHING, removed.permissions, by)


def _removed(grant: Grant) -> Removed:
    return Removed(
        account_id=grant.account_id,
        permissions=Permission(grant.permissions),
        source=grant.source,
        issue_id=grant.issue_id,
        granted_by=grant.granted_by,
        created_at=grant.created_at,
        expires_at=grant.expires_at,
    )


def _together(removed: Iterable[Removed]) -> Permission:
    together = NOTHING
    for each in removed:
        together |= each.permissions
    return together


def _check_grantee(resource: Resource, account: Account) -> None:
    if account.pk == resource.owner_id:
        raise OwnerNeedsNoGrant(f"{account.username} owns this {resource.info.noun} and has full access already.")


def _check_manager(
    resource: Resource, account: Account, added: Permission, by: Principal, end: datetime | None
) -> None:
    """Check that `by` holds what is added, now and until `end`: the decision itself is asked about that moment."""
    if by.account_id == account.pk:
        raise BeyondOwnPermissions("You can give up your own access, but not change it.")
    lacking = _lacking(resource, added, by, None)
    if lacking:
        raise BeyondOwnPermissions(
            f"You can give only permissions that you have yourself. Missing: {', '.join(lacking)}."
        )
    if by.account_id == resource.owner_id:
        return  # as which it has no end
    lacking = _lacking(resource, added, by, FOR_EVER if end is None else end - INSTANT)
    if lacking:
        raise BeyondOwnEnd(
            f"You cannot give access for longer than you have it yourself. It is about: {', '.join(lacking)}."
        )


def _lacking(resource: Resource, added: Permission, by: Principal, at: datetime | None) -> list[str]:
    """Return the permissions of those added that `by` does not hold, now or `at` another moment."""
    if not added:
        return []
    facts = load_facts(resource, by.account_id, at=at)
    decided = {name: decide(by, facts, Permission[name], AddressedBy.ID) for name in added.names}
    if at is None:
        return [name for name, decision in decided.items() if not decision.allowed]
    # What everyone may read now may be closed by then.
    return [name for name, decision in decided.items() if decision.reason not in EXPLICIT]


def _record(
    action: str,
    resource: Resource,
    account: Account,
    before: Permission,
    after: Permission,
    by: Principal,
    **ends: Any,
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
        **ends,
    )
