"""What the pages of all resources have in common: where it is, the head, its tabs, and what one may do with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from accounts.principal import Principal
from console.pages.components.access_badges import access_badge, why_visible
from resources.kinds import KINDS, Kind
from sharing.access import Parent
from sharing.decide_many import is_allowed_on_parent
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission
from sharing.visibility.names import placeholder_name


@dataclass(frozen=True, slots=True)
class Crumb:
    """A page above this one."""

    label: str
    path: str


@dataclass(frozen=True, slots=True)
class Tab:
    """One of the pages of a resource. `count` is how much there is on it, where that is known for nothing."""

    label: str
    path: str
    is_current: bool = False
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """Something that a resource belongs to, or that belongs to it.

    Its name and the path of its page are for users who may read it; others are told only what kind it is.
    """

    kind: Kind
    id: str
    path: str
    name: str = ""

    @property
    def label(self) -> str:
        """What to call it."""
        return self.name or (self.id if self.path else placeholder_name(self.kind))


def page_context(
    request: ResourcePageRequest,
    *,
    heading: str = "",
    here: str = "",
    under: Sequence[Crumb] | None = None,
    tabs: Sequence[Tab] = (),
) -> dict[str, Any]:
    """Return what `resource/page.html` needs.

    `heading` is what the page calls the resource and `here` what the breadcrumbs call it: its name, unless something
    else is given. `under` are the pages above it: the list of its kind, unless others are given.
    """
    resource, access = request.resource, request.access
    info = resource.info
    manages = access.allows(Permission.MANAGE_ACCESS_RIGHTS)
    return {
        "resource": resource,
        "info": info,
        "heading": heading or resource.name or f"Unnamed {info.noun}",
        "here": here or str(resource),
        "crumbs": [build_crumb(Kind(resource.kind))] if under is None else under,
        "tabs": tabs,
        "owner": access.facts.owner_username,
        "badge": access_badge(access.facts) if info.general_access and manages else None,
        "why_visible": why_visible(request.decision, access.facts, access.held, request.principal.account_id),
        "is_mine": resource.owner_id == request.principal.account_id,
        "can_write": access.allows(Permission.WRITE),
        "can_share": manages,
    }


def build_crumb(kind: Kind) -> Crumb:
    """Return the way to the list of a kind."""
    return Crumb(KINDS[kind].heading, f"/{KINDS[kind].console_path}")


def get_parents(request: ResourcePageRequest) -> dict[Kind, Related]:
    """Return the Actor and the task that a build or run belongs to, in so far as there are any, asking nothing."""
    facts = request.access.facts
    found = ((Kind.ACTOR, facts.actor), (Kind.TASK, facts.task))
    return {kind: _related(kind, parent, request.principal) for kind, parent in found if parent is not None}


def _related(kind: Kind, parent: Parent, principal: Principal) -> Related:
    info = KINDS[kind]
    if not is_allowed_on_parent(kind, parent, principal, Permission.READ):
        return Related(kind, parent.id, path="")
    return Related(kind, parent.id, f"/{info.console_path}/{parent.id}", parent.name or "")
