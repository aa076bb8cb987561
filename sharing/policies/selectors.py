"""Actors and tasks that the viewer can run: the Actor of a task, and the choices of dialogs that start one."""

from dataclasses import dataclass

from accounts.lib.api_errors import ApiError
from accounts.principal import Principal
from resources.kinds import KINDS, Kind
from resources.models import Actor, Task
from sharing.decide_many import ids_allowed
from sharing.enforcement.require import get_or_refuse
from sharing.lists import Listed, listed
from sharing.permissions import Permission
from sharing.visibility.names import placeholder_name

# So many things of a kind a choice offers; anything else is started from its own page.
MOST_CHOICES = 200


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
        """What to call it: its name for who may see it, else only that it is an Actor."""
        return str(self.actor) if self.actor else placeholder_name(Kind.ACTOR)


def actor_link(actor_id: str | None, principal: Principal) -> ActorLink | None:
    """Return the Actor with this ID for a page; None where nothing is named."""
    if not actor_id:
        return None
    actor = get_allowed_actor(principal, actor_id, Permission.RUN)
    if actor is not None:
        return ActorLink(actor_id, actor, can_run=True)
    return ActorLink(actor_id, get_allowed_actor(principal, actor_id, Permission.READ), can_run=False)


def get_allowed_actor(principal: Principal, address: str, permission: Permission) -> Actor | None:
    """Return the Actor at an address, if `principal` may do this with it."""
    try:
        return get_or_refuse(principal, Kind.ACTOR, address, permission)
    except ApiError:
        return None


def runnable_choices(kind: Kind, principal: Principal) -> list[Listed]:
    """Return the Actors, or the tasks, of one's lists that one may start, newest first.

    To be listed takes READ, to be started RUN on the Actor besides: what a dialog offers it must not refuse.
    """
    found = listed(principal, kinds=(kind,), limit=MOST_CHOICES)
    ids = [each.id for each in found]
    if kind is Kind.TASK:
        actor_of = dict(Task.objects.filter(pk__in=ids).values_list("pk", "actor_id"))
    else:
        actor_of = {id_: id_ for id_ in ids}
    actors = Actor.objects.filter(pk__in=set(actor_of.values()))
    runnable = ids_allowed(actors, principal, Permission.RUN)
    return [each for each in found if actor_of.get(each.id) in runnable]
