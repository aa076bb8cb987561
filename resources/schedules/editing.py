"""The life of a schedule: made, changed, deleted, each in one transaction with its audit row.

Who may name what it starts is decided above, when it is saved and again when it fires
(`sharing/policies/schedule_targets.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from msgspec import UNSET, UnsetType

from accounts.lib import database_clock, disk_space
from accounts.lib.encryption import CannotDecrypt
from accounts.lib.ids import new_id
from accounts.principal import Principal, Starter
from resources.audit import record, record_renaming
from resources.edit_locked import delete_locked, edit_locked, name_taken
from resources.models import Schedule, ScheduleInvocation
from resources.records.content_types import MAX_LENGTH, can_be_content_type
from resources.runs.options import InvalidOption, check_saved
from resources.runs.tokens import scope_within
from resources.schedules import times
from resources.schedules.actions import Action, InvalidActions, RunActor, dump_actions
from resources.schedules.secrets import input_field_for, with_secrets_sealed
from resources.secret_inputs.fields import SecretsRefused
from resources.secret_inputs.saved import NotAnObject
from resources.storages import check_name

MAX_TITLE = 200
MAX_DESCRIPTION = 10_000
MAX_LOG = 1000


class InvalidSchedule(ValueError):
    """Something that a schedule cannot have; `field` names it as the API does, the message says why."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class ScheduleChange:
    """What of a schedule is to change; UNSET leaves it as it is."""

    name: str | UnsetType = UNSET
    title: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    cron_expression: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET
    is_exclusive: bool | UnsetType = UNSET
    notify_by_email: bool | UnsetType = UNSET
    actions: Sequence[Action] | UnsetType = UNSET


NO_CHANGE = ScheduleChange()


def create(owner_id: str, change: ScheduleChange = NO_CHANGE, *, by: Principal) -> Schedule:
    """Make a schedule; without a name it is given one.

    Raises:
        InvalidName: when no schedule can be called so.
        NameTaken: when its owner has another schedule with this name.
        InvalidSchedule: when it cannot have something else.
        ValueError: when `by` would make one for another account.
        OSError: ENOSPC when the disk has no space for something new.
    """
    if by.account_id != owner_id:
        raise ValueError(f"{by.account_id} cannot make a schedule for {owner_id}.")
    disk_space.check_database()
    schedule = Schedule(
        owner_id=owner_id,
        name=f"schedule-{new_id()[:8].lower()}",
        created_by_token=by.starting_token_id or None,
    )
    _apply(schedule, change, by)
    try:
        with transaction.atomic():
            schedule.save(force_insert=True)
    except IntegrityError as error:
        raise name_taken(schedule) from error
    return schedule


def update(schedule: Schedule, change: ScheduleChange | Callable[[Schedule], ScheduleChange], *, by: Principal) -> None:
    """Change what `change` gives, and nothing else; `schedule` is brought up to date.

    A change that depends on what is there is a function of the schedule as it is once it is locked;
    whatever it raises is passed on.

    A schedule that is enabled, or whose times change, fires next at the first of its times from now on.

    Raises:
        InvalidName: when no schedule can be called so.
        NameTaken: when its owner has another schedule with this name.
        InvalidSchedule: when it cannot have something else.
        ResourceGone: when it was deleted in the meantime.
    """
    edit_locked(
        Schedule,
        schedule,
        change,
        apply=lambda locked, wanted: _apply(locked, wanted, by),
        fields=_FIELDS,
        record_change=lambda before, locked: _record_change(before, locked, by),
        taken=name_taken,
    )


def delete(schedule: Schedule, *, by: Principal) -> bool:
    """Delete a schedule with its log, and return whether it was still there. Its runs stay."""
    return delete_locked(Schedule, schedule, record_deletion=lambda locked: record("resource.deleted", locked, by))


def load_log(schedule: Schedule) -> list[ScheduleInvocation]:
    """Return the last MAX_LOG lines of a schedule's log, the oldest first."""
    return list(ScheduleInvocation.objects.filter(schedule_id=schedule.pk).order_by("-pk")[:MAX_LOG])[::-1]


def _record_change(before: Schedule, after: Schedule, by: Principal) -> None:
    record_renaming(before, after, by)
    if by.account_id != after.owner_id:
        record("schedule.changed", after, by)  # it acts in its owner's name


def _apply(schedule: Schedule, change: ScheduleChange, by: Principal) -> None:
    if change.name is not UNSET:
        schedule.name = check_name(change.name)
    if change.title is not UNSET:
        schedule.title = _text("title", change.title, MAX_TITLE)
    if change.description is not UNSET:
        schedule.description = _text("description", change.description, MAX_DESCRIPTION)
    for flag in ("is_exclusive", "notify_by_email"):
        if (value := getattr(change, flag)) is not UNSET:
            setattr(schedule, flag, value)
    if change.actions is not UNSET:
        schedule.actions = _actions(change.actions, schedule.owner_id)
    if by.account_id == schedule.owner_id:
        schedule.token_scope, schedule.starters = scope_within(None, by, schedule.owner_id), _starters_of(by)
    elif by.scopes:
        schedule.token_scope = scope_within(schedule.token_scope, by, schedule.owner_id)
    _apply_times(schedule, change)


def _starters_of(by: Principal) -> list[list[str]] | None:
    """Return as whom a schedule acts that a principal of its owner saves; None: as the whole account.

    Raises:
        InvalidSchedule: for a run with the narrowings of several, of which a schedule could keep only one.
    """
    narrowed = by.run.starters if by.run else [Starter(by.token_id or "", by.person_id, by.role, by.scope)]
    kept = [[each.token_id, each.person_id] for each in narrowed if each.role is not None or each.scope is not None]
    if len(kept) > 1:
        raise InvalidSchedule("actions", "a run that several members or tokens have started can save no schedule.")
    return kept or None


def _apply_times(schedule: Schedule, change: ScheduleChange) -> None:
    before = (schedule.cron_expression, schedule.timezone, schedule.is_enabled)
    if change.cron_expression is not UNSET:
        schedule.cron_expression = change.cron_expression
    if change.timezone is not UNSET:
        schedule.timezone = change.timezone
    if change.is_enabled is not UNSET:
        schedule.is_enabled = change.is_enabled
    try:
        times.check(schedule.cron_expression, schedule.timezone)
    except times.InvalidTimes as error:
        raise InvalidSchedule(error.field, str(error)) from None
    if not schedule.is_enabled:
        schedule.next_at = None
    elif before != (schedule.cron_expression, schedule.timezone, True) or schedule.next_at is None:
        schedule.next_at = times.next_after(schedule.cron_expression, schedule.timezone, database_clock.now())


def _actions(actions: Sequence[Action], owner_id: str) -> str:
    for at, action in enumerate(actions):
        if isinstance(action, RunActor):
            _check_run(f"actions[{at}]", action)
    try:
        return dump_actions([_sealed(f"actions[{at}]", action, owner_id) for at, action in enumerate(actions)])
    except InvalidActions as error:
        raise InvalidSchedule("actions", str(error)) from None


def _sealed(field: str, action: Action, owner_id: str) -> Action:
    try:
        return with_secrets_sealed(action, owner_id)
    except (NotAnObject, SecretsRefused, CannotDecrypt) as error:
        raise InvalidSchedule(f"{field}.{input_field_for(action)}", str(error)) from None


def _check_run(field: str, action: RunActor) -> None:
    """Check what a run is to be given, as it is checked when the run starts."""
    if action.run_options is not None:
        try:
            check_saved(action.run_options)
        except InvalidOption as error:
            raise InvalidSchedule(f"{field}.runOptions.{error.field}", str(error)) from None
    content_type = action.run_input.content_type if action.run_input else None
    if content_type and not can_be_content_type(content_type):
        raise InvalidSchedule(
            f"{field}.runInput.contentType", f"it must be a media type of at most {MAX_LENGTH} characters."
        )


def _text(field: str, text: str, limit: int) -> str:
    if len(text) > limit or "\x00" in text:
        raise InvalidSchedule(field, f"it must have at most {limit:,} characters, and no NUL among them.")
    return text


_FIELDS = (
    "name",
    "title",
    "description",
    "cron_expression",
    "timezone",
    "is_enabled",
    "is_exclusive",
    "notify_by_email",
    "actions",
    "token_scope",
    "starters",
    "next_at",
)
