"""The export of a dataset: the dialog, the file that it gives, a look at it, and a link for others."""

from collections.abc import Iterable
from dataclasses import replace
from typing import cast

from django import forms
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from accounts.lib.api_errors import ApiError
from console.http.disconnect import is_connected
from console.http.items_query import MAX_POSITION, parse_items_query
from console.pages.components import dialogs
from console.pages.components.cells import printable
from console.pages.components.code_samples import content_url
from console.pages.components.numbers import number
from console.pages.components.prediction_sentences import end_sentence, link_sentence
from console.pages.datasets.items_table import view_title
from console.pages.storages import link_form
from console.pages.storages.link_form import LifetimeForm, NewLink
from resources.datasets.errors import DatasetGone
from resources.datasets.formats.csv_formulas import without_formulas
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import Items, open_items
from resources.datasets.views import read_views
from resources.datasets.work_limit import ReaderGone
from resources.kinds import Kind
from resources.models import Dataset
from sharing.declare import needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.links import links
from sharing.permissions import Permission

FORMATS = (
    ("json", "JSON"),
    ("jsonl", "JSONL, an item a line"),
    ("csv", "CSV"),
    ("xlsx", "Excel"),
    ("xml", "XML"),
    ("html", "HTML table"),
    ("rss", "RSS"),
)
LONGEST_FIELDS = 2000
FIELDS_NAMED = 12
ITEMS_IN_PREVIEW = 1000
_TYPED = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ExportForm(LifetimeForm):
    """What of a dataset is exported, and how; and how long a link to just that lives."""

    format = forms.ChoiceField(label="Format", choices=FORMATS, initial="json")
    view = forms.ChoiceField(
        label="View",
        required=False,
        help_text="A view of the dataset's schema picks, reshapes and labels fields. What you choose below goes first.",
    )
    items = forms.ChoiceField(
        label="Items",
        choices=(("clean", "Clean"), ("raw", "Raw")),
        initial="clean",
        help_text="Clean leaves out empty items, and fields that start with #.",
    )
    fields_ = forms.CharField(
        label="Fields to include", required=False, max_length=LONGEST_FIELDS, widget=forms.TextInput(attrs=_TYPED)
    )
    omit = forms.CharField(
        label="Fields to leave out", required=False, max_length=LONGEST_FIELDS, widget=forms.TextInput(attrs=_TYPED)
    )
    limit = forms.IntegerField(
        label="Limit", required=False, min_value=1, max_value=MAX_POSITION, help_text="Empty: all items."
    )
    offset = forms.IntegerField(
        label="Offset",
        required=False,
        min_value=0,
        max_value=MAX_POSITION,
        help_text="Items to leave out at the start.",
    )

    def __init__(self, *args: object, dataset: Dataset, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # handed on as they came
        self.dataset = dataset
        if self.is_bound:  # an address, or a user's own form, need not say what is usual
            usual = {name: str(self.fields[name].initial) for name in ("items", "lifetime")}
            self.data = usual | {name: self.data[name] for name in self.data}
        self.fields["format"].widget.attrs["autofocus"] = True
        self.fields["fields_"].help_text = _known_fields(dataset)
        self.views = read_views(dataset.schema)
        if self.views:
            choices = [("", "None: all fields"), *((name, view_title(name, self.views[name])) for name in self.views)]
            cast("forms.ChoiceField", self.fields["view"]).choices = choices
        else:
            del self.fields["view"]

    def add_prefix(self, field_name: str) -> str:
        """Call the fields as the API's parameters are called; a form has `fields` of its own."""
        return super().add_prefix(field_name.rstrip("_"))

    def query(self) -> dict[str, str]:
        """Return what was chosen as the parameters of the API."""
        chosen = self.cleaned_data
        query = {
            "format": chosen["format"],
            "view": chosen.get("view", ""),
            "clean": "" if chosen["items"] == "raw" else "1",
            "fields": chosen["fields_"],
            "omit": chosen["omit"],
            "limit": str(chosen["limit"] or ""),
            "offset": str(chosen["offset"] or ""),
        }
        return {name: value for name, value in query.items() if value}

    def size(self) -> str:
        """Say how many items and bytes the export has, as well as can be known before it is written."""
        chosen = self.cleaned_data if self.is_bound else {}
        total = self.dataset.item_count
        rest = max(0, total - (chosen.get("offset") or 0))
        view = self.views.get(chosen.get("view", ""))
        limit = chosen.get("limit") or (view.transformation.limit if view else None)
        count = min(rest, limit or rest)
        bytes_ = self.dataset.stored_bytes * count // total if total else 0
        is_clean = chosen.get("items") != "raw" and self.dataset.clean_item_count < total
        picks = view is not None and (view.transformation.fields or view.transformation.omit)
        less = is_clean or picks or chosen.get("fields_") or chosen.get("omit")
        of_all = "" if count == total else f" of {number(total)}"
        items = f"{'at most ' if is_clean else ''}{number(count)}{of_all} item{'' if total == 1 else 's'}"
        if view is not None and view.transformation.unwind:  # into how many is known when they are written
            return f"{items}, each of which the view turns into any number"
        return f"{items}, {'at most' if less else 'about'} {filesizeformat(bytes_)} as JSON"


@needs(Kind.DATASET, Permission.READ)
@require_http_methods(["GET", "HEAD", "POST"])
def dialog(request: ResourcePageRequest[Dataset]) -> HttpResponse:
    """Show what can be exported; a POST leads to the file or to a look at it, or makes a link."""
    dataset, cap = request.resource, request.access.facts.owner_link_days
    is_post = request.method == "POST"
    sent = request.POST if is_post else request.GET if "format" in request.GET else None
    form = ExportForm(sent, dataset=dataset, cap=cap)
    made = None
    if is_post and form.is_valid():
        action = request.POST.get("action", "link")
        if action in ("download", "preview"):
            return redirect(f"{dataset.console_path}/{action}?{urlencode(form.query())}")
        made = _make_link(request, form)
    return dialogs.render_dialog(
        request,
        "datasets/_export.html",
        title="Export dataset",
        form=form,
        resource=dataset,
        size=form.size() if sent is None or form.is_valid() else "",
        made=made,
        why_no_link=links.link_refusal(request.access),
        says=link_sentence(request.access.facts, "these items and all others of this dataset"),
        ends=end_sentence(request.access.facts),
        in_preview=ITEMS_IN_PREVIEW,
    )


@needs(Kind.DATASET, Permission.READ)
@require_safe
def download(request: ResourcePageRequest[Dataset]) -> HttpResponseBase:
    """Send a dataset's items as a file."""
    dataset = request.resource
    try:
        options = _options(request)
        items = open_items(dataset.pk, options, still_wanted=lambda: is_connected(request))
    except ApiError as error:
        return _refused(request, error)
    except DatasetGone:
        return refusals.missing(request, Kind.DATASET)
    except ReaderGone:
        return HttpResponse(status=400)  # no browser shows it
    response = _send(items, options, items.content_type)
    response.headers["Content-Disposition"] = f'attachment; filename="{dataset.name or dataset.pk}.{options.format}"'
    return response


@needs(Kind.DATASET, Permission.READ)
@require_safe
def preview(request: ResourcePageRequest[Dataset]) -> HttpResponseBase:
    """Show the beginning of an export in the browser: a workbook as a table, everything that is no table as text."""
    try:
        options = _options(request)
        limit = min(options.limit or ITEMS_IN_PREVIEW, ITEMS_IN_PREVIEW)
        as_table = options.format in ("html", "xlsx")
        options = replace(options, limit=limit, format="html" if as_table else options.format)
        items = open_items(request.resource.pk, options, still_wanted=lambda: is_connected(request))
    except ApiError as error:
        return _refused(request, error)
    except DatasetGone:
        return refusals.missing(request, Kind.DATASET)
    except ReaderGone:
        return HttpResponse(status=400)  # no browser shows it
    return _send(items, options, items.content_type if as_table else "text/plain; charset=utf-8")


def _options(request: ResourcePageRequest[Dataset]) -> ItemsOptions:
    dataset = request.resource
    options = parse_items_query(request.GET, lambda: dataset.schema)
    return options.about(dataset.pk, dataset.name or dataset.pk, dataset.console_url)


def _refused(request: ResourcePageRequest[Dataset], error: ApiError) -> HttpResponse:
    return render(request, "error.html", {"status": error.status, "message": error.message}, status=error.status)


def _send(items: Items, options: ItemsOptions, content_type: str) -> StreamingHttpResponse:
    """Send items so that what a user stored never runs in the console's origin, nor in a spreadsheet."""
    pieces: Iterable[bytes] = [items.body] if isinstance(items.body, bytes) else items.body
    if options.format == "csv":
        pieces = without_formulas(pieces, options.delimiter)
    response = StreamingHttpResponse(pieces, content_type=content_type)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    if items.size is not None:  # the browser tells how far the download is
        response.headers["Content-Length"] = str(items.size)
    return response


def _make_link(request: ResourcePageRequest[Dataset], form: ExportForm) -> NewLink | None:
    """Make a link to what was chosen; None, and an error in the form, where there can be none."""
    query = form.query()
    if query["format"] == "csv":
        query["escapeFormulas"] = "1"  # its recipient opens it in a spreadsheet
    try:
        return link_form.create_link(
            request,
            content_url(request.resource),
            form.cleaned_data["lifetime"],
            query=query,
            description=_described(form.query()),
        )
    except links.LinkRefused as refusal:
        form.add_error("lifetime", str(refusal))
        return None


def _described(query: dict[str, str]) -> str:
    words = [dict(FORMATS)[query["format"]].partition(",")[0], "clean" if "clean" in query else "raw"]
    words += [
        f"{what} {printable(query[name])}"
        for name, what in (
            ("view", "view"),
            ("fields", "only"),
            ("omit", "without"),
            ("limit", "limit"),
            ("offset", "offset"),
        )
        if name in query
    ]
    return ", ".join(words)


def _known_fields(dataset: Dataset) -> str:
    """Name the fields that there are; what is in a help text is markup, so it is escaped."""
    names = [name for name in dataset.fields if "," not in name and len(name) <= 40]
    shown = ", ".join(names[:FIELDS_NAMED])
    more = f" and {number(len(dataset.fields) - FIELDS_NAMED)} more" if len(dataset.fields) > FIELDS_NAMED else ""
    known = format_html(" There are: {}{}.", printable(shown), more) if shown else ""
    return format_html("Separated by commas; empty: all of them.{}", known)
