"""The requests of a queue: what is known of one, adding and deleting one, and taking all locks off."""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.principal import Principal
from console.pages.components import dialogs
from console.pages.request_queues.request_rows import build_row
from resources.kinds import Kind
from resources.models import RequestQueue
from resources.request_queues import locks, reading, writing
from resources.request_queues.clients import Client
from resources.request_queues.errors import QueueGone, RequestNotFound
from resources.request_queues.structs import MAX_TEXT, NewRequest
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class RequestForm(forms.Form):
    """A request for the queue."""

    url = forms.CharField(
        label="URL",
        max_length=MAX_TEXT,
        widget=forms.URLInput(attrs={"autofocus": True, "autocomplete": "off", "spellcheck": "false"}),
    )
    method = forms.ChoiceField(label="Method", choices=[(each, each) for each in METHODS])
    unique_key = forms.CharField(
        label="Unique key",
        required=False,
        max_length=MAX_TEXT,
        help_text="Of requests with the same unique key only the first is kept. Without one it is the URL.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    forefront = forms.BooleanField(label="Put it before all others", required=False)

    def clean_url(self) -> str:
        """Let through what a crawler can visit."""
        url: str = self.cleaned_data["url"]
        try:
            parts = urlsplit(url)
            is_whole = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            is_whole = False
        if not is_whole:
            raise forms.ValidationError("Write a whole address, such as https://example.com/page.")
        return url

    def clean_unique_key(self) -> str:
        """Refuse what the API refuses: a key that is a direction in a path."""
        key: str = self.cleaned_data["unique_key"]
        if key in (".", ".."):
            raise forms.ValidationError("A unique key cannot be “.” or “..”.")
        return key

    def add_to(self, queue: RequestQueue, *, by: Principal) -> bool:
        """Add the request and return True; False, and an error in the form, if it will not do.

        Raises:
            QueueGone: when the queue was deleted in the meantime.
        """
        if not self.is_valid():
            return False
        data: dict[str, Any] = self.cleaned_data
        new = NewRequest(data["unique_key"] or data["url"], data["url"], data["method"])
        (added,) = writing.add(queue.pk, [new], client=_client(by), forefront=data["forefront"])
        if added is None:
            self.add_error(None, "It was being deleted at the same moment. Add it again.")
        elif added.was_present:
            handled = "has been handled" if added.was_handled else "waits to be handled"
            self.add_error("unique_key" if data["unique_key"] else "url", f"It is in the queue already, and {handled}.")
        return not self.errors


@needs(Kind.REQUEST_QUEUE, Permission.READ)
@require_safe
def show(request: ResourcePageRequest[RequestQueue], request_id: str) -> HttpResponse:
    """Show all that is known of one request."""
    queue = request.resource
    try:
        found = reading.get(queue.pk, request_id)
    except RequestNotFound:
        return _missing(request)
    return dialogs.render_dialog(
        request,
        "request_queues/_queued_request.html",
        title=f"Request {found.id}",
        queue=queue,
        row=build_row(found),
        can_write=request.access.allows(Permission.WRITE),
    )


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: ResourcePageRequest[RequestQueue]) -> HttpResponse:
    """Ask for a request, then add it."""
    queue = request.resource
    form = RequestForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        try:
            if form.add_to(queue, by=request.principal):
                messages.success(request, "The request was added.")
                return dialogs.redirect_from_dialog(request, queue.console_path)
        except QueueGone:
            return dialogs.redirect_from_dialog(request, queue.console_path)
    return dialogs.render_dialog(
        request, "request_queues/_queued_request_add.html", title="Add a request", form=form, queue=queue
    )


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[RequestQueue], request_id: str) -> HttpResponse:
    """Ask, then delete a request, locked or not."""
    queue = request.resource
    try:
        found = reading.get(queue.pk, request_id)
        if request.method == "POST":
            writing.delete(queue.pk, request_id, client=_client(request.principal))
            messages.success(request, f"Request {found.id} was deleted.")
            return dialogs.redirect_from_dialog(request, queue.console_path)
    except RequestNotFound:
        return _missing(request)
    except QueueGone:
        return dialogs.redirect_from_dialog(request, queue.console_path)
    return dialogs.render_dialog(
        request,
        "request_queues/_queued_request_delete.html",
        title="Delete request?",
        queue=queue,
        row=build_row(found),
    )


@needs(Kind.REQUEST_QUEUE, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def unlock_all(request: ResourcePageRequest[RequestQueue]) -> HttpResponse:
    """Ask, then release the locks of all clients."""
    queue = request.resource
    if request.method == "POST":
        try:
            count = locks.unlock_for_everybody(queue.pk, client=_client(request.principal))
            messages.success(request, f"{count:,} request{'' if count == 1 else 's'} unlocked.")
        except QueueGone:
            pass  # the page that follows says so
        return dialogs.redirect_from_dialog(request, queue.console_path)
    count = reading.count_locked(queue.pk)
    return dialogs.render_dialog(
        request, "request_queues/_unlock.html", title="Unlock all requests?", queue=queue, locked_count=count
    )


def _client(by: Principal) -> Client:
    return Client(by.account_id)


def _missing(request: ResourcePageRequest[RequestQueue]) -> HttpResponse:
    """Say that there is no such request, to a user who may read the queue."""
    context = {"resource": request.resource, "info": request.resource.info, "what": "request"}
    return render(request, "components/missing.html", context, status=HTTPStatus.NOT_FOUND)
