"""The Builds tab of an Actor, and the dialog that asks for a build."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.request_context import client_details
from console.pages.actors.source import in_order
from console.pages.actors.tabs import BUILDS, tab_context
from console.pages.components import dialogs
from console.pages.components.forms import BaseForm
from console.pages.components.tables import Paging, Row, build_rows
from resources.actors.fields import InvalidField
from resources.builds import starting
from resources.jobs.status import Origin
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, Build
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission


@dataclass(frozen=True, slots=True)
class BuildRow(Row):
    """A build in the list, with the tags that point to it."""

    build: Build
    tags: list[str]


class BuildForm(BaseForm):
    """Which version is to be built, and what is to point to the build."""

    first_field = "version"

    version = forms.ChoiceField(label="Version")
    tag = forms.CharField(
        label="Tag",
        required=False,
        max_length=40,
        help_text="Points to the build once it has succeeded. Left empty, it is the tag of the version.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    afresh = forms.BooleanField(
        label="Install everything afresh", required=False, help_text="Else what earlier builds installed is used again."
    )

    def __init__(self, found: list[ActorVersion], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [
            (each.number, f"{each.number} ({each.build_tag})" if each.build_tag else each.number) for each in found
        ]
        self.fields["version"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField's


@needs(Kind.ACTOR, Permission.READ)
@require_safe
def list_builds(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """List the builds of an Actor, the newest first. Users who may read the Actor may read all of them."""
    found = Build.objects.filter(actor_id=request.resource.pk, kind=Kind.BUILD)
    paging = Paging.of(request.GET, found.count())
    shown = found.select_related("owner", "run", "actor").prefetch_related("tags").order_by("-created_at", "pk")
    rows = _rows(list(shown[paging.offset : paging.offset + paging.size]), request)
    context = {**tab_context(request, BUILDS), "rows": rows, "paging": paging}
    return render(request, "actors/builds.html", context)


@needs(Kind.ACTOR, Permission.BUILD)
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Ask for a build of a version."""
    actor = request.resource
    found = in_order(list(actor.versions.all()))
    initial = {"version": request.GET.get("version") or (found[0].number if found else "")}
    form = BuildForm(found, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        build = _start(request, form)
        if build is not None:
            return dialogs.redirect_from_dialog(request, f"{actor.console_path}/builds/{build.pk}")
    return dialogs.render_dialog(
        request, "actors/_build.html", title="Build Actor", form=form, actor=actor, has_versions=bool(found)
    )


def _start(request: ResourcePageRequest[Actor], form: BuildForm) -> Build | None:
    data = form.cleaned_data
    try:
        return starting.start(
            request.resource,
            data["version"],
            by=request.principal,
            tag=data["tag"] or None,
            use_cache=not data["afresh"],
            origin=Origin.WEB,
            client_ip=client_details().get("ip", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )
    except InvalidField as problem:
        text = str(problem)
        form.add_error("tag", text[:1].upper() + text[1:])
    except starting.CannotBuild as problem:
        form.add_error("version", str(problem))
    return None


def _rows(builds: list[Build], request: ResourcePageRequest[Actor]) -> list[BuildRow]:
    return [
        BuildRow(
            row.resource,
            row.badge,
            row.is_mine,
            row.can_write,
            row.can_share,
            build,
            sorted(tag.tag for tag in build.tags.all()),
        )
        for row, build in zip(build_rows(builds, request.principal), builds, strict=True)
    ]
