"""Schedules that are due, fired: each once for each of its times, however many workers look, and across restarts.

`manage.py worker` calls `fire_due` every second (the setting WORKER_CHORES). In one transaction `next_at` is moved on,
by an UPDATE that is guarded by what was read, and the runs are started: the process that comes second changes nothing,
and a worker that dies over it leaves everything as it was, to be fired by another. What was missed while no worker
looked is fired once, and not once for each time that was missed.

It is here and not below because the owner's access is decided anew each time: it may be gone since the schedule was
saved.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from django.db import InterfaceError, OperationalError, transaction

from accounts import holders
from accounts.holders import Holder
from accounts.lib import database_clock
from accounts.lib.api_errors import ApiError
from accounts.lib.rate_limits import count_use
from accounts.models import Account
from accounts.organizations.acting import load_principal as load_acting_principal
from accounts.principal import Principal, Scope
from resources.jobs.status import FINISHED
from resources.models import Run, Schedule, ScheduleInvocation
from resources.runs.cannot_run import CannotRun
from resources.runs.input_names import CallerInput
from resources.runs.inputs import InvalidInput
from resources.runs.options import InvalidOption, RunOptions
from resources.schedules import actions, times
from resources.schedules.actions import Action, RunActor
from resources.schedules.editing import MAX_LOG
from sharing import run_starts
from sharing.mail import share_mail
from sharing.owner_only import own_task
from sharing.policies.schedule_targets import Target, get_target
from sharing.schedules import schedule_log
from sharing.schedules.schedule_log import TARGET

logger = logging.getLogger(__name__)

AT_ONCE = 100
# An email for each time would be one a minute; the log has them all.
EMAILS_PER_DAY = 1
INFO, WARNING, ERROR = "INFO", "WARNING", "ERROR"
# What the database cannot do now, for any request. Any other of its errors is about what it was given, and comes again.
_NOT_NOW = (OperationalError, InterfaceError)


class _NotStarted(Exception):
    """A run that could not be started; the message says why, without a name."""


def fire_due(now: datetime | None = None) -> int:
    """Fire every schedule that is due at `now`, at most AT_ONCE of them, and return how many this call has fired."""
    now = now or database_clock.now()
    due = Schedule.objects.filter(is_enabled=True, next_at__lte=now).order_by("next_at")
    fired = 0
    for id_ in list(due.values_list("pk", flat=True)[:AT_ONCE]):
        fired += _fire_or_pass(id_, now)
    return fired


def _fire_or_pass(schedule_id: str, now: datetime) -> bool:
    """Fire a schedule as `_fire` does, whatever comes of it: nothing about one schedule keeps others from their times.

    One that cannot even be tried has had its time, with a line in its log, and is tried again at its next one.
    """
    for act in (_act, _say_that_it_failed):
        try:
            return _fire(schedule_id, now, act)
        except _NOT_NOW as error:
            logger.warning("The schedule %s could not be fired now: %s", schedule_id, str(error).strip())
            return False
        except Exception:
            logger.exception("The schedule %s could not be fired.", schedule_id)
    return False


def _fire(schedule_id: str, now: datetime, act: Callable[[Schedule, datetime], None]) -> bool:
    """Move a schedule on to its next time and `act`, if it is due at `now`; return whether this call has done so."""
    with transaction.atomic():
        enabled = Schedule.objects.filter(pk=schedule_id, is_enabled=True)
        due = enabled.filter(next_at__lte=now).first()
        if due is None:
            return False
        following = _following(due, now)
        moved_on = enabled.filter(next_at=due.next_at, cron_expression=due.cron_expression, timezone=due.timezone)
        if not moved_on.update(next_at=following, last_at=now, is_enabled=following is not None):
            return False
        # Read only now that the row is ours: what it does may have been changed a moment ago.
        act(Schedule.objects.select_related("owner").get(pk=schedule_id), due.next_at or now)
    return True


def _following(schedule: Schedule, now: datetime) -> datetime | None:
    """Return when a schedule is due next; None where its times have come to an end, as those of its time zone may."""
    try:
        return times.next_after(schedule.cron_expression, schedule.timezone, now)
    except (times.InvalidTimes, ValueError, KeyError):
        return None


def _act(schedule: Schedule, planned: datetime) -> None:
    was_failing = _is_failing(schedule)
    failures = []
    for action in actions.get_actions(schedule):
        try:
            message = _start(schedule, action, planned)
            _log(schedule, WARNING if message.startswith("Not started") else INFO, message, action)
        except _NotStarted as error:
            failures.append(_log(schedule, ERROR, f"{TARGET} was not started: {error}", action))
    if not actions.get_actions(schedule):
        _log(schedule, WARNING, "There is nothing to start: the schedule has no actions.")
    _prune(schedule)
    if failures and schedule.notify_by_email and schedule.owner.is_active and _may_write(schedule, was_failing):
        said = [line.message for line in schedule_log.readable_lines(failures, schedule.owner.principal)]
        share_mail.email_schedule_failed(schedule, schedule.owner, said)


def _say_that_it_failed(schedule: Schedule, _planned: datetime) -> None:
    _log(schedule, ERROR, "Nothing was started: an internal error.")
    _prune(schedule)


def _may_write(schedule: Schedule, was_failing: bool) -> bool:
    return not was_failing or count_use("schedule-failed", schedule.pk, EMAILS_PER_DAY, 86_400)


def _start(schedule: Schedule, action: Action, planned: datetime) -> str:
    """Start what an action names, and return the message for the log.

    Raises:
        _NotStarted: when nothing was started; it says why.
    """
    if not schedule.owner.is_active:
        raise _NotStarted("the account that the schedule belongs to is not active.")
    principal = _principal(schedule)
    if principal is None:
        raise _NotStarted("the API token or the membership with which the schedule was saved has ended. Save it again.")
    try:
        target = get_target(action, principal)
    except ApiError as error:
        raise _NotStarted(f"the owner of the schedule may not run it. {error.message}") from None
    going_on = _previous(schedule, action) if schedule.is_exclusive else None
    if going_on:
        return f"Not started, because the previous run {going_on} goes on: {TARGET}."
    run = _run(schedule, action, target, planned, principal)
    return f"Started the run {run.pk} of {TARGET}."


def _principal(schedule: Schedule) -> Principal | None:
    """Return as whom a schedule acts: the principal of its owner that last saved or enabled it, as it is now.

    None: its token or its membership has ended.
    """
    token_id, person_id = (schedule.starters or [["", ""]])[0]
    if token_id:
        principal = holders.load_principal(Holder(schedule.owner_id, token_id).code)
    elif person_id:
        person = Account.objects.filter(pk=person_id, is_active=True).first()
        principal = load_acting_principal(person, schedule.owner_id) if person else None
    else:
        principal = schedule.owner.principal
    if principal is None or schedule.token_scope is None:
        return principal
    scope = Scope.from_json(schedule.token_scope)
    return replace(principal, scope=principal.scope.narrowed_to(scope) if principal.scope else scope)


def _run(schedule: Schedule, action: Action, target: Target, planned: datetime, by: Principal) -> Run:
    body, content_type = actions.build_input(action, target.task)
    own, _ = actions.build_input(action, own_task(target.task, by=by))
    try:
        with transaction.atomic():
            return run_starts.start(
                target.actor,
                by=by,
                input=body,
                said=CallerInput(kept=own),
                content_type=content_type,
                options=_options(action),
                task=target.task,
                origin=actions.ORIGIN,
                schedule_id=schedule.pk,
                scheduled_at=planned,
            )
    except (CannotRun, InvalidInput, InvalidOption) as error:
        raise _NotStarted(str(error)) from None
    except _NOT_NOW:
        raise  # all is taken back, and tried again in a moment
    except Exception:
        # Tried again and again it would keep the schedule from ever firing.
        logger.exception("The schedule %s could not start a run.", schedule.pk)
        raise _NotStarted("an internal error.") from None


def _options(action: Action) -> RunOptions:
    options = action.run_options if isinstance(action, RunActor) else None
    if options is None:
        return RunOptions()
    return RunOptions(
        build=options.build,
        timeout_secs=options.timeout_secs,
        memory_mbytes=options.memory_mbytes,
        max_items=options.max_items,
        max_total_charge_usd=options.max_total_charge_usd,
        restart_on_error=options.restart_on_error,
        force_permission_level=options.force_permission_level,
    )


def _previous(schedule: Schedule, action: Action) -> str | None:
    """Return the ID of a run that the schedule has started by this action and that goes on."""
    runs = Run.objects.filter(schedule_id=schedule.pk).exclude(status__in=FINISHED)
    of_it = {"actor_id": action.actor_id} if isinstance(action, RunActor) else {"task_id": action.actor_task_id}
    if isinstance(action, RunActor):
        of_it["task_id"] = None  # type: ignore[assignment]  # those of a task are another action's
    return runs.filter(**of_it).values_list("pk", flat=True).first()


def _is_failing(schedule: Schedule) -> bool:
    last = ScheduleInvocation.objects.filter(schedule_id=schedule.pk).order_by("-pk").first()
    return last is not None and last.level == ERROR


def _log(schedule: Schedule, level: str, message: str, about: Action | None = None) -> ScheduleInvocation:
    """Write a line; what it is about is named when the line is read, to those who may know the name."""
    kind, id_ = actions.started_by(about) if about is not None else (None, None)
    return ScheduleInvocation.objects.create(
        schedule_id=schedule.pk, level=level, message=message, target_kind=kind, target_id=id_
    )


def _prune(schedule: Schedule) -> None:
    """Keep the log to its last MAX_LOG lines."""
    lines = ScheduleInvocation.objects.filter(schedule_id=schedule.pk).order_by("-pk")
    oldest_kept = lines.values_list("pk", flat=True)[MAX_LOG - 1 : MAX_LOG].first()
    if oldest_kept is not None:
        lines.filter(pk__lt=oldest_kept).delete()
