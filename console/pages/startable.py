"""The Actor of a task, or of what a schedule starts, as far as whoever looks may see and run it."""

from dataclasses import dataclass
from typing import cast

from accounts.errors import ApiError
from accounts.principal import Principal
from resources.kinds import KINDS, Kind
from resources.models import Actor
from sharing.mentioned import mentioned
from sharing.permissions import Permission


@dataclass(frozen=True, slots=True)
class ActorLink:
    """An Actor that something belongs to. `actor` is None where it may not be seen, or has been deleted."""

    id: str
    actor: Actor | None
    can_run: bool

    @property
    def path(self) -> str:
        """The path of its page."""
        return f"/{KINDS[Kind.ACTOR].console_path}/{self.id}"

    @property
    def label(self) -> str:
        """What to call it: its name for who may see it, else the ID alone."""
        return str(self.actor) if self.actor else self.id


def actor_link(actor_id: str | None, principal: Principal) -> ActorLink | None:
    """Return the Actor with this ID for a page; None where nothing is named."""
    if not actor_id:
        return None
    actor = may(principal, actor_id, Permission.RUN)
    if actor is not None:
        return ActorLink(actor_id, actor, can_run=True)
    return ActorLink(actor_id, may(principal, actor_id, Permission.READ), can_run=False)


def may(principal: Principal, address: str, permission: Permission) -> Actor | None:
    """Return the Actor at an address, if `principal` may do this with it."""
    try:
        return cast("Actor", mentioned(principal, Kind.ACTOR, address, permission))
    except ApiError:
        return None
