"""The page of a resource whose kind has none of its own yet: what is known of it, and who has access."""

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.pages.access_words import badge_of, how_you_see_it
from resources.kinds import KINDS, Kind
from resources.models import Resource
from sharing.declare import needs
from sharing.permissions import Permission
from sharing.requests import ResourcePageRequest


@dataclass(frozen=True, slots=True)
class Related:
    """Something that a resource belongs to, or that belongs to it. It says no more than its ID and what it is."""

    what: str
    id: str
    path: str


@needs(None, Permission.READ)
@require_safe
def page(request: ResourcePageRequest) -> HttpResponse:
    """Show a resource."""
    resource, access = request.resource, request.access
    manages = access.allows(Permission.MANAGE_ACCESS_RIGHTS)
    context = {
        "resource": resource,
        "info": resource.info,
        "owner": access.facts.owner_username,
        "is_mine": resource.owner_id == request.user.pk,
        "badge": badge_of(access.facts) if resource.info.general_access and manages else None,
        "how_you_see_it": how_you_see_it(request.decision, access.facts, access.held),
        "can_share": manages,
        "related": _related(resource),
    }
    return render(request, "resource/resource.html", context)


def _related(resource: Resource) -> list[Related]:
    """Return the Actor, task and run that a resource belongs to, and the default storages of a run."""
    found = [
        Related(KINDS[kind].title, id_, f"/{KINDS[kind].console_path}/{id_}")
        for kind, id_ in ((Kind.ACTOR, resource.actor_id), (Kind.TASK, resource.task_id), (Kind.RUN, resource.run_id))
        if id_
    ]
    if resource.kind == Kind.RUN:
        storages = Resource.objects.filter(run_id=resource.pk).order_by("kind", "id")
        found += [Related(f"Default {each.info.noun}", each.pk, each.console_path) for each in storages]
    return found
