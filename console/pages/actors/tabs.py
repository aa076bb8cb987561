"""Heading and tabs shared by the pages of an Actor."""

from typing import Any

from console.pages.components import resource_page
from console.pages.components.resource_page import Tab
from resources.models import Actor
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

INFORMATION, SOURCE, BUILDS, RUNS, ISSUES, SETTINGS = "", "/source", "/builds", "/runs", "/issues", "/settings"
_LABELS = {
    INFORMATION: "Information",
    SOURCE: "Source",
    BUILDS: "Builds",
    RUNS: "Runs",
    ISSUES: "Issues",
    SETTINGS: "Settings",
}


def tab_context(request: ResourcePageRequest[Actor], tab: str) -> dict[str, Any]:
    """Return what `actors/page.html` needs; `tab` is the end of the path of the one that is shown."""
    actor, access = request.resource, request.access
    shown = [each for each in _LABELS if each != SETTINGS or access.allows(Permission.WRITE)]
    tabs = [Tab(_LABELS[each], f"{actor.console_path}{each}", is_current=each == tab) for each in shown]
    return {
        **resource_page.page_context(request, heading=get_title(actor), tabs=tabs),
        "actor": actor,
        "can_run": access.allows(Permission.RUN),
        "can_build": access.allows(Permission.BUILD),
    }


def get_title(actor: Actor) -> str:
    """Return what a page calls an Actor."""
    return actor.title or actor.name or actor.pk
