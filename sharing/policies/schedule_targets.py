"""What a schedule may start: asked of the user who saves it, of its owner then, and of its owner at each firing.

Its runs are its owner's and speak for its owner. So a user who may change the schedule of another account gets no more
by it than both have: each action has to be allowed to both. And only the owner chooses which code runs
(`sharing/policies/code_choice.py`): others keep the Actors, tasks, builds and permission levels that the schedule has.
"""

from collections.abc import Collection
from dataclasses import dataclass

import msgspec

from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Actor, Task
from resources.schedules.actions import Action, RunActor
from sharing import token_limits
from sharing.enforcement import refusals
from sharing.enforcement.require import get_or_refuse
from sharing.owner_only import acts_for
from sharing.permissions import Permission
from sharing.policies.code_choice import ONLY_THE_OWNER, chosen_code


@dataclass(frozen=True, slots=True)
class Target:
    """What an action starts: an Actor, by one of its tasks or by itself."""

    actor: Actor
    task: Task | None = None


def get_target(action: Action, principal: Principal) -> Target:
    """Return what an action starts, if `principal` may start it: RUN on the Actor, and READ on the task if it is one.

    Raises:
        ApiError: the refusal of the access model.
    """
    if isinstance(action, RunActor):
        return Target(get_or_refuse(principal, Kind.ACTOR, action.actor_id, Permission.RUN))
    task = get_or_refuse(principal, Kind.TASK, action.actor_task_id, Permission.READ)
    return Target(get_or_refuse(principal, Kind.ACTOR, task.actor_id or "", Permission.RUN), task)


def check_action(action: Action, principal: Principal, owner: Principal, kept: Collection[Action] = ()) -> Action:
    """Return an action that is about to be saved, with the Actor or task that it starts named by its ID.

    `principal` saves it, `owner` owns the schedule, and `kept` are the actions that the schedule has already.

    Raises:
        ApiError: the refusal of the access model, for the principal or for the owner; 403 for a principal other than
            the owner that would choose an Actor, task, build or permission level which no kept action has.
    """
    target = get_target(action, principal)
    if isinstance(action, RunActor):
        named: Action = msgspec.structs.replace(action, actor_id=target.actor.pk)
    else:
        named = msgspec.structs.replace(action, actor_task_id=target.task.pk if target.task else "")
    if token_limits.is_restrained_run(principal):
        raise refusals.token_limited_error(token_limits.why_withheld(Permission.WRITE, Kind.SCHEDULE))
    if not acts_for(principal, owner.account_id or ""):
        get_target(named, owner)
        if _code(named) not in {_code(each) for each in kept}:
            raise refusals.token_limited_error(ONLY_THE_OWNER[Kind.SCHEDULE])
    return named


def _code(action: Action) -> tuple[str, ...]:
    """Return the code that an action runs: an Actor with a build and a permission level, or a task, which has these."""
    if not isinstance(action, RunActor):
        return (action.actor_task_id,)
    return (action.actor_id, *chosen_code(action.run_options))
