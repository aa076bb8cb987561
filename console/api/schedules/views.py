"""Schedules: the list, making one, one schedule with what it starts, and its log.

What a schedule starts is asked of the user who saves it and of its owner, in whose name it starts it: RUN on an Actor;
READ on a task, and RUN on the task's Actor (`sharing/policies/schedule_targets.py`).
"""

from collections.abc import Sequence

import msgspec
from django.http import HttpResponse
from msgspec import UNSET, UnsetType

from accounts.lib.api_errors import ApiError, invalid_value, record_not_found
from accounts.lib.timestamps import iso
from accounts.models import Account
from accounts.principal import Principal
from accounts.request_types import ApiRequest
from console.api.resources import permission_levels
from console.api.resources.lists import list_response
from console.api.schedules.serializers import serialize_schedule, serialize_schedules
from console.http import json_responses, request_body
from console.http.request_body import unset_if_null
from resources.edit_locked import NameTaken, ResourceGone
from resources.kinds import Kind
from resources.models import Schedule
from resources.schedules import editing
from resources.schedules.actions import MAX_ACTIONS, Action, RunActor, get_actions
from resources.schedules.editing import InvalidSchedule, ScheduleChange
from resources.storages import InvalidName
from sharing.declare import creates, lists, needs
from sharing.enforcement.request_types import ResourceApiRequest
from sharing.permissions import Permission
from sharing.policies.schedule_targets import check_action
from sharing.policies.scoped_starts import check_may_start
from sharing.schedules.schedule_log import readable_lines


class Notifications(msgspec.Struct):
    """What the owner is written about."""

    email: bool | UnsetType | None = UNSET


class ScheduleBody(msgspec.Struct, rename="camel"):
    """The body of a POST or PUT of a schedule; what is null, or not given, stays as it is."""

    name: str | UnsetType | None = UNSET
    title: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    cron_expression: str | UnsetType | None = UNSET
    timezone: str | UnsetType | None = UNSET
    is_enabled: bool | UnsetType | None = UNSET
    is_exclusive: bool | UnsetType | None = UNSET
    notifications: Notifications | UnsetType | None = UNSET
    actions: list[Action] | UnsetType | None = UNSET

    def change(self, by: Principal, owner: Principal, kept: Sequence[Action] = ()) -> ScheduleChange:
        """Return what is to change, each action decided; `kept` are those that the schedule has.

        Raises:
            ApiError: the refusal of the access model, for what may not be started.
        """
        for each in self.actions or ():
            if isinstance(each, RunActor) and each.run_options:
                level = each.run_options.force_permission_level
                permission_levels.check("actions.runOptions.forcePermissionLevel", level)
        actions: list[Action] | UnsetType = UNSET
        if self.actions is not None and self.actions is not UNSET:
            actions = [check_action(action, by, owner, kept) for action in self.actions[: MAX_ACTIONS + 1]]
        return ScheduleChange(
            name=unset_if_null(self.name),
            title=unset_if_null(self.title),
            description=unset_if_null(self.description),
            cron_expression=unset_if_null(self.cron_expression),
            timezone=unset_if_null(self.timezone),
            is_enabled=unset_if_null(self.is_enabled),
            is_exclusive=unset_if_null(self.is_exclusive),
            notify_by_email=unset_if_null(self.notifications.email) if self.notifications else UNSET,
            actions=actions,
        )


@lists(Kind.SCHEDULE)
def list_schedules(request: ApiRequest) -> HttpResponse:
    """Answer with a page of the schedules that the account may read."""
    return list_response(request, Kind.SCHEDULE, serialize_schedules)


@creates(Kind.SCHEDULE)
def create(request: ApiRequest) -> HttpResponse:
    """Make a schedule of one's own."""
    body = request_body.read_json(request, ScheduleBody)
    principal = request.principal
    try:
        schedule = editing.create(principal.account_id or "", body.change(principal, principal), by=principal)
    except _REFUSED as error:
        raise _as_api_error(error) from None
    return json_responses.data_response(serialize_schedule(schedule), json_responses.CREATED, location=schedule.api_url)


@needs(Kind.SCHEDULE, Permission.READ)
def show(request: ResourceApiRequest[Schedule]) -> HttpResponse:
    """Answer with a schedule and what it starts."""
    return json_responses.data_response(serialize_schedule(request.resource))


@needs(Kind.SCHEDULE, Permission.WRITE)
def update(request: ResourceApiRequest[Schedule]) -> HttpResponse:
    """Change what is given."""
    body = request_body.read_json(request, ScheduleBody)
    schedule = request.resource
    owner = Account.objects.get(pk=schedule.owner_id).principal
    check_may_start(request.principal, schedule)
    try:
        editing.update(
            schedule,
            lambda locked: body.change(request.principal, owner, get_actions(locked)),
            by=request.principal,
        )
    except _REFUSED as error:
        raise _as_api_error(error) from None
    except ResourceGone:
        raise record_not_found("Schedule was not found.") from None
    return json_responses.data_response(serialize_schedule(schedule))


@needs(Kind.SCHEDULE, Permission.WRITE)
def delete(request: ResourceApiRequest[Schedule]) -> HttpResponse:
    """Delete a schedule with its log; its runs stay."""
    if not editing.delete(request.resource, by=request.principal):
        raise record_not_found("Schedule was not found.")
    return json_responses.no_content()


@needs(Kind.SCHEDULE, Permission.READ)
def show_log(request: ResourceApiRequest[Schedule]) -> HttpResponse:
    """Answer with the last lines of a schedule's log, the oldest first."""
    lines = readable_lines(editing.load_log(request.resource), request.principal)
    return json_responses.data_response(
        [{"message": line.message, "level": line.level, "createdAt": iso(line.at)} for line in lines]
    )


_REFUSED = (InvalidName, NameTaken, InvalidSchedule)


def _as_api_error(error: Exception) -> ApiError:
    if isinstance(error, NameTaken):
        return json_responses.conflict_error("schedule-name-not-unique", str(error))
    return invalid_value(error.field if isinstance(error, InvalidSchedule) else "name", str(error))
