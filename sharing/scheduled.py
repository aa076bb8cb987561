"""What a schedule may start: asked of whoever saves it, of its owner then, and of its owner again each time it fires.

Its runs are its owner's and speak for its owner. So nobody who may change somebody else's schedule gets more by it than
its owner and they both have: each action has to be allowed to both. And what speaks for the owner is the owner's to
choose: others add only what belongs to the owner, for anything else could be a program of their own, and so could
another build of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast

import msgspec

from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Actor, Task
from resources.schedules.actions import Action, RunActor
from sharing import narrowing, refusals
from sharing.mentioned import mentioned
from sharing.permissions import Permission

_NOT_THE_OWNERS = refusals.withheld(
    "Only its owner can have a schedule start an Actor or task of somebody else, or another build of it: its runs "
    "speak for its owner.",
)


@dataclass(frozen=True, slots=True)
class Target:
    """What an action starts: an Actor, by one of its tasks or by itself."""

    actor: Actor
    task: Task | None = None

    @property
    def words(self) -> str:
        """How a sentence calls it."""
        return f"task {self.task}" if self.task else f"Actor {self.actor}"


def target_of(action: Action, principal: Principal) -> Target:
    """Return what an action starts, if `principal` may start it: RUN on the Actor, and READ on the task if it is one.

    Raises:
        ApiError: the refusal of the access model.
    """
    if isinstance(action, RunActor):
        return Target(cast("Actor", mentioned(principal, Kind.ACTOR, action.actor_id, Permission.RUN)))
    task = cast("Task", mentioned(principal, Kind.TASK, action.actor_task_id, Permission.READ))
    return Target(cast("Actor", mentioned(principal, Kind.ACTOR, task.actor_id or "", Permission.RUN)), task)


def named_by_id(action: Action, principal: Principal, owner: Principal, kept: Collection[Action] = ()) -> Action:
    """Return an action that is about to be saved, with what it starts named by its ID, whatever it is called later.

    `kept` are those that the schedule has already.

    Raises:
        ApiError: the refusal of the access model, to whoever saves it or to the schedule's owner; 403 for somebody else
            who would have a schedule start what is not its owner's, or another build of that.
    """
    target = target_of(action, principal)
    if isinstance(action, RunActor):
        named: Action = msgspec.structs.replace(action, actor_id=target.actor.pk)
    else:
        named = msgspec.structs.replace(action, actor_task_id=target.task.pk if target.task else "")
    if narrowing.is_run_of_other_account(principal):
        raise refusals.withheld(narrowing.why_withheld(Permission.WRITE, Kind.SCHEDULE))
    if owner.account_id != principal.account_id:
        target_of(named, owner)
        is_new = _what(named) not in {_what(each) for each in kept}
        if is_new and (target.task or target.actor).owner_id != owner.account_id:
            raise _NOT_THE_OWNERS
    return named


def _what(action: Action) -> tuple[str, str]:
    """Return the program that an action starts: an Actor and which build of it, or a task, which says so itself."""
    if not isinstance(action, RunActor):
        return action.actor_task_id, ""
    return action.actor_id, (action.run_options.build if action.run_options else None) or ""
