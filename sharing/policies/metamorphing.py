"""Only the owner of a run, or the run itself, turns it into a run of another Actor.

WRITE on the run is what it takes, and has been decided before. But what runs then has a token that speaks for the
run's owner, so what it does stays the owner's to choose.
"""

from accounts.principal import Principal
from resources.models import Run
from sharing import token_limits
from sharing.enforcement import refusals
from sharing.owner_only import may_choose_code


def check_metamorph(run: Run, *, by: Principal) -> None:
    """Check that `by` may choose the Actor that a run becomes.

    Raises:
        ApiError: 403 for another account, and for a run that is restrained and not this one.
    """
    is_itself = by.run is not None and by.run.id == run.pk
    if token_limits.is_restrained_run(by) and not is_itself:
        raise refusals.token_limited_error(token_limits.why_restrained(by, token_limits.CODE))
    if not is_itself and not may_choose_code(by, run, run.actor_id):
        raise refusals.token_limited_error("Only its owner can choose what becomes of an Actor run.")
