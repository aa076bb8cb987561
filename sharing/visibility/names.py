"""Names of the Actor or task behind a run, build or schedule, hidden from readers who may not know them.

To read a run is not to read its Actor: of an Actor or task that the user may not read, a page says only that it is
one. Its name is not for that user, and its ID tells nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from accounts.principal import Principal
from resources.kinds import KINDS, Kind
from resources.models import Resource
from sharing.decide_many import ids_allowed
from sharing.permissions import Permission


def placeholder_name(kind: Kind | str) -> str:
    """Return what to call an Actor or task whose name the user may not know: "an Actor", "a task"."""
    noun = KINDS[Kind(kind)].noun
    return f"an {noun}" if noun[0] in "Aa" else f"a {noun}"


@dataclass(frozen=True, slots=True)
class Names:
    """The names of some Actors and tasks that the viewer may know, by ID."""

    known: dict[str, str]

    def of(self, resource: Resource | None) -> str:
        """Return how to call an Actor or task: by its name, or by its kind; empty where there is none."""
        return self.known.get(resource.pk, placeholder_name(resource.kind)) if resource is not None else ""

    def with_kind(self, kind: Kind, resource: Resource | None) -> str:
        """Return how a sentence calls an Actor or task of this kind, or one that is gone: "the task x", "a task"."""
        if not self.knows(resource):
            return placeholder_name(kind)
        return f"the {KINDS[kind].noun} {self.of(resource)}"

    def knows(self, resource: Resource | None) -> bool:
        """Tell whether the viewer can open its page."""
        return resource is not None and resource.pk in self.known


def names_for(resources: Iterable[Resource], principal: Principal) -> Names:
    """Return the names that `principal` may know of Actors and tasks whose owners are at hand, in one query at most."""
    by_id = {each.pk: each for each in resources}
    readable = ids_allowed(by_id.values(), principal, Permission.READ)
    return Names({id_: _called(each, principal) for id_, each in by_id.items() if id_ in readable})


def _called(resource: Resource, principal: Principal) -> str:
    name = resource.title or resource.name or resource.pk
    return name if resource.owner_id == principal.account_id else f"{resource.owner.username}/{name}"
