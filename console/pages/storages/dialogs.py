"""The dialogs of every storage: make, rename, delete, and how to reach it through the API."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.request_types import PageRequest
from console.pages.components import dialogs
from console.pages.components.code_samples import content_url, read_content
from console.pages.components.forms import BaseForm
from console.pages.components.resource_dialogs import Result, delete_resource, name_field, redirect_to_list, try_to_name
from console.pages.components.visibility_sentences import rename_warning
from console.pages.storages.labels import STORAGE_WORDS, StorageLabels
from resources import storages
from resources.edit_locked import NameTaken, ResourceGone
from resources.kinds import Kind, KindInfo
from resources.models import MODELS, Resource
from sharing import storage_creators
from sharing.declare import creates, needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission


class NameForm(BaseForm):
    """The name of a storage, or none."""

    name = name_field(
        required=False, help_text=f"{storages.NAME_RULES} Without a name it is found by its ID.", autofocus=True
    )

    def try_to(self, change: Callable[[str | None], Result]) -> Result | None:
        """Call `change` with the name, and return what it gives; None, and an error in the form, if it will not do."""
        return try_to_name(self, lambda: change(self.cleaned_data["name"] or None)) if self.is_valid() else None


def create_view(kind: Kind) -> Callable[..., HttpResponse]:
    """Return the view that makes a storage of a kind for the account, with or without a name."""

    @creates(kind)
    @require_http_methods(["GET", "HEAD", "POST"])
    def create(request: PageRequest) -> HttpResponse:
        return _create(request, STORAGE_WORDS[kind])

    return create


def _create(request: PageRequest, words: StorageLabels) -> HttpResponse:
    info = words.info
    form = NameForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        made = form.try_to(lambda name: _create_new(info, name, request))
        if made is not None:
            messages.success(request, f"The {info.noun} “{made}” was created.")
            return dialogs.redirect_from_dialog(request, made.console_path)
    return dialogs.render_dialog(
        request, "storages/_create.html", title=f"New {info.noun}", form=form, info=info, list_path=words.list_path
    )


@needs(None, Permission.MANAGE_ACCESS_RIGHTS)
@require_POST
def end_creator_access(request: ResourcePageRequest) -> HttpResponse:
    """End what the Actor that created a storage may do with it."""
    storage = request.resource
    if storage_creators.end_access(storage, by=request.principal):
        messages.success(request, "The Actor that created this can reach it no more, unless an input names it.")
    else:
        messages.info(request, "The Actor that created this had no access any more.")
    return redirect(storage.console_path)


@needs(None, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def rename(request: ResourcePageRequest) -> HttpResponse:
    """Give a storage another name, or take its name away."""
    resource = request.resource
    form = NameForm(request.POST if request.method == "POST" else None, initial={"name": resource.name})
    if request.method == "POST":
        before = resource.name
        try:
            changed = form.try_to(lambda name: storages.rename(resource, name, by=request.principal))
        except ResourceGone:
            return redirect_to_list(request, resource)
        if changed is not None:
            if changed:
                messages.success(request, _renamed(resource, before))
            return dialogs.redirect_from_dialog(request, resource.console_path)
    title = f"Rename {resource.info.noun}"
    warning = rename_warning(request.access.facts)
    return dialogs.render_dialog(
        request, "components/_rename.html", title=title, form=form, resource=resource, warning=warning
    )


@needs(None, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest) -> HttpResponse:
    """Ask, then delete a storage with all its content."""
    resource = request.resource
    content = STORAGE_WORDS[Kind(resource.kind)].describe_content(resource)
    return delete_resource(request, lambda: storages.delete(resource, by=request.principal), content=content)


@needs(None, Permission.READ)
@require_safe
def api(request: ResourcePageRequest) -> HttpResponse:
    """Show how to read a storage through the API."""
    resource = request.resource
    return dialogs.render_dialog(
        request,
        "storages/_api.html",
        title="API",
        resource=resource,
        words=STORAGE_WORDS[Kind(resource.kind)],
        endpoint=content_url(resource),
        snippets=read_content(resource),
    )


def _create_new(info: KindInfo, name: str | None, request: PageRequest) -> Resource:
    made, is_new = storages.create(MODELS[info.kind], request.account.pk, by=request.principal, name=name)
    if not is_new:
        raise NameTaken(f"You have a {info.noun} called “{name}” already. Choose another name.")
    return made


def _renamed(resource: Resource, before: str | None) -> str:
    if resource.name is None:
        return f"The name “{before}” was taken away. The {resource.info.noun} is found by its ID now."
    return f"Renamed to “{resource.name}”."
