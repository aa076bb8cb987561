"""The Source tab of an Actor: its versions, the files of one, one file to be read or changed, and the variables.

Users who may read an Actor may read its source, as that of its builds. Its variables are for those who may change it.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.lib.encrypted_text import UnreadableText
from console.http.form_limits import BYTES_PER_CHARACTER_IN_MULTIPART, limit_form_size
from console.pages.actors.tabs import SOURCE, tab_context
from console.pages.components.cells import printable
from console.pages.components.forms import BaseForm
from resources.actors import files, source_files, versions
from resources.actors.environment import unreadable_names
from resources.actors.fields import InvalidField
from resources.actors.source_files import SourceFile
from resources.edit_locked import ResourceGone
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, SourceType
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file in the list of a version."""

    name: str
    path: str
    is_current: bool
    is_text: bool
    size: int


class FileForm(BaseForm):
    """What a file holds, and the digest of what it held when it was opened."""

    content = forms.CharField(
        required=False,
        strip=False,
        max_length=source_files.MAX_BYTES,
        widget=forms.Textarea(
            attrs={"class": "editor", "spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"}
        ),
    )
    seen = forms.CharField(max_length=64, widget=forms.HiddenInput)

    def __init__(self, file: SourceFile, *args: Any, **kwargs: Any) -> None:
        initial = {"content": printable(file.content), "seen": files.compute_digest(file.content)}
        super().__init__(*args, initial=initial, **kwargs)
        self.fields["content"].label = f"Content of {file.name}"


@needs(Kind.ACTOR, Permission.READ)
@require_safe
def show_source(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Show a version's files, and one of them."""
    version = _chosen(request)
    file = _opened(version, request.GET.get("file", "")) if version else None
    form = FileForm(file) if file and file.format == "TEXT" else None
    return _show(request, version, file, form)


@needs(Kind.ACTOR, Permission.WRITE)
@limit_form_size(source_files.MAX_BYTES * BYTES_PER_CHARACTER_IN_MULTIPART)
@require_POST
def save(request: ResourcePageRequest[Actor], number: str) -> HttpResponse:
    """Give a file another content, unless another user has done so in the meantime."""
    version = get_version_or_refuse(request, number)
    name = request.GET.get("file", "")
    try:
        file = files.get_file(version, name)
    except files.NoSuchFile:
        return redirect_with_error(request, version, f"“{name}” has been taken away or renamed in the meantime.")
    form = FileForm(file, request.POST)
    if form.is_valid() and _save(request, version, file, form):
        messages.success(request, f"{name} was saved. Build the version for it to be run.")
        return redirect(get_source_path(version, name))
    return _show(request, version, file, form, status=422)


def get_version_or_refuse(request: ResourcePageRequest[Actor], number: str) -> ActorVersion:
    """Return a version of the Actor that the URL names; a page that there is not, where there is none."""
    found = request.resource.versions.filter(number=number).first() if "\x00" not in number else None
    if found is None:
        raise Http404
    return found


def in_order(found: list[ActorVersion]) -> list[ActorVersion]:
    """Return versions by their numbers, the highest first."""
    return sorted(found, key=lambda version: [int(part) for part in version.number.split(".")], reverse=True)


def get_source_path(version: ActorVersion, file: str = "") -> str:
    """Return the path of a version's page, with one of its files opened."""
    query = {"version": version.number} | ({"file": file} if file else {})
    return f"/actors/{version.actor_id}/source?{urlencode(query)}"


def redirect_with_error(request: ResourcePageRequest[Actor], version: ActorVersion, said: str) -> HttpResponse:
    """Lead back to the version, and say why."""
    messages.warning(request, said)
    return redirect(get_source_path(version))


def _chosen(request: ResourcePageRequest[Actor]) -> ActorVersion | None:
    """Return the version that the query names, else the one with the highest number; None where there is none."""
    number = request.GET.get("version")
    if number:
        return get_version_or_refuse(request, number)
    return next(iter(in_order(list(request.resource.versions.all()))), None)


def _opened(version: ActorVersion, name: str) -> SourceFile | None:
    """Return the file that the query names, else what one looks for first."""
    found = versions.get_source_files(version)
    if name:
        file = next((each for each in found if each.name == name), None)
        if file is None:
            raise Http404
        return file
    return next((each for each in found if each.format == "TEXT" and not each.name.startswith(".")), None)


def _save(request: ResourcePageRequest[Actor], version: ActorVersion, file: SourceFile, form: FileForm) -> bool:
    data = form.cleaned_data
    try:
        content = _with_its_line_ends(data["content"], file.content)
        files.write(version, file.name, content, seen=data["seen"], by=request.principal)
    except (files.FileChanged, InvalidField) as problem:
        form.add_error("content", str(problem)[:1].upper() + str(problem)[1:])
    except (files.NoSuchFile, ResourceGone):
        form.add_error("content", "It has been taken away in the meantime. Copy your text before you leave.")
    return not form.errors


def _with_its_line_ends(sent: str, before: str) -> str:
    """Browsers send CRLF whatever was there; keep what was."""
    return sent if "\r\n" in before else sent.replace("\r\n", "\n")


def _show(
    request: ResourcePageRequest[Actor],
    version: ActorVersion | None,
    file: SourceFile | None,
    form: FileForm | None,
    status: int = 200,
) -> HttpResponse:
    context = tab_context(request, SOURCE)
    variables = list(version.environment.order_by("name")) if version and context["can_write"] else []
    context |= {
        "versions": in_order(list(request.resource.versions.all())),
        "version": version,
        "file": file,
        "form": form,
        "has_files": version is not None and version.source_type == SourceType.SOURCE_FILES,
        "files": _rows(version, file) if version else [],
        "url_is_unreadable": version is not None and isinstance(version.source_url, UnreadableText),
        "source_url": versions.url_for_readers(version.source_url) if version else "",
        "variables": variables,
        "unreadable": unreadable_names(variables),
        "file_path": f"/actors/{version.actor_id}/versions/{version.number}" if version else "",
        "file_query": urlencode({"file": file.name}) if file else "",
    }
    return render(request, "actors/source.html", context, status=status)


def _rows(version: ActorVersion, current: SourceFile | None) -> list[FileRow]:
    return [
        FileRow(
            file.name,
            get_source_path(version, file.name),
            is_current=current is not None and file.name == current.name,
            is_text=file.format == "TEXT",
            size=len(file.data),
        )
        for file in sorted(versions.get_source_files(version), key=lambda each: each.name)
    ]
