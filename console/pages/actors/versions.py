"""The dialogs of an Actor's versions: add one, change where its source is and what its builds are called, remove it."""

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from console.pages.actors.source import get_source_path, get_version_or_refuse, in_order
from console.pages.components import dialogs
from console.pages.components.forms import BaseForm
from resources.actors import versions
from resources.actors.fields import InvalidField
from resources.actors.versions import VersionChange
from resources.edit_locked import ResourceGone
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, SourceType
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
# The API's names of the fields of a version, by those of the form.
_FIELD_OF = {
    "versionNumber": "number",
    "buildTag": "build_tag",
    "sourceType": "source_type",
    "gitRepoUrl": "source_url",
    "tarballUrl": "source_url",
    "gitHubGistUrl": "source_url",
}


class VersionForm(BaseForm):
    """A version: its number, its tag, and where its source is."""

    number = forms.CharField(
        label="Number",
        max_length=10,
        help_text="Two numbers with a dot between them, such as 0.1. Builds count on from it: 0.1.1, 0.1.2.",
        widget=forms.TextInput(attrs={**_PLAIN, "autofocus": True}),
    )
    build_tag = forms.CharField(
        label="Build tag",
        required=False,
        max_length=40,
        help_text="Points to the last build of this version that has succeeded. Runs are of “latest” unless the "
        "settings say something else.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    source_type = forms.ChoiceField(label="Source", choices=SourceType.choices)
    source_url = forms.CharField(
        label="URL of the source",
        required=False,
        max_length=2000,
        help_text="Where the source is not in files here. That of a Git repository may end with #branch:directory.",
        widget=forms.TextInput(attrs={**_PLAIN, "inputmode": "url"}),
    )
    apply_env_vars_to_build = forms.BooleanField(
        label="Give builds the environment variables too, and not only runs", required=False
    )

    def change(self) -> VersionChange:
        """Return what the form says of the version; only of a form that is valid."""
        data = self.cleaned_data
        return VersionChange(
            number=data["number"],
            source_type=data["source_type"],
            source_url=data["source_url"],
            build_tag=data["build_tag"],
            apply_env_vars_to_build=data["apply_env_vars_to_build"],
        )

    def refuse(self, problem: ValueError) -> None:
        """Say beside its field what cannot be."""
        field = _FIELD_OF.get(problem.field) if isinstance(problem, InvalidField) else "number"
        text = str(problem)
        self.add_error(field, text[:1].upper() + text[1:])


class NewVersionForm(VersionForm):
    """A new version, and the one whose files it begins with."""

    copied = forms.ChoiceField(label="Begin with the files of", required=False)

    def __init__(self, found: list[ActorVersion], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(each.number, f"Version {each.number}") for each in found]
        self.fields["copied"].choices = [*choices, ("", "No files")]  # type: ignore[attr-defined]  # a ChoiceField's


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Add a version."""
    found = in_order(list(request.resource.versions.all()))
    initial = {"number": _next_number(found), "build_tag": "latest" if not found else "beta"}
    form = NewVersionForm(found, request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        copied = next((each for each in found if each.number == form.cleaned_data["copied"]), None)
        wanted = form.change()
        if copied is not None:
            wanted = replace(wanted, source_files=versions.get_source_files(copied))
        try:
            made = versions.add(request.resource, form.cleaned_data["number"], wanted, by=request.principal)
            messages.success(request, f"Version {made.number} was added.")
            return dialogs.redirect_from_dialog(request, get_source_path(made))
        except (InvalidField, versions.VersionExists, versions.TooManyVersions) as problem:
            form.refuse(problem)
    back = f"{request.resource.console_path}/source"
    return dialogs.render_dialog(
        request, "actors/_version.html", title="New version", form=form, back=back, here=request.path, verb="Add"
    )


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: ResourcePageRequest[Actor], number: str) -> HttpResponse:
    """Change a version apart from its files and variables."""
    version = get_version_or_refuse(request, number)
    initial = {name: getattr(version, name) for name in VersionForm.base_fields}
    form = VersionForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            versions.change(version, form.change(), by=request.principal)
            messages.success(request, f"Version {version.number} was changed.")
            return dialogs.redirect_from_dialog(request, get_source_path(version))
        except (InvalidField, versions.VersionExists) as problem:
            form.refuse(problem)
        except ResourceGone:
            raise Http404 from None
    return dialogs.render_dialog(
        request,
        "actors/_version.html",
        title=f"Version {number}",
        form=form,
        back=get_source_path(version),
        here=request.path,
        verb="Save",
    )


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Actor], number: str) -> HttpResponse:
    """Ask, then remove a version with its files and variables."""
    version = get_version_or_refuse(request, number)
    source = f"{request.resource.console_path}/source"
    if request.method == "POST":
        try:
            versions.remove(version, by=request.principal)
            messages.success(request, f"Version {number} was deleted.")
        except versions.TooFewVersions as problem:
            messages.error(request, str(problem))
        return dialogs.redirect_from_dialog(request, source)
    return dialogs.render_dialog(
        request,
        "actors/_version_delete.html",
        title="Delete version?",
        version=version,
        back=get_source_path(version),
        here=request.path,
        is_last=not request.resource.versions.exclude(pk=version.pk).exists(),
    )


def _next_number(found: list[ActorVersion]) -> str:
    if not found:
        return "0.1"
    major, minor = (int(part) for part in found[0].number.split("."))
    return f"{major}.{minor + 1}" if minor < 99 else f"{min(major + 1, 99)}.0"
