"""Starting runs: what depends on who starts them, decided, and the rest left to `resources/runs`."""

from functools import partial
from typing import Any

from accounts.principal import Principal
from resources.models import Actor, Run, Task
from resources.runs import restarting, starting
from resources.runs.input_names import CallerInput
from resources.runs.options import RunOptions
from sharing.owner_only import own_task
from sharing.policies import actor_levels, input_names


def start(
    actor: Actor, *, by: Principal, options: RunOptions | None = None, task: Task | None = None, **fields: Any
) -> Run:
    """Start an Actor, or a task of it, and return the run; that `by` may run both has been decided before.

    `fields` and what is raised are those of `resources.runs.starting.start`.
    """
    asked = options or RunOptions()
    return starting.start(
        actor,
        by=by,
        options=asked,
        task=task,
        may_exceed_level=actor_levels.may_exceed(actor, asked, task, by=by),
        resolve_names=partial(input_names.resolve, by=by),
        **fields,
    )


def metamorph(run: Run, target: Actor, *, by: Principal, **fields: Any) -> None:
    """Have a run go on as another Actor; that `by` may have it so has been decided before.

    `fields` and what is raised are those of `resources.runs.restarting.metamorph`.
    """
    restarting.metamorph(run, target, by=by, resolve_names=partial(input_names.resolve, by=by), **fields)


def said_over_task(task: Task, given: bytes | None, *, by: Principal) -> CallerInput:
    """Return what counts as the caller's of the input of a task's run: what is `given`, and a task of the caller."""
    own = own_task(task, by=by)
    return CallerInput(given, own.input.encode() if own and own.input else None)
