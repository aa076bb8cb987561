"""The page of an Actor: what it is, how it is run, and what it has been built into."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from console.pages.actors.tabs import INFORMATION, tab_context
from console.pages.components.cells import printable
from console.pages.components.level_sentences import level_label, run_sentences
from resources.actors.builds import build_for
from resources.kinds import Kind
from resources.models import Actor, BuildContent
from resources.runs.approvals import is_approved
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission
from sharing.policies.actor_levels import may_approve

_LONGEST_README = 100_000


@needs(Kind.ACTOR, Permission.READ)
@require_safe
def show_actor(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Show what is known of an Actor."""
    actor = request.resource
    account_id = request.principal.account_id or ""
    context = {
        **tab_context(request, INFORMATION),
        **_built(actor),
        "tags": _tags(actor),
        "level": level_label(actor.permission_level),
        "may": run_sentences(actor, actor.permission_level, account_id),
        "needs_approval": request.access.allows(Permission.RUN)
        and actor.permission_level is None
        and not is_approved(actor, account_id)
        and may_approve(request.principal),
    }
    return render(request, "actors/information.html", context)


def _built(actor: Actor) -> dict[str, Any]:
    """Return the build that runs are of unless another one is chosen, and what it says of itself."""
    build = build_for(actor, "")
    content = BuildContent.objects.only("readme").filter(build=build).first() if build else None
    readme = printable(content.readme[:_LONGEST_README]) if content else ""
    return {"default": build, "readme": readme}


def _tags(actor: Actor) -> list[tuple[str, Any]]:
    """Return the tags of an Actor with the builds that they point to."""
    return [(each.tag, each.build) for each in actor.tagged_builds.select_related("build").order_by("tag")]
