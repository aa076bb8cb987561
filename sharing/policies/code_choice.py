"""Only the owner of a task or schedule chooses the code that it runs.

Its runs can speak for the owner. So WRITE changes its input and its other options, and not the Actor, the task, the
build or the permission level. As with runs that are resurrected (`sharing/policies/resurrecting.py`), a run of another
account's Actor does not choose any of these either.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Resource, Task
from resources.runs import saved_options
from resources.runs.saved_options import NONE_SAVED, SavedOptions
from resources.tasks.editing import TaskChange
from sharing import token_limits
from sharing.enforcement import refusals
from sharing.owner_only import may_choose_code

ONLY_THE_OWNER: Final[Mapping[Kind, str]] = {
    Kind.TASK: "Only its owner can choose the build and the permission level of a task: its runs can speak for its "
    "owner.",
    Kind.SCHEDULE: "Only its owner can choose which Actors, tasks and builds a schedule starts, and with which "
    "permission level: its runs speak for its owner.",
}


def check_may_choose_code(resource: Resource, *, by: Principal) -> None:
    """Check that `by` may choose which code a task or a schedule runs.

    Raises:
        ApiError: 403 for another account than the owner, and for a run of another account's Actor.
    """
    if token_limits.is_restrained_run(by):
        raise refusals.token_limited_error(token_limits.why_restrained(by, token_limits.CODE))
    if not may_choose_code(by, resource, resource.actor_id):
        raise refusals.token_limited_error(ONLY_THE_OWNER[Kind(resource.kind)])


def check_change(task: Task, change: TaskChange, *, by: Principal) -> TaskChange:
    """Return a change of a task, if `by` may make it; WRITE on the task has been decided before.

    Raises:
        ApiError: 403 for a principal that may not choose the code, and would by this change.
    """
    if change.options is not UNSET and chosen_code(change.options) != chosen_code(
        saved_options.load_options(task.options)
    ):
        check_may_choose_code(task, by=by)
    return change


def chosen_code(saved: SavedOptions | None) -> tuple[str, str]:
    """Return the build and the permission level that saved options choose, each "" where they say nothing."""
    said = saved or NONE_SAVED
    return said.build or "", said.force_permission_level or ""
