"""Who may do what with an issue that they can see: asked by the console and by the API alike."""

from accounts.lib.rate_limits import count_use
from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Run
from sharing.access import Access
from sharing.enforcement.require import get_or_refuse
from sharing.models import Issue
from sharing.narrowings.role import roles_let
from sharing.permissions import Permission

WRITES_PER_HOUR = 60
TO_WRITE = Permission.RUN


def count_issue_write(account_id: str) -> bool:
    """Count that an account writes to an issue, and tell whether it may: it has not written too often lately."""
    return count_use("write-to-issues", account_id, WRITES_PER_HOUR, 3600)


def may_write(principal: Principal) -> bool:
    """Tell whether the roles of a principal let it open, answer and change issues in its account's name.

    Views that do so declare the same; pages ask it to show no button that leads to a refusal.
    """
    return roles_let(principal, TO_WRITE, Kind.ACTOR)


def may_rewrite(issue: Issue, principal: Principal) -> bool:
    """Tell whether a principal may change what an issue says and which run is attached to it: its author may."""
    return issue.author_id == principal.account_id and may_write(principal)


def may_close(issue: Issue, access: Access) -> bool:
    """Tell whether a principal may close, open and delete an issue: its author, and those who may change the Actor.

    `access` is the principal's to the Actor of the issue.
    """
    by_author = may_rewrite(issue, access.principal)
    return by_author or (may_write(access.principal) and access.allows(Permission.WRITE))


def run_shown_to(issue: Issue, principal: Principal) -> Run | None:
    """Return the attached run for those who know which one it is: its owner, and the developer it is shared with."""
    run = issue.run
    return run if run is not None and principal.account_id in (run.owner_id, issue.actor.owner_id) else None


def run_to_attach(run_id: str, principal: Principal) -> Run:
    """Return a run that is about to be attached: attaching shares it, so it takes the permission to share it.

    Raises:
        ApiError: the refusal of the access model.
    """
    get_or_refuse(principal, Kind.RUN, run_id, Permission.MANAGE_ACCESS_RIGHTS)
    return Run.objects.get(pk=run_id)
