"""A record of a key-value store: what it holds, its bytes, and its deletion."""

from http import HTTPStatus

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.lib.api_errors import ApiError
from console.http.record_response import record_response
from console.pages.components import dialogs
from console.pages.key_value_stores.preview import build_preview, is_raster
from console.pages.key_value_stores.views import build_row
from resources.kinds import Kind
from resources.models import KeyValueStore, Record
from resources.records import writing
from resources.records.content_types import ANY_BYTES, as_served, media_type
from resources.records.reading import find
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

_WITH_CONTENT = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)


@needs(Kind.KEY_VALUE_STORE, Permission.READ)
@require_safe
def show(request: ResourcePageRequest[KeyValueStore], key: str = "") -> HttpResponse:
    """Show a record with a preview of what it holds."""
    store = request.resource
    record = _named(request, key)
    if record is None:
        return _missing(request)
    try:
        preview = build_preview(record)
    except FileNotFoundError:
        return _missing(request)
    return dialogs.render_dialog(
        request,
        "key_value_stores/_record.html",
        title=record.key,
        store=store,
        row=build_row(store, record),
        record=record,
        preview=preview,
        can_write=request.access.allows(Permission.WRITE),
    )


@needs(Kind.KEY_VALUE_STORE, Permission.READ)
@require_safe
def content(request: ResourcePageRequest[KeyValueStore], key: str = "") -> HttpResponseBase:
    """Send a record's bytes: a raster image as one, for previews; everything else, and with `?download`, as a file.

    Never under a type that a browser would run or lay out in the console's origin, whatever it was stored with.
    """
    record = _named(request, key)
    inline = record is not None and is_raster(record.content_type) and "download" not in request.GET
    try:
        response = record_response(request, record, as_attachment=not inline) if record else None
    except ApiError as error:
        return render(request, "error.html", {"status": error.status, "message": error.message}, status=error.status)
    except FileNotFoundError:
        response = None
    if record is None or response is None:
        return _missing(request)
    if response.status_code in _WITH_CONTENT:
        response.headers["Content-Type"] = media_type(as_served(record.content_type)) if inline else ANY_BYTES
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


@needs(Kind.KEY_VALUE_STORE, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[KeyValueStore], key: str = "") -> HttpResponse:
    """Ask, then delete a record."""
    store = request.resource
    record = _named(request, key)
    if request.method == "POST" and record is not None:
        try:
            was_there = writing.delete(store.pk, record.key)
        except writing.StoreGone:
            return dialogs.redirect_from_dialog(request, store.console_path)
        messages.success(request, f"Record “{record.key}” was {'deleted' if was_there else 'gone already'}.")
        return dialogs.redirect_from_dialog(request, store.console_path)
    if record is None:
        return _missing(request)
    return dialogs.render_dialog(
        request,
        "key_value_stores/_record_delete.html",
        title="Delete record?",
        store=store,
        row=build_row(store, record),
    )


def _named(request: ResourcePageRequest[KeyValueStore], key: str) -> Record | None:
    """Return the record that the path names, or the query where a path cannot."""
    return find(request.resource.pk, key or request.GET.get("key", ""))


def _missing(request: ResourcePageRequest[KeyValueStore]) -> HttpResponse:
    """Say that there is no such record, to a user who may read the store."""
    context = {"resource": request.resource, "info": request.resource.info, "what": "record"}
    return render(request, "components/missing.html", context, status=HTTPStatus.NOT_FOUND)
