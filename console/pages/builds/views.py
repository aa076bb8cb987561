"""The page of a build: how it stands, its log as it grows, and the source that was built."""

from typing import Any

import msgspec
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from console.pages.components import dialogs, resource_page
from console.pages.components.cells import printable
from console.pages.components.durations import time_taken
from console.pages.components.resource_page import Crumb, Related, Tab
from console.pages.runs import log as run_log
from resources.actors import source_files
from resources.actors.versions import url_for_readers
from resources.builds import deleting, ending
from resources.builds.source_url import get_readable_source_url
from resources.kinds import Kind
from resources.models import Build, BuildContent, SourceType
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission


@needs(Kind.BUILD, Permission.READ)
@require_safe
def show_build(request: ResourcePageRequest[Build], actor: str = "") -> HttpResponse:
    """Show how a build stands, and its log."""
    _check_actor(request, actor)
    context = {**_context(request, ""), "log": run_log.read_log(request.resource)}
    return render(request, "builds/build.html", context)


@needs(Kind.BUILD, Permission.READ)
@require_safe
def source(request: ResourcePageRequest[Build]) -> HttpResponse:
    """Show what was built."""
    content = BuildContent.objects.only("source").filter(build_id=request.resource.pk).first()
    kept: dict[str, Any] = msgspec.json.decode(content.source) if content else {}
    source_type = SourceType(kept.get("sourceType") or SourceType.SOURCE_FILES)
    # A version keeps the files and the URL that it had before its source was somewhere else.
    is_files = source_type == SourceType.SOURCE_FILES
    found = source_files.load_files(msgspec.json.encode(kept.get("sourceFiles") or []).decode()) if is_files else []
    found.sort(key=lambda each: each.name)
    wanted = request.GET.get("file", "")
    file = next((each for each in found if each.name == wanted or (not wanted and each.format == "TEXT")), None)
    if wanted and file is None:
        raise Http404
    url = "" if is_files else get_readable_source_url(kept)
    context = _context(request, "/source") | {
        "files": found,
        "file": file,
        "text": printable(file.content) if file and file.format == "TEXT" else None,
        "source_type": source_type,
        "source_url": url_for_readers(url or ""),
        "url_is_unreadable": url is None,
    }
    return render(request, "builds/source.html", context)


@needs(Kind.BUILD, Permission.READ)
@require_safe
def log(request: ResourcePageRequest[Build]) -> HttpResponseBase:
    """Tell the page what has been logged since; send the whole log to everybody else."""
    return run_log.log_response(request, request.resource)


@needs(Kind.BUILD, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def abort(request: ResourcePageRequest[Build]) -> HttpResponse:
    """Ask, then stop a build."""
    build = request.resource
    if request.method == "POST":
        if ending.abort(build, by=request.principal):
            messages.success(request, "The build is being stopped.")
        else:
            messages.info(request, "There was nothing left to stop.")
        return dialogs.redirect_from_dialog(request, build.console_path)
    return dialogs.render_dialog(request, "builds/_abort.html", title="Abort build?", build=build)


@needs(Kind.BUILD, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Build]) -> HttpResponse:
    """Ask, then delete a build that no worker has and that runs are not of unless another one is chosen."""
    build = request.resource
    if request.method == "POST":
        try:
            deleting.delete(build, by=request.principal)
            messages.success(request, f"Build {build.number or build.pk} was deleted.")
        except deleting.CannotDelete as problem:
            messages.error(request, str(problem))
            return dialogs.redirect_from_dialog(request, build.console_path)
        return dialogs.redirect_from_dialog(
            request, f"/actors/{build.actor_id}/builds" if build.actor_id else "/actors"
        )
    return dialogs.render_dialog(request, "builds/_delete.html", title="Delete build?", build=build)


def _check_actor(request: ResourcePageRequest[Build], address: str) -> None:
    """Let a build be found below its own Actor only, by the Actor's ID or full name."""
    facts = request.access.facts
    own = facts.actor and (facts.actor.id, f"{facts.owner_username}~{facts.actor.name}")
    if address and (not own or address not in own):
        raise Http404


def _context(request: ResourcePageRequest[Build], tab: str) -> dict[str, Any]:
    build = request.resource
    actor = resource_page.get_parents(request).get(Kind.ACTOR)
    number = build.number or build.pk
    tabs = [
        Tab(label, f"{build.console_path}{end}", is_current=end == tab)
        for end, label in (("", "Log"), ("/source", "Source"))
    ]
    heading = f"Build {build.number}" if build.number else "Build"
    context = resource_page.page_context(request, heading=heading, here=number, under=_above(actor), tabs=tabs)
    return context | {
        "build": build,
        "actor": actor,
        "took": time_taken(build),
        "tags": sorted(build.tags.values_list("tag", flat=True)),
    }


def _above(actor: Related | None) -> list[Crumb]:
    above = [resource_page.build_crumb(Kind.ACTOR)]
    if actor is None or not actor.path:
        return above
    return [*above, Crumb(actor.label, actor.path), Crumb("Builds", f"{actor.path}/builds")]
