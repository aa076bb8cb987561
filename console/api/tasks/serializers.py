"""Tasks as the API writes them: one in full, and many in a list."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from accounts.lib.timestamps import iso
from accounts.principal import Principal
from resources.models import Resource, Task
from resources.runs import saved_options
from resources.tasks import editing
from sharing.decide_many import ids_allowed
from sharing.lists import Listed
from sharing.permissions import Permission


def serialize_task(task: Task, username: str) -> dict[str, Any]:
    """Return a task with its settings and input; `username` is its owner's."""
    return {
        **_serialize_summary(task, username),
        "title": task.title or None,
        "description": task.description or None,
        "options": msgspec.to_builtins(saved_options.load_options(task.options)),
        "input": msgspec.Raw(task.input.encode()) if _is_json(task.input) else None,
        "actorStandby": editing.get_detail(task, "actorStandby"),
        "publicConfig": editing.get_detail(task, "publicConfig"),
        "isPublic": False,
        "consoleUrl": task.console_url,
    }


def _serialize_summary(task: Task, username: str) -> dict[str, Any]:
    return {
        "id": task.pk,
        "userId": task.owner_id,
        "actId": task.actor_id or "",
        "name": task.name or "",
        "username": username,
        "createdAt": iso(task.created_at),
        "modifiedAt": iso(task.modified_at),
        "stats": {"totalRuns": task.run_count},
    }


def _is_json(text: str) -> bool:
    """Tell whether an input that was saved as text can stand within JSON."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return False
    return True


def serialize_tasks(rows: Sequence[Listed], principal: Principal) -> list[dict[str, Any]]:
    """Return the tasks of a list, each with the name of its Actor if `principal` may read that."""
    tasks = Task.objects.in_bulk([row.id for row in rows])
    actors = Resource.objects.select_related("owner").in_bulk({task.actor_id for task in tasks.values()} - {None})
    readable = ids_allowed(actors.values(), principal, Permission.READ)
    known = {id_: actor for id_, actor in actors.items() if id_ in readable}
    return [_serialize_list_item(tasks[row.id], row, known) for row in rows if row.id in tasks]


def _serialize_list_item(task: Task, row: Listed, known: Mapping[str, Resource]) -> dict[str, Any]:
    actor = known.get(task.actor_id or "")
    return {
        **_serialize_summary(task, row.owner_username),
        "title": task.title or None,
        "actName": actor.name if actor else None,
        "actUsername": actor.owner.username if actor else None,
    }
