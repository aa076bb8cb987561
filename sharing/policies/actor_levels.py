"""Who may raise the permission level of an Actor, and start a run with a higher one than its Actor's.

Full permissions let an Actor do in an account all that the account may do. So it is the owner's alone to give them.
"""

from accounts.organizations.permissions import AccountPermission
from accounts.principal import Principal
from resources import permission_levels
from resources.actors.editing import level_of_new_actors
from resources.models import Actor, Task
from resources.runs.options import RunOptions, options_of_task
from sharing import token_limits
from sharing.enforcement import refusals
from sharing.owner_only import is_owner, may_choose_code, own_task

ONLY_THE_OWNER = "Only the owner of an Actor can give it full permissions."


def check_change(actor: Actor, level: str | None, *, by: Principal) -> None:
    """Check that `by` may give an Actor a permission level, as a model keeps it; WRITE has been decided before.

    Raises:
        ApiError: 403 where the level would be higher than before, and `by` is not the owner.
    """
    if level is None and actor.permission_level is not None and not may_raise(actor, by=by):
        raise refusals.token_limited_error(ONLY_THE_OWNER)


def check_new(level: str | None, *, by: Principal) -> None:
    """Check that `by` may make an Actor with a permission level, as a model keeps it.

    Raises:
        ApiError: 403 where the level is higher than the account has chosen for new Actors, and `by` may not raise it.
    """
    if level is None and level_of_new_actors(by.account_id or "") is not None and not _may_raise_in_account(by):
        raise refusals.token_limited_error(ONLY_THE_OWNER)


def may_raise(actor: Actor, *, by: Principal) -> bool:
    """Tell whether `by` may give an Actor full permissions."""
    return is_owner(by, actor) and _may_raise_in_account(by)


def may_exceed(actor: Actor, options: RunOptions, task: Task | None, *, by: Principal) -> bool:
    """Tell whether a run may have a higher permission level than its Actor: as a test of the user's own Actor.

    The level is that of the options, or of a task that belongs to the same account.
    """
    forced = options.force_permission_level
    own = own_task(task, by=by)
    if forced is None and own is not None:
        forced = options_of_task(own).force_permission_level
    return forced == permission_levels.FULL and may_choose_code(by, actor, actor.pk)


def may_approve(by: Principal) -> bool:
    """Tell whether `by` may approve Actors for its account: in an organization it takes its management."""
    return token_limits.speaks_for_whole_account(by) and by.may_for_account(AccountPermission.MANAGE_ORGANIZATION)


def _may_raise_in_account(by: Principal) -> bool:
    """Tell whether `by` may give full permissions to the Actors of its account: no run may that is restrained."""
    return not token_limits.is_restrained_run(by) and by.may_for_account(AccountPermission.MANAGE_ORGANIZATION)
