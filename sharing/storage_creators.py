"""The Actor that created a storage: its runs may use the storage until the access that comes of that ends.

It ends when a run of another Actor opens the storage by its name, so that an Actor gets nothing by taking the names
that others use, and when the owner says so.
"""

from django.db import transaction

from accounts.principal import Principal
from resources.audit import record
from resources.models import Resource
from sharing.links import signing_keys


def leave_to_account(storage: Resource, *, by: Principal) -> bool:
    """End what the creator of a storage may do with it, where `by` is a run of another Actor that opens it by its name.

    `by` may read the storage, which has been decided before. Returns whether anything ended.
    """
    was_made_by_other = bool(by.run and storage.created_by_actor and storage.created_by_actor != by.run.actor_id)
    return was_made_by_other and _end(storage) is not None


def end_access(storage: Resource, *, by: Principal) -> bool:
    """End what the creator of a storage may do with it, and return whether there was one."""
    with transaction.atomic():
        actor_id = _end(storage)
        if actor_id:
            record("storage.creator_access_ended", storage, by, actor=actor_id)
    return actor_id is not None


def _end(storage: Resource) -> str | None:
    """End the access, and the links signed by a creator that belongs to another account; return the creator's ID."""
    with transaction.atomic():
        locked = Resource.objects.select_for_update().filter(pk=storage.pk).first()
        actor_id = locked.created_by_actor if locked else None
        if actor_id:
            Resource.objects.filter(pk=storage.pk).update(created_by_actor=None)
            if not Resource.objects.filter(pk=actor_id, owner_id=storage.owner_id).exists():
                signing_keys.change_all(storage.pk)
    storage.created_by_actor = None
    return actor_id
