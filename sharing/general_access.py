"""General access of a resource and of an account: changed in one place, with its line in the audit trail."""

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Account, AccountGeneralAccess
from accounts.principal import Principal
from resources.models import GeneralAccess, Resource
from resources.runs import approvals


class UnsupportedLevel(ValueError):
    """A level that does not exist, or that this resource cannot have; the message says which it can."""


def get_levels(resource: Resource) -> list[GeneralAccess]:
    """Return the levels that a resource can have: none where general access does not apply."""
    if not resource.info.general_access:
        return []
    named = resource.info.storage and resource.name is not None
    return [level for level in GeneralAccess if named or level is not GeneralAccess.ANYONE_WITH_NAME_CAN_READ]


def set_for_resource(resource: Resource, level: str, *, by: Principal) -> bool:
    """Give a resource its own level and return whether that changed anything; the next request feels it.

    Raises:
        UnsupportedLevel: when the resource cannot have this level, or was deleted meanwhile.
    """
    if level not in get_levels(resource):
        allowed = ", ".join(get_levels(resource)) or "none"
        raise UnsupportedLevel(f"{level} is not possible for this {resource.info.noun}. Possible: {allowed}.")
    with transaction.atomic():
        before = (
            Resource.objects.select_for_update().filter(pk=resource.pk).values_list("general_access", flat=True).first()
        )
        if before is None:
            raise UnsupportedLevel(f"This {resource.info.noun} was deleted.")
        if before == level:
            return False
        now = timezone.now()
        Resource.objects.filter(pk=resource.pk).update(general_access=level, modified_at=now)
        audit.record(
            "general_access.changed",
            by=by,
            account_id=resource.owner_id,
            subject_kind=resource.kind,
            subject_id=resource.pk,
            name=resource.name,
            before=before,
            after=level,
        )
    resource.general_access, resource.modified_at = level, now
    return True


def set_for_account(account: Account, level: str, *, by: Principal) -> bool:
    """Set what everything that follows the account's setting has, and return whether that changed anything.

    Raises:
        UnsupportedLevel: when an account cannot have this level.
    """
    if level not in AccountGeneralAccess.values:
        raise UnsupportedLevel(f"{level} is not possible for an account.")
    return _set_setting(account, "general_access", level, by=by)


def set_run_sharing(account: Account, shares: bool, *, by: Principal) -> bool:
    """Opt in to or out of sharing runs with the creators of public Actors; return whether that changed anything."""
    return _set_setting(account, "share_runs_with_actor_creators", shares, by=by)


def set_actor_permissions(account: Account, *, limits_new: bool, skips_approvals: bool, by: Principal) -> bool:
    """Set which permissions an account's new Actors have, and whether it runs those of others without approvals.

    Where it does so no more, the runs that go on of Actors that it has not approved have limited permissions from now
    on. Returns whether that changed anything.
    """
    with transaction.atomic():
        changed = _set_setting(account, "limits_new_actors", limits_new, by=by)
        if not _set_setting(account, "skips_actor_approvals", skips_approvals, by=by):
            return changed
        if not skips_approvals:
            approvals.limit_unapproved(account.pk)
    return True


def _set_setting(account: Account, name: str, value: str | bool, *, by: Principal) -> bool:
    with transaction.atomic():
        before = getattr(Account.objects.select_for_update().get(pk=account.pk), name)
        if before == value:
            return False
        Account.objects.filter(pk=account.pk).update(**{name: value})
        audit.record(f"account.{name}.changed", by=by, account_id=account.pk, before=before, after=value)
    setattr(account, name, value)
    return True
