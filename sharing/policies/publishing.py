"""Publishing an Actor, and making it private again: decided in one place for the console and the API.

A public Actor can be read and run by everyone, its source included. So it is published by those who have all that they
give away by it: MANAGE_ACCESS_RIGHTS, WRITE and RUN. Making it private takes away only, and needs the first of them.
"""

from typing import Final

from accounts.principal import Principal
from resources.kinds import Kind
from sharing.access import Access, Facts
from sharing.narrowings.held_back import held_back_by
from sharing.permissions import Permission

# In the order in which a refusal names the one that is missing.
_TO_PUBLISH: Final = (Permission.MANAGE_ACCESS_RIGHTS, Permission.WRITE, Permission.RUN)
_TO_MAKE_PRIVATE: Final = (Permission.MANAGE_ACCESS_RIGHTS,)


def missing(access: Access, *, public: bool) -> Permission | None:
    """Return the first permission that is missing to make an Actor public, or private; None where it may be done."""
    return next((permission for permission in needed(public=public) if not access.allows(permission)), None)


def needed(*, public: bool) -> tuple[Permission, ...]:
    """Return the permissions that it takes to make an Actor public, or private."""
    return _TO_PUBLISH if public else _TO_MAKE_PRIVATE


def missing_for_new(principal: Principal) -> Permission | None:
    """Return the first permission that keeps a principal from making a new Actor that is public from the start.

    It will own the Actor, so that only what narrows it can stand in its way.
    """
    new = Facts("", Kind.ACTOR, principal.account_id or "", "", created_by_token=principal.starting_token_id)
    return next((each for each in _TO_PUBLISH if held_back_by(principal, each, new)), None)
