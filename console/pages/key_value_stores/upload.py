"""Uploading a record: a file, or text that is typed in.

A file goes to the disk as it comes and from there to where records are, so that its size takes no memory. And it
does not come before it is known that the sender may write: Django looks for the CSRF token of a form in its body,
so the check is made here, after the decision, instead of in the middleware, which would read all of it before.
"""

import mimetypes
from collections.abc import Iterable
from typing import Any

import msgspec
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_safe

from console.http.form_limits import limit_form_size
from console.http.shown_account import refuse_form
from console.pages.components import dialogs
from console.pages.key_value_stores.views import build_row
from resources.kinds import Kind
from resources.models import KeyValueStore, Record
from resources.models.key_value_store import MAX_KEY_LENGTH
from resources.records import charsets, writing
from resources.records.content_types import MAX_LENGTH as MAX_TYPE_LENGTH
from resources.records.content_types import can_be_content_type
from resources.records.keys import RULES
from resources.records.reading import find
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

LONGEST_TEXT = 1_000_000
_ANY_BYTES = "application/octet-stream"
_PLAIN_ATTRS = {"autocomplete": "off", "spellcheck": "false"}


class RecordExists(Exception):
    """There is a record under the key, and the form does not say to replace it."""

    def __init__(self, record: Record) -> None:
        super().__init__(record.key)
        self.record = record


class RecordForm(forms.Form):
    """A record: its key, and a file or a text."""

    key = forms.CharField(
        label="Key",
        required=False,
        max_length=MAX_KEY_LENGTH,
        help_text=f"{RULES} Without one it is the file's name.",
        widget=forms.TextInput(attrs={"autofocus": True, **_PLAIN_ATTRS}),
    )
    file = forms.FileField(
        label="File",
        required=False,
        allow_empty_file=True,
        # Which file was chosen is nothing that an answer could bring back, so the field itself stays.
        widget=forms.FileInput(attrs={"hx-preserve": "true"}),
    )
    text = forms.CharField(
        label="Or text",
        required=False,
        strip=False,
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6, "class": "id", **_PLAIN_ATTRS}),
    )
    content_type = forms.CharField(
        label="Content type",
        required=False,
        max_length=MAX_TYPE_LENGTH,
        help_text="Such as image/png. Without one it is what the file or the text looks like.",
        widget=forms.TextInput(attrs=_PLAIN_ATTRS),
    )
    replace = forms.BooleanField(label="Replace the record that has this key", required=False)

    def __init__(self, *args: Any, is_too_large: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._is_too_large = is_too_large

    def clean_text(self) -> str:
        """Return the text with the ends of lines that were typed, of which browsers make two characters."""
        text: str = self.cleaned_data["text"]
        return text.replace("\r\n", "\n")

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error; a file that is wrong is chosen anew."""
        super().add_error(field, error)
        if field == "file":
            self.fields["file"].widget.attrs.pop("hx-preserve", None)

    def clean_content_type(self) -> str:
        """Let through what can be a media type."""
        content_type: str = self.cleaned_data["content_type"]
        if content_type and not can_be_content_type(content_type):
            raise forms.ValidationError("This is not a media type. Write it like image/png or text/plain.")
        return content_type

    def clean(self) -> dict[str, Any]:
        """Let through either a file or a text, and fill in the key and the type where they are missing."""
        data: dict[str, Any] = super().clean() or self.cleaned_data
        file, text = data.get("file"), data.get("text", "")
        if self._is_too_large:
            self.add_error("file", too_large())
        elif file and text:
            self.add_error("text", "Choose a file or type a text, not both.")
        elif file is None and not text and "file" not in self.errors and "text" not in self.errors:
            self.add_error("file", "Choose a file, or type a text below.")
        key = data.get("key") or (file.name if file else "")
        if not key and "key" not in self.errors:
            self.add_error("key", f"Give the record a key. {RULES}")
        content_type = data.get("content_type") or _guess_type(key, file, text)
        return {**data, "key": key, "content_type": content_type, "encoded": self._encode(text, content_type)}

    def _encode(self, text: str, content_type: str) -> bytes:
        """Return the text in the charset that its type declares; nothing, and an error in the form, where it cannot."""
        charset = charsets.declared_charset(content_type)
        try:
            return charsets.encode(text, charset if text else "")
        except charsets.UnknownCharset:
            self.add_error("content_type", f"The charset “{charset}” is not known here. Text can be in UTF-8.")
        except UnicodeEncodeError as problem:
            missing = text[problem.start : problem.start + 1]
            self.add_error("text", f"There is no “{missing}” in {charset or 'UTF-8'}, which the content type declares.")
        return b""

    def store(self, store: KeyValueStore) -> Record | None:
        """Write the record and return it; None, and an error in the form, if it will not do.

        Raises:
            StoreGone: when the store was deleted in the meantime.
        """
        if not self.is_valid():
            return None
        data = self.cleaned_data
        pieces: Iterable[bytes] = data["file"].chunks() if data["file"] else [data["encoded"]]
        expect = None if data["replace"] else _expect_nothing
        try:
            return writing.write(store.pk, data["key"], pieces, content_type=data["content_type"], expect=expect)
        except writing.InvalidKey as problem:
            self.add_error("key", str(problem))
        except RecordExists as problem:
            self.add_error("key", f"There is a record with this key: {_described(problem.record)}. Tick Replace below.")
        except writing.TooLarge:
            self.add_error("file", too_large())
        return None


class Limit(FileUploadHandler):
    """Takes no more of a file than a record may have, and remembers that there was more."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.is_exceeded = False
        self._size = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass a piece on.

        Raises:
            StopUpload: when there are more bytes than a record may have.
        """
        self._size += len(raw_data)
        if self._size > settings.API_MAX_RECORD_BYTES:
            self.is_exceeded = True
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE)
@limit_form_size(lambda: settings.API_MAX_RECORD_BYTES)
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: ResourcePageRequest[KeyValueStore]) -> HttpResponse:
    """Ask for a record, then store it."""
    limit = Limit(request)
    request.upload_handlers = [limit, TemporaryFileUploadHandler(request)]
    return _upload(request, limit)


@csrf_protect
def _upload(request: ResourcePageRequest[KeyValueStore], limit: Limit) -> HttpResponse:
    store = request.resource
    if request.method == "POST":
        posted = request.POST, request.FILES  # it is read here, and not before
        refusal = refuse_form(request)
        if refusal is not None:
            return refusal
        form = RecordForm(*posted, is_too_large=limit.is_exceeded)
        try:
            record = form.store(store)
        except writing.StoreGone:
            return dialogs.redirect_from_dialog(request, store.console_path)
        if record is not None:
            messages.success(request, f"Record “{record.key}” was stored: {_described(record)}.")
            return dialogs.redirect_from_dialog(request, store.console_path)
    else:
        key = request.GET.get("key", "")[:MAX_KEY_LENGTH]
        form = RecordForm(initial={"key": key, "replace": bool(key)})
    return dialogs.render_dialog(
        request, "key_value_stores/_record_upload.html", title="Upload a record", form=form, store=store
    )


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE)
@require_safe
def key_warning(request: ResourcePageRequest[KeyValueStore]) -> HttpResponse:
    """Answer with what an upload under a key would replace, while the key is being typed."""
    record = find(request.resource.pk, request.GET.get("key", ""))
    row = None if record is None else build_row(request.resource, record)
    return render(request, "key_value_stores/_record_there.html", {"row": row})


def too_large() -> str:
    """Return what is said of a file that is too large."""
    return f"This is too large. A record can have {filesizeformat(settings.API_MAX_RECORD_BYTES)} at most."


def _expect_nothing(record: Record | None) -> None:
    if record is not None:
        raise RecordExists(record)


def _described(record: Record) -> str:
    return f"{record.content_type}, {filesizeformat(record.size)}"


def _guess_type(key: str, file: "UploadedFile[bytes] | None", text: str) -> str:
    """Return the type that a record probably has: what the browser says, what the name says, what it looks like."""
    declared = (file.content_type or "") if file else ""
    if declared != _ANY_BYTES and can_be_content_type(declared):
        return declared
    guessed, encoding = mimetypes.guess_type((file.name if file else None) or key)
    if encoding:  # compressed, so it is not what the name says that is in it
        return "application/gzip" if encoding == "gzip" else _ANY_BYTES
    if file:
        return guessed or _ANY_BYTES
    if guessed in (None, "text/plain"):
        guessed = "application/json" if _is_json(text) else "text/plain"
    return f"{guessed}; charset=utf-8"


def _is_json(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        return False
    return text.lstrip()[:1] in ("{", "[")
