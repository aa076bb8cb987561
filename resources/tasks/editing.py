"""The life of a task: made, changed, deleted, each in one transaction with its audit row.

Who may name the Actor is decided above; here a task only says which one it is of, for good.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from msgspec import UNSET, UnsetType

from accounts.lib import disk_space
from accounts.lib.encryption import CannotDecrypt
from accounts.lib.ids import new_id
from accounts.principal import Principal
from resources import memory
from resources.audit import record, record_renaming
from resources.edit_locked import delete_locked, edit_locked, name_taken
from resources.models import Actor, Task
from resources.records.content_types import MAX_LENGTH, can_be_content_type
from resources.runs.options import InvalidOption, check_saved
from resources.runs.saved_options import NONE_SAVED, SavedOptions, dump_options, load_options
from resources.secret_inputs import saved
from resources.secret_inputs.fields import Holder, SecretsRefused
from resources.storages import check_name

MAX_TITLE = 200
MAX_DESCRIPTION = 10_000
MAX_INPUT_BYTES = 9 * 1024 * 1024
JSON_TYPE = "application/json; charset=utf-8"


class InvalidTask(ValueError):
    """Something that a task cannot have; `field` names it as the API does, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class TaskChange:
    """What of a task is to change; UNSET leaves it as it is.

    `options`, `standby` and `public_config` replace what is there; None takes it away. `input` is the text of the
    input, `input_content_type` what it is: JSON, unless told otherwise. Its secret fields are saved encrypted.
    """

    name: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    options: SavedOptions | UnsetType | None = UNSET
    input: str | UnsetType | None = UNSET
    input_content_type: str = field(default=JSON_TYPE)
    standby: Mapping[str, Any] | UnsetType | None = UNSET
    public_config: Mapping[str, Any] | UnsetType | None = UNSET


NO_CHANGE = TaskChange()


def create(owner_id: str, actor: Actor, change: TaskChange = NO_CHANGE, *, by: Principal) -> Task:
    """Make a task of an Actor; without a name it is given one that says which Actor it is of.

    Raises:
        InvalidName: when no task can be called so.
        NameTaken: when its owner has another task with this name.
        InvalidTask: when it cannot have something else.
        ValueError: when `by` would make one for another account.
        OSError: ENOSPC when the disk has no space for something new.
    """
    if by.account_id != owner_id:
        raise ValueError(f"{by.account_id} cannot make a task for {owner_id}.")
    disk_space.check_database()
    task = Task(
        owner_id=owner_id, actor_id=actor.pk, name=_name_after(actor), created_by_token=by.starting_token_id or None
    )
    _apply(task, change)
    try:
        with transaction.atomic():
            task.save(force_insert=True)
    except IntegrityError as error:
        raise name_taken(task) from error
    return task


def update(task: Task, change: TaskChange | Callable[[Task], TaskChange], *, by: Principal) -> None:
    """Change what `change` gives, and nothing else; `task` is brought up to date.

    A change that depends on what is there is a function of the task as it is once it is locked; whatever
    it raises is passed on.

    Raises:
        InvalidName: when no task can be called so.
        NameTaken: when its owner has another task with this name.
        InvalidTask: when it cannot have something else.
        ResourceGone: when the task was deleted in the meantime.
    """
    edit_locked(
        Task,
        task,
        change,
        apply=_apply,
        fields=_FIELDS,
        record_change=lambda before, locked: record_renaming(before, locked, by),
        taken=name_taken,
    )


def delete(task: Task, *, by: Principal) -> bool:
    """Delete a task, and return whether it was still there. Its runs stay, and no longer say that they were of it."""
    return delete_locked(Task, task, record_deletion=lambda locked: record("resource.deleted", locked, by))


def get_detail(task: Task, name: str) -> dict[str, Any] | None:
    """Return what was given with a task as `actorStandby` or `publicConfig`; it is only kept to be given back."""
    detail: dict[str, Any] | None = json.loads(task.details).get(name)
    return detail


def _apply(task: Task, change: TaskChange) -> None:
    if change.name is not UNSET:
        task.name = check_name(change.name)
    if change.title is not UNSET:
        task.title = checked_text("title", change.title, MAX_TITLE)
    if change.description is not UNSET:
        task.description = checked_text("description", change.description, MAX_DESCRIPTION)
    if change.options is not UNSET:
        task.options = dump_options(_checked_options(change.options or NONE_SAVED))
    if change.standby is not UNSET:
        if not memory.is_possible_standby(change.standby or {}, get_detail(task, "actorStandby") or {}):
            raise InvalidTask("actorStandby.memoryMbytes", memory.MEMORY_RULES)
        task.details = _with_detail(task, "actorStandby", change.standby)
    if change.public_config is not UNSET:
        task.details = _with_detail(task, "publicConfig", change.public_config)
    if change.input is not UNSET:
        disk_space.check_database(len(change.input or ""))
        task.input = checked_text("input", change.input or "", MAX_INPUT_BYTES)
        task.input_content_type = _checked_content_type(change.input_content_type)
    if change.input is not UNSET or change.options is not UNSET:
        task.input = _sealed(task)  # which fields are secret is said by the build


def _sealed(task: Task) -> str:
    """Return the input of a task with its secret fields encrypted for the task's owner and Actor."""
    schema = saved.load_schema(task.actor_id, load_options(task.options).build or "")
    try:
        return saved.encrypt_saved_input(task.input, schema, Holder(task.owner_id, task.actor_id or ""))
    except (saved.NotAnObject, SecretsRefused, CannotDecrypt) as error:
        raise InvalidTask("input", str(error)) from None


def _checked_options(options: SavedOptions) -> SavedOptions:
    try:
        check_saved(options)
    except InvalidOption as error:
        raise InvalidTask(f"options.{error.field}", str(error)) from None
    return options


def checked_text(field: str, text: str, limit: int) -> str:
    """Return a text that every database can keep.

    Raises:
        InvalidTask: when it is longer than `limit`, or holds what no database keeps.
    """
    if len(text) > limit or "\x00" in text or not _is_unicode(text):
        raise InvalidTask(field, f"it must have at most {limit:,} characters, and no NUL or half a character in it.")
    return text


def _checked_content_type(content_type: str) -> str:
    if not can_be_content_type(content_type):
        raise InvalidTask("contentType", f"it must be a media type of at most {MAX_LENGTH} characters.")
    return content_type


def _is_unicode(text: str) -> bool:
    """Tell whether there is no lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _with_detail(task: Task, name: str, value: Mapping[str, Any] | None) -> str:
    """Return the JSON text of a task's details with one of them changed; what a database would refuse is escaped."""
    details = json.loads(task.details)
    details.pop(name, None)
    text = json.dumps(details if value is None else {**details, name: dict(value)})
    if len(text) > MAX_DESCRIPTION:
        raise InvalidTask(name, f"it must have at most {MAX_DESCRIPTION:,} characters.")
    return text


def _name_after(actor: Actor) -> str:
    """Return a name for a task that was given none; the last part keeps apart those of one Actor."""
    return f"{(actor.name or 'task')[:50].rstrip('-')}-{new_id()[:8].lower()}"


_FIELDS = (
    "name",
    "title",
    "description",
    "options",
    "input",
    "input_content_type",
    "details",
)
