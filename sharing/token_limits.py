"""What the token of a run cannot do, and the sentences that say so.

A run of another account's Actor executes code that the account did not write. It works with the account's data, but
does not change what lets others in, or what goes on in the account's name after the run has ended. So it changes no
access rights, Actors or schedules, and makes webhooks on its own runs only.
"""

from collections.abc import Mapping
from typing import Final

from accounts.principal import Principal
from resources.kinds import Kind
from sharing.permissions import Permission

_OF_ALL: Final = Permission.MANAGE_ACCESS_RIGHTS
# What a run of another account's Actor cannot do with resources of one kind, in addition to _OF_ALL.
_OF_KIND: Final[Mapping[Kind, Permission]] = {
    # An Actor that it had written would run with everything that the account may do.
    Kind.ACTOR: Permission.WRITE | Permission.BUILD,
    Kind.SCHEDULE: Permission.WRITE,
}
_BECAUSE: Final = "This API token is that of a run of another account's Actor."
_BECAUSE_LIMITED: Final = "This API token is that of a run with limited permissions."
_WORDS: Final[Mapping[Kind, str]] = {
    Kind.ACTOR: "It cannot make, change, build or publish Actors.",
    Kind.SCHEDULE: "It cannot make or change schedules, because they go on after it has ended.",
}
WEBHOOKS: Final = (
    "It can make webhooks only on itself and on runs that it started, with isAdHoc. Others go on after it has ended."
)
ACCOUNT: Final = "It cannot act for the whole account."
CODE: Final = "It cannot choose what other runs execute."
LAST_RUNS: Final = "It cannot ask for last runs."
RUN: Final = "This API token is that of a run, and runs do not act for the whole account."
SCOPED: Final = "This API token has a scope, and this needs one for the whole account."


def is_run_of_other_account(principal: Principal) -> bool:
    """Tell whether a principal is a run of another account's Actor."""
    return principal.run is not None and principal.run.is_of_other_account


def is_restrained_run(principal: Principal) -> bool:
    """Tell whether a principal is a run that may do less than its account."""
    return principal.run is not None and (principal.run.is_of_other_account or principal.run.is_limited)


def is_limited_run(principal: Principal) -> bool:
    """Tell whether a principal is a run with limited permissions."""
    return principal.run is not None and principal.run.is_limited


def why_restrained(principal: Principal, what: str) -> str:
    """Return the sentences that say why a run is refused; `what` is one of the sentences of this module."""
    return f"{_BECAUSE_LIMITED if is_limited_run(principal) else _BECAUSE} {what}"


def is_withheld_from_run(principal: Principal, permission: Permission, kind: Kind) -> bool:
    """Tell whether a principal is a run that may not do `permission` with any resource of `kind`."""
    if not is_run_of_other_account(principal):
        return False
    return permission in _OF_ALL | _OF_KIND.get(kind, Permission(0))


def speaks_for_whole_account(principal: Principal) -> bool:
    """Tell whether a principal may do what concerns the account itself and no single resource: no run may."""
    return not principal.is_anonymous and not principal.scopes and principal.run is None


def is_told_all_of_account(principal: Principal) -> bool:
    """Tell whether a principal is told what only the account itself knows: so is a run of its own, which works for it.

    The SDKs ask for the password of proxies from within runs.
    """
    is_own_run = principal.run is not None and not is_restrained_run(principal) and not principal.roles
    return speaks_for_whole_account(principal) or (is_own_run and not principal.scopes)


def why_not_whole_account(principal: Principal) -> str:
    """Return the sentence that says why a principal does not speak for its whole account."""
    if is_restrained_run(principal):
        return why_restrained(principal, ACCOUNT)
    return RUN if principal.run is not None else SCOPED


def why_withheld(permission: Permission, kind: Kind) -> str:
    """Return the sentence that says why a run of another account's Actor may not do `permission`."""
    if permission is Permission.MANAGE_ACCESS_RIGHTS:
        return f"{_BECAUSE} It cannot change who has access, or publish."
    return f"{_BECAUSE} {_WORDS[kind]}"
