"""The dialogs of a version's files: add one, rename it, take it away."""

import base64
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods

from console.http.form_limits import limit_form_size
from console.pages.actors.source import get_source_path, get_version_or_refuse
from console.pages.components import dialogs
from console.pages.components.forms import BaseForm
from resources.actors import files, source_files
from resources.actors.fields import InvalidField
from resources.actors.source_files import SourceFile
from resources.edit_locked import ResourceGone
from resources.kinds import Kind
from resources.models import Actor, ActorVersion
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

_NAME = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}


class FileNameForm(BaseForm):
    """What a file is called."""

    name = forms.CharField(
        label="Path",
        max_length=500,
        help_text="Such as src/main.py. Folders are made by themselves.",
        widget=forms.TextInput(attrs=_NAME),
    )

    def refuse(self, problem: InvalidField) -> None:
        """Say beside the field what cannot be."""
        text = str(problem)
        self.add_error("name", text[:1].upper() + text[1:])


class NewFileForm(FileNameForm):
    """What a new file is called, and the file to take its content from."""

    upload = forms.FileField(
        label="Content",
        required=False,
        allow_empty_file=True,
        help_text="A file from your computer; without one, the new file is empty.",
    )

    def clean_upload(self) -> Any:
        """Refuse what is too large before it is read."""
        upload = self.cleaned_data["upload"]
        if upload and upload.size > source_files.MAX_BYTES:
            raise forms.ValidationError(f"A version has at most {source_files.MAX_BYTES // 2**20} MB of files.")
        return upload

    def file(self) -> SourceFile:
        """Return the new file."""
        upload = self.cleaned_data["upload"]
        data = upload.read() if upload else b""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = "\x00"
        if "\x00" in text:
            return SourceFile(self.cleaned_data["name"], "BASE64", base64.b64encode(data).decode())
        return SourceFile(self.cleaned_data["name"], "TEXT", text)


@needs(Kind.ACTOR, Permission.WRITE)
@limit_form_size(source_files.MAX_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: ResourcePageRequest[Actor], number: str) -> HttpResponse:
    """Add a file to a version, an empty one or one from the user's computer."""
    version = get_version_or_refuse(request, number)
    form = NewFileForm(request.POST, request.FILES) if request.method == "POST" else NewFileForm()
    if request.method == "POST" and form.is_valid():
        file = form.file()
        try:
            files.add(version, file, by=request.principal)
            messages.success(request, f"{file.name} was added.")
            return dialogs.redirect_from_dialog(request, get_source_path(version, file.name))
        except InvalidField as problem:
            form.refuse(problem)
        except ResourceGone:
            return _gone(request, version)
    return _answer(request, "actors/_file_add.html", "Add file", version, form=form)


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: ResourcePageRequest[Actor], number: str) -> HttpResponse:
    """Give a file another path."""
    version = get_version_or_refuse(request, number)
    name = _named(request, version)
    form = FileNameForm(request.POST if request.method == "POST" else None, initial={"name": name})
    if request.method == "POST" and form.is_valid():
        try:
            files.rename(version, name, form.cleaned_data["name"], by=request.principal)
            return dialogs.redirect_from_dialog(request, get_source_path(version, form.cleaned_data["name"]))
        except InvalidField as problem:
            form.refuse(problem)
        except (files.NoSuchFile, ResourceGone):
            return _gone(request, version)
    return _answer(request, "actors/_file_rename.html", "Rename file", version, form=form, name=name)


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Actor], number: str) -> HttpResponse:
    """Ask, then take a file away."""
    version = get_version_or_refuse(request, number)
    name = _named(request, version)
    if request.method == "POST":
        try:
            files.remove(version, name, by=request.principal)
        except (files.NoSuchFile, ResourceGone):
            return _gone(request, version)
        messages.success(request, f"{name} was deleted.")
        return dialogs.redirect_from_dialog(request, get_source_path(version))
    return _answer(request, "actors/_file_delete.html", "Delete file?", version, name=name)


def _named(request: ResourcePageRequest[Actor], version: ActorVersion) -> str:
    """Return the file that the query names, if the version has it."""
    try:
        return files.get_file(version, request.GET.get("file", "")).name
    except files.NoSuchFile:
        raise Http404 from None


def _answer(
    request: ResourcePageRequest[Actor], fragment: str, title: str, version: ActorVersion, **context: Any
) -> HttpResponse:
    back = get_source_path(version, context.get("name", ""))
    return dialogs.render_dialog(
        request, fragment, title=title, version=version, back=back, here=request.get_full_path(), **context
    )


def _gone(request: ResourcePageRequest[Actor], version: ActorVersion) -> HttpResponse:
    messages.warning(request, "It was taken away in the meantime.")
    return dialogs.redirect_from_dialog(request, f"/actors/{version.actor_id}/source")
