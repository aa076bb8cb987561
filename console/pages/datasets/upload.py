"""Adding the items of a file to a dataset: a dialog that shows how far the upload is."""

from pathlib import PurePath

from django import forms
from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.views.decorators.http import require_http_methods

from console.http.form_limits import limit_form_size
from console.pages.components import dialogs
from console.pages.components.numbers import number
from resources.datasets.errors import DatasetGone
from resources.datasets.uploading import InvalidFile, add_file
from resources.kinds import Kind
from resources.models import Dataset
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

MAX_BYTES = 1024**3
_BY_NAME = {".json": "json", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv"}


class UploadForm(forms.Form):
    """A file with items."""

    file = forms.FileField(
        label="File",
        error_messages={
            "required": "Choose a file.",
            "missing": "Choose a file.",
            "invalid": "Choose a file.",
            "empty": "The file is empty.",
        },
        widget=forms.FileInput(attrs={"accept": ",".join(_BY_NAME), "autofocus": True}),
        help_text=f"JSON, JSONL or CSV, {filesizeformat(MAX_BYTES)} at most.",
    )
    format = forms.ChoiceField(
        label="Format",
        choices=(
            ("", "Detect from the file name"),
            ("json", "JSON"),
            ("jsonl", "JSONL: an item per line"),
            ("csv", "CSV"),
        ),
        required=False,
        help_text="JSON: an array of objects, or one. CSV: the first row names the fields, and every value is a text.",
    )

    def clean_file(self) -> "UploadedFile[bytes]":
        """Refuse what is too large."""
        file: UploadedFile[bytes] = self.cleaned_data["file"]
        if (file.size or 0) > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {filesizeformat(MAX_BYTES)}. Cut it in parts.")
        return file

    def clean(self) -> None:
        """Find out the format by the name of the file where none was chosen."""
        file = self.cleaned_data.get("file")
        if file is None or self.cleaned_data.get("format") or "format" in self.errors:
            return
        format_ = _BY_NAME.get(PurePath(file.name).suffix.lower())
        if format_ is None:
            self.add_error("format", "The name of the file does not say what it is. Choose its format.")
        else:
            self.cleaned_data["format"] = format_


@needs(Kind.DATASET, Permission.WRITE)
@limit_form_size(MAX_BYTES)
@require_http_methods(["GET", "HEAD", "POST"])
def dialog(request: ResourcePageRequest[Dataset]) -> HttpResponse:
    """Ask for a file, and add all of its items, or none and say which line is wrong."""
    dataset = request.resource
    form = UploadForm(request.POST, request.FILES) if request.method == "POST" else UploadForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            added = add_file(dataset.pk, file.file, form.cleaned_data["format"])
        except InvalidFile as problem:
            form.add_error("file", f"{problem} Nothing was added.")
        except DatasetGone as gone:
            raise Http404 from gone
        else:
            items = "1 item was" if added == 1 else f"{number(added)} items were"
            messages.success(request, f"{items} added from {file.name}.")
            return dialogs.redirect_from_dialog(request, dataset.console_path)
    return dialogs.render_dialog(request, "datasets/_upload.html", title="Upload items", form=form, resource=dataset)
