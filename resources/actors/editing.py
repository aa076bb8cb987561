"""The life of an Actor: made, changed, published, deleted, each in one transaction with its audit row."""

import re
from collections.abc import Callable
from typing import Unpack

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.principal import Principal
from resources.actors import fields as checks
from resources.actors.fields import ActorFields
from resources.audit import record
from resources.jobs.queue import queue_sealing
from resources.models import Actor, Build
from resources.storages import MAX_NAME_LENGTH, InvalidName, NameTaken, ResourceGone

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
NAME_RULES = f"Use 1 to {MAX_NAME_LENGTH} lowercase letters, digits and dashes, with a letter or digit at both ends."
FIRST_NAME = "my-actor"


def create(owner_id: str, name: str | None, *, by: Principal, **fields: Unpack[ActorFields]) -> Actor:
    """Make an Actor without versions; one without a name is given one that is free.

    Raises:
        InvalidName: when no Actor can be called `name`.
        NameTaken: when its owner has another Actor with this name.
        InvalidField: for another field.
        ValueError: when somebody would make one for somebody else.
    """
    if by.account_id != owner_id:
        raise ValueError(f"{by.account_id} cannot make an Actor for {owner_id}.")
    checks.check(fields)
    actor = Actor(owner_id=owner_id, name=_free_name(owner_id) if name is None else _checked(name))
    _set(actor, fields)
    with transaction.atomic():
        _save(actor, is_new=True)
        if actor.is_public:
            record("actor.published", actor, by)
    return actor


def update(
    actor: Actor, change: ActorFields | Callable[[Actor], ActorFields], *, by: Principal, name: str | None = None
) -> None:
    """Change the fields that are given, and the name where one is given; publishing and renaming leave a line each.

    A change that depends on what is there is a function of the Actor as it is when nobody else can change it; whatever
    it raises is passed on.

    Un-publishing is felt at the next request: nobody keeps by it what they were not given.

    Raises:
        InvalidName: when no Actor can be called `name`.
        NameTaken: when its owner has another Actor with this name.
        InvalidField: for another field; then nothing is changed.
        ResourceGone: when the Actor was deleted in the meantime.
    """
    if name is not None:
        _checked(name)
    with transaction.atomic():
        locked = Actor.objects.select_for_update().filter(pk=actor.pk).first()
        if locked is None:
            raise ResourceGone(actor.pk)
        fields = change(locked) if callable(change) else change
        checks.check(fields)
        before, was_public, default_build = locked.name, locked.is_public, locked.default_build
        locked.name = before if name is None else name
        _set(locked, fields)
        locked.modified_at = timezone.now()
        _save(locked)
        if locked.name != before:
            record("resource.renamed", locked, by, before=before, after=locked.name)
        if locked.default_build != default_build:
            queue_sealing(locked.pk)  # other fields may be secret now
        if locked.is_public != was_public:
            record("actor.published" if locked.is_public else "actor.unpublished", locked, by)
    for field in _KEPT:
        setattr(actor, field, getattr(locked, field))


def touch(actor: Actor) -> None:
    """Note that something of an Actor has just been changed."""
    actor.modified_at = timezone.now()
    Actor.objects.filter(pk=actor.pk).update(modified_at=actor.modified_at)


def delete(actor: Actor, *, by: Principal) -> bool:
    """Delete an Actor with its versions, builds and issues, and return whether it was still there.

    Its builds go with it: left behind they would be readable by their ID without anything to belong to. Its runs
    stay, because they belong to whoever started them. All access to them that came through the Actor ends (the rules
    ACTOR_GRANT, PUBLIC_ACTOR, OWNER_RUNS, CREATOR_RUNS and ISSUE each need the Actor or its issue), and nobody gains
    any: what is left is their owner, direct grants and their general access. Tasks stay too, and cannot be started.
    """
    with transaction.atomic():
        locked = Actor.objects.select_for_update().filter(pk=actor.pk).first()
        if locked is None:
            return False
        record("resource.deleted", locked, by)
        Build.objects.filter(actor_id=locked.pk).delete()
        locked.delete()
    return True


_KEPT = (
    "name",
    "title",
    "description",
    "is_public",
    "default_build",
    "default_timeout_secs",
    "default_memory_mbytes",
    "restart_on_error",
    "details",
    "modified_at",
)


def _set(actor: Actor, change: ActorFields) -> None:
    for field, value in change.items():
        if field == "details":
            actor.details = checks.merged(actor.details, change["details"])
        else:
            setattr(actor, field, value)


def _save(actor: Actor, *, is_new: bool = False) -> None:
    try:
        with transaction.atomic():
            actor.save(force_insert=True) if is_new else actor.save(update_fields=_KEPT)
    except IntegrityError as error:
        raise NameTaken(f'There is another Actor called "{actor.name}". Choose another name.') from error


def _checked(name: str) -> str:
    if not NAME.match(name):
        shown = 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()
        raise InvalidName(f'"{name}" cannot be the name of an Actor. {NAME_RULES}' if shown else NAME_RULES)
    return name


def _free_name(owner_id: str) -> str:
    """Return a name that the account has not given to an Actor yet: my-actor, my-actor-2 and so on."""
    mine = Actor.objects.filter(owner_id=owner_id, name__startswith=FIRST_NAME)
    taken = set(mine.values_list("name", flat=True))
    names = (FIRST_NAME, *(f"{FIRST_NAME}-{number}" for number in range(2, len(taken) + 2)))
    return next(name for name in names if name not in taken)
