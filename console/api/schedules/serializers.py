"""Schedules as the API writes them: one in full, and many in a list."""

from collections.abc import Sequence
from typing import Any

import msgspec

from accounts.lib.timestamps import iso
from accounts.principal import Principal
from resources.models import Schedule
from resources.schedules.actions import Action, RunActor, get_actions
from sharing.lists import Listed


def serialize_schedule(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule with what it starts, in full."""
    return {
        **_serialize_summary(schedule),
        "title": schedule.title or None,
        "description": schedule.description or None,
        "notifications": {"email": schedule.notify_by_email},
        "actions": [msgspec.to_builtins(action) for action in get_actions(schedule)],
        "consoleUrl": schedule.console_url,
    }


def _serialize_summary(schedule: Schedule) -> dict[str, Any]:
    return {
        "id": schedule.pk,
        "userId": schedule.owner_id,
        "name": schedule.name or "",
        "cronExpression": schedule.cron_expression,
        "timezone": schedule.timezone,
        "isEnabled": schedule.is_enabled,
        "isExclusive": schedule.is_exclusive,
        "createdAt": iso(schedule.created_at),
        "modifiedAt": iso(schedule.modified_at),
        "nextRunAt": iso(schedule.next_at) if schedule.next_at else None,
        "lastRunAt": iso(schedule.last_at) if schedule.last_at else None,
    }


def serialize_schedules(rows: Sequence[Listed], _principal: Principal) -> list[dict[str, Any]]:
    """Return the schedules of a list, each with the IDs of what it starts."""
    schedules = Schedule.objects.in_bulk([row.id for row in rows])
    found = [schedules[row.id] for row in rows if row.id in schedules]
    return [
        {**_serialize_summary(each), "actions": [_serialize_action(action) for action in get_actions(each)]}
        for each in found
    ]


def _serialize_action(action: Action) -> dict[str, Any]:
    if isinstance(action, RunActor):
        return {"id": action.id, "type": "RUN_ACTOR", "actorId": action.actor_id}
    return {"id": action.id, "type": "RUN_ACTOR_TASK", "actorTaskId": action.actor_task_id}
