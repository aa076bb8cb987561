"""The life of a storage apart from its content: made, named, deleted, each in one transaction with its audit row."""

import re
from typing import Any, TypeVar

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.lib import disk_space
from accounts.principal import Principal
from resources.audit import record
from resources.edit_locked import ResourceGone, delete_locked, name_taken
from resources.kinds import KINDS, Kind
from resources.models import MODELS, GeneralAccess, Resource

Storage = TypeVar("Storage", bound=Resource)

MAX_NAME_LENGTH = 63
MAX_SCHEMA_BYTES = 100_000
NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?\Z")
NAME_RULES = f"Use 1 to {MAX_NAME_LENGTH} letters, digits and dashes, with a letter or digit at both ends."


class InvalidName(ValueError):
    """A name that no storage can have; the message says what a name is made of."""


class InvalidSchema(ValueError):
    """A schema that no storage of its kind can have; the message says why."""


def create(
    model: type[Storage], owner_id: str, *, by: Principal, name: str | None = None, schema: str = ""
) -> tuple[Storage, bool]:
    """Return a storage of `owner_id` and whether it is new: a new one without a name, else the one with this name.

    Safe when raced: the second caller gets what the first one made. There is no audit row; the storage itself
    says when it was made, and `by` may only be its owner. A new dataset or key-value store is given the `schema`, JSON
    text that has been checked.

    Raises:
        InvalidName: when no storage can be called `name`.
        ValueError: when `model` is not that of a storage, or `by` would make one for another account.
        OSError: ENOSPC when the disk has no space for something new.
    """
    info = KINDS[model.KIND]
    if not info.storage or by.account_id != owner_id:
        raise ValueError(f"{by.account_id} cannot make a {info.noun} for {owner_id}.")
    defaults: dict[str, Any] = {"created_by_token": by.starting_token_id or None, "created_by_actor": _actor_of(by)}
    if schema:
        defaults["schema"] = schema
    stored: QuerySet[Storage] = QuerySet(model)
    if name is None:
        disk_space.check_database()
        return stored.create(owner_id=owner_id, **defaults), True
    found = stored.filter(owner_id=owner_id, kind=info.kind, name=check_name(name)).first()
    if found is not None:
        return found, False
    disk_space.check_database()
    return stored.get_or_create(owner_id=owner_id, kind=info.kind, name=name, defaults=defaults)


def _actor_of(by: Principal) -> str | None:
    return by.run.actor_id or None if by.run else None


def rename(resource: Resource, name: str | None, *, by: Principal) -> bool:
    """Give a storage another name, or none, and return whether that changed anything.

    Without a name no request can come by name, so "anyone with name or ID" becomes "anyone with ID": the same, by ID.

    Raises:
        InvalidName: when no storage can be called `name`.
        NameTaken: when its owner has another storage of this kind with this name.
        ResourceGone: when the storage was deleted in the meantime.
    """
    if name is not None:
        check_name(name)
    with transaction.atomic():
        locked = Resource.objects.select_for_update().filter(pk=resource.pk).first()
        if locked is None:
            raise ResourceGone(resource.pk)
        before, level = locked.name, locked.general_access
        if before == name:
            return False
        if name is None and level == GeneralAccess.ANYONE_WITH_NAME_CAN_READ:
            locked.general_access = GeneralAccess.ANYONE_WITH_ID_CAN_READ
        locked.name, locked.modified_at = name, timezone.now()
        _save_name(locked)
        record("resource.renamed", locked, by, before=before, after=name)
        if locked.general_access != level:
            record("general_access.changed", locked, by, before=level, after=locked.general_access)
    for changed in ("name", "general_access", "modified_at"):
        setattr(resource, changed, getattr(locked, changed))
    return True


def delete(resource: Resource, *, by: Principal) -> bool:
    """Delete a storage with all its content, and return whether it was still there.

    Its rows are locked first: a push that is under way is waited for and goes with it, and a later one finds it gone.
    """
    return delete_locked(
        MODELS[Kind(resource.kind)], resource, record_deletion=lambda locked: record("resource.deleted", locked, by)
    )


def check_name(name: str) -> str:
    """Return a name of a storage, task or schedule as it is.

    Raises:
        InvalidName: when nothing can be called so; the message says why.
    """
    if not NAME.match(name):
        shown = 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()
        raise InvalidName(f'"{name}" cannot be a name. {NAME_RULES}' if shown else NAME_RULES)
    return name


def _save_name(locked: Resource) -> None:
    try:
        with transaction.atomic():
            locked.save(update_fields=("name", "general_access", "modified_at"))
    except IntegrityError as error:
        raise name_taken(locked) from error
