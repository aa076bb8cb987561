"""The life of an Actor: made, changed, published, deleted, each in one transaction with its audit row."""

import re
from collections.abc import Callable
from dataclasses import fields

from django.db import IntegrityError, transaction
from django.utils import timezone
from msgspec import UNSET

from accounts.lib import disk_space
from accounts.models import Account
from accounts.principal import Principal
from resources import permission_levels
from resources.actors.fields import NO_CHANGE, ActorChange, check, merge_details
from resources.audit import record, record_renaming
from resources.edit_locked import delete_locked, edit_locked, name_taken
from resources.jobs.queue import queue_input_encryption
from resources.models import Actor, Build
from resources.storages import MAX_NAME_LENGTH, InvalidName

NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9-]{1,61}[a-zA-Z0-9]\Z", re.ASCII)
NAME_RULES = f"Use 3 to {MAX_NAME_LENGTH} letters, digits and dashes, with a letter or digit at both ends."
FIRST_NAME = "my-actor"


def create(owner_id: str, name: str | None, change: ActorChange = NO_CHANGE, *, by: Principal) -> Actor:
    """Make an Actor without versions; one without a name is given one that is free.

    Its permission level is that of the owner's new Actors where the change gives none.

    Raises:
        InvalidName: when no Actor can be called `name`.
        NameTaken: when its owner has another Actor with this name.
        InvalidField: for another field.
        ValueError: when `by` would make one for another account.
    """
    if by.account_id != owner_id:
        raise ValueError(f"{by.account_id} cannot make an Actor for {owner_id}.")
    disk_space.check_database()
    actor = Actor(
        owner_id=owner_id,
        name=_free_name(owner_id) if name is None else _checked(name),
        created_by_token=by.starting_token_id or None,
        permission_level=level_of_new_actors(owner_id),
    )
    _apply(actor, change)
    with transaction.atomic():
        _insert(actor)
        if actor.is_public:
            record("actor.published", actor, by)
    return actor


def level_of_new_actors(owner_id: str) -> str | None:
    """Return the permission level that an account chose for its new Actors, as a model keeps it."""
    limits = Account.objects.filter(pk=owner_id).values_list("limits_new_actors", flat=True).first()
    return permission_levels.LIMITED if limits else None


def update(actor: Actor, change: ActorChange | Callable[[Actor], ActorChange], *, by: Principal) -> None:
    """Change what `change` gives, and nothing else; publishing and renaming leave a line each.

    A change that depends on what is there is a function of the Actor as it is once it is locked; whatever
    it raises is passed on.

    Un-publishing is felt at the next request: only what was granted stays readable.

    Raises:
        InvalidName: when no Actor can be called `name`.
        NameTaken: when its owner has another Actor with this name.
        InvalidField: for another field; then nothing is changed.
        ResourceGone: when the Actor was deleted in the meantime.
    """
    edit_locked(
        Actor,
        actor,
        change,
        apply=_apply,
        fields=_FIELDS,
        record_change=lambda before, locked: _record_change(before, locked, by),
        taken=name_taken,
    )


def touch(actor: Actor) -> None:
    """Note that something of an Actor has just been changed."""
    actor.modified_at = timezone.now()
    Actor.objects.filter(pk=actor.pk).update(modified_at=actor.modified_at)


def delete(actor: Actor, *, by: Principal) -> bool:
    """Delete an Actor with its versions, builds and issues, and return whether it was still there.

    Its builds go with it: left behind they would be readable by their ID without anything to belong to. Its runs
    stay, because they belong to the accounts that started them. All access to them that came through the Actor ends
    (the rules ACTOR_GRANT, PUBLIC_ACTOR, OWNER_RUNS, CREATOR_RUNS and ISSUE each need the Actor or its issue), and no
    account gains any: what is left is their owner, direct grants and their general access. Tasks stay too, and cannot
    be started.
    """

    def record_deletion(locked: Actor) -> None:
        record("resource.deleted", locked, by)
        Build.objects.filter(actor_id=locked.pk).delete()

    return delete_locked(Actor, actor, record_deletion=record_deletion)


_FIELDS = tuple(field.name for field in fields(ActorChange))


def _apply(actor: Actor, change: ActorChange) -> None:
    check(change)
    if change.name is not UNSET and change.name != actor.name:  # names from before there was a shortest one stay
        _checked(change.name)
    for field in _FIELDS:
        value = getattr(change, field)
        if value is not UNSET:
            setattr(actor, field, merge_details(actor.details, value) if field == "details" else value)


def _record_change(before: Actor, after: Actor, by: Principal) -> None:
    record_renaming(before, after, by)
    if after.default_build != before.default_build:
        queue_input_encryption(after.pk)  # other fields may be secret now
    if after.permission_level != before.permission_level:
        levels = [permission_levels.level_of(each.permission_level) for each in (before, after)]
        record("actor.permission_level_changed", after, by, before=levels[0], after=levels[1])
    if after.is_public != before.is_public:
        record("actor.published" if after.is_public else "actor.unpublished", after, by)


def _insert(actor: Actor) -> None:
    try:
        with transaction.atomic():
            actor.save(force_insert=True)
    except IntegrityError as error:
        raise name_taken(actor) from error


def _checked(name: str) -> str:
    if not NAME.match(name):
        shown = 0 < len(name) <= MAX_NAME_LENGTH and name.isprintable()
        raise InvalidName(f'"{name}" cannot be the name of an Actor. {NAME_RULES}' if shown else NAME_RULES)
    return name


def _free_name(owner_id: str) -> str:
    """Return a name that the account has not given to an Actor yet: my-actor, my-actor-2 and so on."""
    mine = Actor.objects.filter(owner_id=owner_id, name__istartswith=FIRST_NAME)
    taken = {name.lower() for name in mine.values_list("name", flat=True) if name}
    names = (FIRST_NAME, *(f"{FIRST_NAME}-{number}" for number in range(2, len(taken) + 2)))
    return next(name for name in names if name not in taken)
