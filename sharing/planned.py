"""What a task's runs execute: only the task's owner chooses it.

The task may be started by its owner, or by a schedule of its owner's, and its run then speaks for the owner. So WRITE
on a task changes its input and its other options, and not which build is run. As with schedules
(`sharing/scheduled.py`) and runs (`sharing/resurrecting.py`), a run of another account's Actor does not choose either.
"""

from accounts.principal import Principal
from resources.models import Task
from resources.tasks import options
from resources.tasks.editing import TaskChange, Unset
from resources.tasks.options import NONE_SAVED, SavedOptions
from sharing import narrowing, refusals

ONLY_THE_OWNER = "Only its owner can choose the build of a task: its runs can speak for its owner."


def allowed_change(task: Task, change: TaskChange, *, by: Principal) -> TaskChange:
    """Return a change of a task, if `by` may make it; WRITE on the task has been decided before.

    Raises:
        ApiError: 403 for a principal that may not choose the code, and would by this change.
    """
    if not isinstance(change.options, Unset) and _code(change.options) != _code(options.read(task.options)):
        if narrowing.is_run_of_other_account(by):
            raise refusals.withheld(narrowing.CODE)
        if by.account_id != task.owner_id:
            raise refusals.withheld(ONLY_THE_OWNER)
    return change


def _code(saved: SavedOptions | None) -> tuple[str, str]:
    """Return what options say of the code that is run and of what it may do."""
    said = saved or NONE_SAVED
    return said.build or "", said.force_permission_level or ""
