"""What a schedule does when it fires: the actions, as they are kept and as they are checked."""

from typing import Annotated, Any

import msgspec

from accounts.lib.ids import new_id
from resources.jobs.status import Origin
from resources.kinds import Kind
from resources.models import Schedule, Task
from resources.runs.saved_options import SavedOptions

MAX_ACTIONS = 10
MAX_INPUT = 1_000_000
RUN_ACTOR = "RUN_ACTOR"
RUN_ACTOR_TASK = "RUN_ACTOR_TASK"
ORIGIN = Origin.SCHEDULER
JSON_TYPE = "application/json; charset=utf-8"

_Id = Annotated[str, msgspec.Meta(max_length=100)]


class RunInput(msgspec.Struct, rename="camel", frozen=True):
    """The input of a run: its text, and what it is."""

    body: str | None = None
    content_type: Annotated[str, msgspec.Meta(max_length=255)] | None = None


class RunActor(msgspec.Struct, rename="camel", tag_field="type", tag=RUN_ACTOR, frozen=True, omit_defaults=True):
    """Start an Actor. `id` is the action's own."""

    actor_id: _Id
    id: _Id = ""
    run_input: RunInput | None = None
    run_options: SavedOptions | None = None


class RunActorTask(
    msgspec.Struct, rename="camel", tag_field="type", tag=RUN_ACTOR_TASK, frozen=True, omit_defaults=True
):
    """Start a task, with fields that take the place of those that it has saved."""

    actor_task_id: _Id
    id: _Id = ""
    input: dict[str, Any] | None = None


Action = RunActor | RunActorTask


class InvalidActions(ValueError):
    """Actions that no schedule can have; the message says why."""


def parse_actions(text: str) -> list[Action]:
    """Return the actions that a schedule keeps."""
    return msgspec.json.decode(text, type=list[Action])


def dump_actions(actions: list[Action]) -> str:
    """Return actions as they are kept, each with an id of its own.

    Raises:
        InvalidActions: when there are too many, or one is too large or has what no database keeps.
    """
    if len(actions) > MAX_ACTIONS:
        raise InvalidActions(f"there can be at most {MAX_ACTIONS}.")
    kept = [msgspec.structs.replace(action, id=_id(action.id)) for action in actions]
    if len({action.id for action in kept}) != len(kept):
        kept = [msgspec.structs.replace(action, id=new_id()) for action in kept]
    text = msgspec.json.encode(kept).decode()
    if len(text) > MAX_INPUT:
        raise InvalidActions(f"they must have at most {MAX_INPUT:,} characters together.")
    return text


def get_actions(schedule: Schedule) -> list[Action]:
    """Return what a schedule does."""
    return parse_actions(schedule.actions)


def started_by(action: Action) -> tuple[Kind, str]:
    """Return the kind and the ID of the Actor or task that an action starts."""
    if isinstance(action, RunActor):
        return Kind.ACTOR, action.actor_id
    return Kind.TASK, action.actor_task_id


def build_input(action: Action, task: Task | None) -> tuple[bytes | None, str]:
    """Return the input of the run that an action starts and what it is; None where there is none."""
    if isinstance(action, RunActor):
        run_input = action.run_input
        if run_input is None or run_input.body is None:
            return None, ""
        return run_input.body.encode(), run_input.content_type or JSON_TYPE
    saved = task.input if task else ""
    if not action.input:
        return (saved.encode(), task.input_content_type) if task and saved else (None, "")
    return msgspec.json.encode({**_parse_fields(saved), **action.input}), JSON_TYPE


def _parse_fields(saved: str) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(saved or "{}", type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return {}


def _id(id_: str) -> str:
    return id_ if id_.isascii() and id_.isalnum() and len(id_) <= 30 else new_id()
