"""Check that a finished run may be resurrected.

WRITE on the run is what it takes, and has been decided before. But what runs then has a token that speaks for the
run's owner, so what it is stays the owner's to choose, and has to be something that the owner may still run.
"""

from http import HTTPStatus

from accounts.lib.api_errors import ApiError
from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Build, Run
from sharing import token_limits
from sharing.enforcement import refusals
from sharing.enforcement.require import get_or_refuse
from sharing.owner_only import may_choose_code
from sharing.permissions import Permission


def check_resurrect(run: Run, build: str | None, *, by: Principal) -> None:
    """Check that `by` may have a run go on, with another `build` where one is named.

    Raises:
        ApiError: 403 for another account that names a build; the refusal of the access model where the run's owner may
            not run its Actor any more, or the one that it has been turned into; 403 where the owner is suspended.
    """
    if not run.owner.is_active:
        message = "The account that this Actor run belongs to is suspended."
        raise ApiError(HTTPStatus.FORBIDDEN, "insufficient-permissions", message)
    if build is not None and token_limits.is_restrained_run(by):
        raise refusals.token_limited_error(token_limits.why_restrained(by, token_limits.CODE))
    if build is not None and not may_choose_code(by, run, run.actor_id):
        raise refusals.token_limited_error("Only its owner can choose the build of an Actor run.")
    owner = run.owner.principal
    get_or_refuse(owner, Kind.ACTOR, run.actor_id or "", Permission.RUN)
    built = Build.objects.filter(pk=run.build_id).values_list("actor_id", flat=True).first() if build is None else None
    if built and built != run.actor_id:
        get_or_refuse(owner, Kind.ACTOR, built, Permission.RUN)
