"""The dialogs that tasks, schedules and storages share: rename one and delete one, and the field for its name."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.contrib import messages
from django.http import HttpResponse

from accounts.request_types import PageRequest
from console.pages.components import dialogs
from console.pages.components.forms import BaseForm
from resources.edit_locked import NameTaken, ResourceGone
from resources.models import Resource
from resources.storages import MAX_NAME_LENGTH, NAME_RULES, InvalidName
from sharing.enforcement.request_types import ResourcePageRequest

Result = TypeVar("Result")


def name_field(*, required: bool = True, help_text: str = NAME_RULES, autofocus: bool = False) -> forms.CharField:
    """Return the field for the name of a resource."""
    attributes: dict[str, Any] = {"autocomplete": "off", "spellcheck": "false"}
    if autofocus:
        attributes["autofocus"] = True
    return forms.CharField(
        label="Name",
        required=required,
        max_length=MAX_NAME_LENGTH,
        help_text=help_text,
        widget=forms.TextInput(attrs=attributes),
    )


class RenameForm(BaseForm):
    """The name of a resource that has one."""

    name = name_field(autofocus=True)


def try_to_name(form: forms.Form, change: Callable[[], Result]) -> Result | None:
    """Return what `change` returns; None, and an error in the form, if the name will not do."""
    try:
        return change()
    except (InvalidName, NameTaken) as problem:
        form.add_error("name", str(problem))
        return None


def rename_resource(request: ResourcePageRequest, change: Callable[[str], None]) -> HttpResponse:
    """Give a resource another name by `change`, which may raise InvalidName, NameTaken or ResourceGone."""
    resource = request.resource
    form = RenameForm(request.POST if request.method == "POST" else None, initial={"name": resource.name})
    if request.method == "POST" and form.is_valid():
        try:
            try_to_name(form, lambda: change(form.cleaned_data["name"]))
        except ResourceGone:
            return redirect_to_list(request, resource)
        if not form.errors:
            messages.success(request, f"The {resource.info.noun} is called “{resource}” now.")
            return dialogs.redirect_from_dialog(request, resource.console_path)
    title = f"Rename {resource.info.noun}"
    return dialogs.render_dialog(request, "components/_rename.html", title=title, form=form, resource=resource)


def delete_resource(
    request: ResourcePageRequest, delete: Callable[[], bool], *, content: str, consequences: str = "."
) -> HttpResponse:
    """Ask, then delete a resource by `delete`, which returns whether it was still there.

    `content` says what goes with it; `consequences` continues the sentence, and ends it.
    """
    resource = request.resource
    if request.method == "POST":
        if not delete():
            return redirect_to_list(request, resource)
        messages.success(request, f"The {resource.info.noun} “{resource}” was deleted.")
        return dialogs.redirect_from_dialog(request, list_path(resource))
    return dialogs.render_dialog(
        request,
        "components/_delete.html",
        title=f"Delete {resource.info.noun}?",
        resource=resource,
        content=content,
        consequences=consequences,
    )


def redirect_to_list(request: PageRequest, resource: Resource) -> HttpResponse:
    """Leave the dialog of a resource that another user has deleted, for the list of its kind."""
    messages.info(request, f"The {resource.info.noun} “{resource}” had been deleted already.")
    return dialogs.redirect_from_dialog(request, list_path(resource))


def list_path(resource: Resource) -> str:
    """Return the path of the list of a resource's kind."""
    return f"/{resource.info.console_path}"
