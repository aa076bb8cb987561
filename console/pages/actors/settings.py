"""The Settings tab of an Actor: what it is called and how it is run, who can see it, and its end."""

from typing import Any

from django import forms
from django.contrib import messages
from django.forms.boundfield import BoundField
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.lib.api_errors import ApiError
from console.pages.actors.tabs import SETTINGS, get_title, tab_context
from console.pages.components import dialogs
from console.pages.components import prediction_sentences as promises_module
from console.pages.components.forms import BaseForm
from console.pages.components.level_sentences import limited_sentence
from console.pages.components.visibility_sentences import actor_sentence
from resources.actors import editing
from resources.actors.fields import (
    MAX_DESCRIPTION,
    MAX_TIMEOUT_SECS,
    MAX_TITLE,
    ActorChange,
    InvalidField,
)
from resources.edit_locked import NameTaken, ResourceGone
from resources.kinds import Kind
from resources.models import Actor
from resources.permission_levels import LIMITED
from resources.storages import MAX_NAME_LENGTH, InvalidName
from sharing import full_actors
from sharing.declare import needs
from sharing.enforcement import refusals
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.facts import load_facts
from sharing.permissions import Permission
from sharing.policies import publishing
from sharing.visibility import predictions

_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
_ABOUT = ("name", "title", "description")
_FIELD_OF = {
    "defaultRunOptions.build": "default_build",
    "defaultRunOptions.timeoutSecs": "default_timeout_secs",
    "defaultRunOptions.memoryMbytes": "default_memory_mbytes",
}


class SettingsForm(BaseForm):
    """What an Actor is called, and how its runs are run unless something else is said."""

    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME_LENGTH,
        help_text=f"{editing.NAME_RULES} Programs that use the old name stop finding it.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    title = forms.CharField(label="Title", required=False, max_length=MAX_TITLE, help_text="What people read.")
    description = forms.CharField(
        label="Description", required=False, max_length=MAX_DESCRIPTION, widget=forms.Textarea(attrs={"rows": 4})
    )
    default_build = forms.CharField(
        label="Build",
        max_length=40,
        help_text="The tag or number of the build that is run.",
        widget=forms.TextInput(attrs=_PLAIN),
    )
    default_timeout_secs = forms.IntegerField(
        label="Timeout in seconds", min_value=0, max_value=MAX_TIMEOUT_SECS, help_text="0 is no limit."
    )
    default_memory_mbytes = forms.IntegerField(label="Memory in MB", help_text="A power of 2, such as 256 or 1024.")
    permission_level = forms.ChoiceField(
        label="Permissions",
        required=False,
        choices=(("", "Full permissions"), (LIMITED, "Limited permissions")),
        help_text=f"{limited_sentence()} Other accounts have to approve full permissions before they run the Actor.",
    )
    restart_on_error = forms.BooleanField(label="Start a run again that has ended with an error", required=False)

    @property
    def about(self) -> list[BoundField]:
        """The fields that say what the Actor is."""
        return [self[name] for name in _ABOUT]

    @property
    def run_options(self) -> list[BoundField]:
        """The other fields, which say how it is run."""
        return [self[name] for name in self.fields if name not in _ABOUT]

    def clean_description(self) -> str:
        """Return the description with the line ends that the API would be sent."""
        description: str = self.cleaned_data["description"]
        return description.replace("\r\n", "\n")

    def change(self) -> ActorChange:
        """Return what the form says of the Actor; only of a form that is valid."""
        return ActorChange(**self.cleaned_data | {"permission_level": self.cleaned_data["permission_level"] or None})


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def edit_settings(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Show the settings of an Actor, and change them."""
    actor = request.resource
    initial = {name: getattr(actor, name) for name in SettingsForm.base_fields}
    form = SettingsForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid() and _save(request, form):
        messages.success(request, "The settings were saved.")
        return redirect(f"{actor.console_path}/settings")
    status = 422 if form.errors else 200
    can_publish = publishing.missing(request.access, public=not actor.is_public) is None
    context = {**tab_context(request, SETTINGS), "form": form, "can_publish": can_publish}
    context["who_can_see"] = actor_sentence(request.access.facts)
    context["who_can_change"] = promises_module.who_can_publish(public=not actor.is_public)
    return render(request, "actors/settings.html", context, status=status)


@needs(Kind.ACTOR, Permission.MANAGE_ACCESS_RIGHTS)
@require_http_methods(["GET", "HEAD", "POST"])
def publish(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Say what becomes of it, then make an Actor public, or private again."""
    actor = request.resource
    wanted = not actor.is_public
    if request.method == "POST":
        # The form says what was shown, so that two people who press the button at once do not undo each other.
        wanted = request.POST.get("public") == "yes"
    missing = publishing.missing(request.access, public=wanted)
    if missing is not None:
        return refusals.forbidden_response(request, request.access, missing)
    if request.method == "POST":
        try:
            full_actors.update(actor, _publish_change(request, public=wanted), by=request.principal)
        except ApiError as problem:
            messages.error(request, problem.message)
            return dialogs.redirect_from_dialog(request, actor.console_path)
        except ResourceGone:
            return _gone(request)
        now = actor_sentence(load_facts(actor, request.principal.account_id))
        messages.success(request, f"{get_title(actor)} is {'public' if wanted else 'private'} now. {now}")
        return dialogs.redirect_from_dialog(request, actor.console_path)
    found = predictions.visibility_after_publish(actor, request.access.facts, public=wanted)
    by_owner = actor.owner_id == request.principal.account_id
    return dialogs.render_dialog(
        request,
        "actors/_publish.html",
        title="Publish Actor?" if wanted else "Make Actor private?",
        actor=actor,
        wanted=wanted,
        back=actor.console_path,
        promise=found,
        unchanged=promises_module.publish_sentences(found, actor, by_owner),
        who=promises_module.private_sentences(found, actor, request.account),
    )


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Actor]) -> HttpResponse:
    """Ask for its name, then delete an Actor."""
    actor = request.resource
    form = _confirmation(request, str(actor))
    if request.method == "POST" and form.is_valid():
        if not editing.delete(actor, by=request.principal):
            return _gone(request)
        messages.success(request, f"Actor “{get_title(actor)}” was deleted.")
        return dialogs.redirect_from_dialog(request, "/actors")
    return dialogs.render_dialog(request, "actors/_delete.html", title="Delete Actor?", actor=actor, form=form)


def _publish_change(request: ResourcePageRequest[Actor], *, public: bool) -> ActorChange:
    """Return what the dialog changes; publishing asks for the permission level."""
    level = request.POST.get("permission_level", "")
    if not public or level not in ("full", "limited"):
        return ActorChange(is_public=public)
    return ActorChange(is_public=public, permission_level=LIMITED if level == "limited" else None)


class _ConfirmationForm(BaseForm):
    confirmation = forms.CharField(max_length=100, widget=forms.TextInput(attrs={**_PLAIN, "autofocus": True}))

    def __init__(self, name: str, *args: Any) -> None:
        self.name = name
        super().__init__(*args)
        self.fields["confirmation"].label = f"Type {name} to confirm"

    def clean_confirmation(self) -> str:
        if self.cleaned_data["confirmation"] != self.name:
            raise forms.ValidationError("This is not the name of the Actor.")
        return self.name


def _confirmation(request: ResourcePageRequest[Actor], name: str) -> _ConfirmationForm:
    return _ConfirmationForm(name, request.POST) if request.method == "POST" else _ConfirmationForm(name)


def _save(request: ResourcePageRequest[Actor], form: SettingsForm) -> bool:
    try:
        full_actors.update(request.resource, form.change(), by=request.principal)
    except ApiError as problem:
        form.add_error("permission_level", problem.message)
    except (InvalidName, NameTaken) as problem:
        form.add_error("name", str(problem))
    except InvalidField as problem:
        text, field = str(problem), _FIELD_OF.get(problem.field, problem.field)
        form.add_error(field if field in form.fields else None, text[:1].upper() + text[1:])
    except ResourceGone:
        form.add_error(None, "The Actor has been deleted in the meantime.")
    return not form.errors


def _gone(request: ResourcePageRequest[Actor]) -> HttpResponse:
    messages.info(request, "The Actor had been deleted already.")
    return dialogs.redirect_from_dialog(request, "/actors")
