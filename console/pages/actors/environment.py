"""The dialogs of a version's environment variables. A secret value goes in here and never comes out again."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.views.decorators.http import require_http_methods
from msgspec import UNSET, UnsetType

from console.pages.actors.source import get_source_path, get_version_or_refuse
from console.pages.components import dialogs
from console.pages.components.forms import BaseForm
from resources.actors import environment
from resources.actors.fields import InvalidField
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, EnvironmentVariable
from sharing.declare import needs
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.permissions import Permission

_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class VariableForm(BaseForm):
    """A variable: its name, its value, and whether the value is secret."""

    name = forms.CharField(label="Name", max_length=100, widget=forms.TextInput(attrs={**_PLAIN, "autofocus": True}))
    value = forms.CharField(
        label="Value",
        required=False,
        strip=False,
        max_length=environment.MAX_VALUE,
        widget=forms.Textarea(attrs={**_PLAIN, "rows": 3}),
    )
    is_secret = forms.BooleanField(
        label="Secret",
        required=False,
        help_text="Stored encrypted, given to runs, and to builds only where the version says so, and hidden in logs. "
        "It cannot be read here again.",
    )

    def __init__(self, variable: EnvironmentVariable | None, *args: Any, **kwargs: Any) -> None:
        """Offer a variable for changing, or a new one."""
        self.variable = variable
        if variable is not None:
            shown = "" if variable.is_secret else variable.value
            kwargs["initial"] = {"name": variable.name, "value": shown, "is_secret": variable.is_secret}
        super().__init__(*args, **kwargs)
        if variable is not None:
            self.fields["name"].disabled = True
            self.fields["value"].widget.attrs["autofocus"] = True
            if variable.is_secret:
                self.fields["value"].help_text = "The value is secret. Leave this empty to keep it."

    def given_value(self) -> str | UnsetType:
        """Return the value that is to be set; UNSET where it stays as it is. Only of a form that is valid."""
        value: str = self.cleaned_data["value"].replace("\r\n", "\n")
        keeps = self.variable is not None and self.variable.is_secret and not value
        return UNSET if keeps else value

    def refuse(self, problem: InvalidField) -> None:
        """Say beside its field what cannot be."""
        text = str(problem)
        self.add_error(problem.field if problem.field in self.fields else None, text[:1].upper() + text[1:])


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def add(request: ResourcePageRequest[Actor], number: str) -> HttpResponse:
    """Add a variable to a version."""
    version = get_version_or_refuse(request, number)
    form = VariableForm(None, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        if version.environment.filter(name=form.cleaned_data["name"]).exists():
            form.add_error("name", "There is a variable with this name already.")
        elif _set(request, version, form):
            return _done(request, version, f"{form.cleaned_data['name']} was added.")
    return _answer(request, version, form, "Add variable")


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def change(request: ResourcePageRequest[Actor], number: str, name: str) -> HttpResponse:
    """Give a variable another value, or make it secret."""
    version = get_version_or_refuse(request, number)
    variable = _variable(version, name)
    form = VariableForm(variable, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _set(request, version, form):
        return _done(request, version, f"{name} was changed.")
    return _answer(request, version, form, "Change variable")


@needs(Kind.ACTOR, Permission.WRITE)
@require_http_methods(["GET", "HEAD", "POST"])
def delete(request: ResourcePageRequest[Actor], number: str, name: str) -> HttpResponse:
    """Ask, then remove a variable."""
    version = get_version_or_refuse(request, number)
    variable = _variable(version, name)
    if request.method == "POST":
        environment.remove_variable(version, variable.name, by=request.principal)
        return _done(request, version, f"{name} was deleted.")
    return dialogs.render_dialog(
        request,
        "actors/_variable_delete.html",
        title="Delete variable?",
        variable=variable,
        version=version,
        back=get_source_path(version),
        here=request.path,
    )


def _variable(version: ActorVersion, name: str) -> EnvironmentVariable:
    found = version.environment.filter(name=name).first() if "\x00" not in name else None
    if found is None:
        raise Http404
    return found


def _set(request: ResourcePageRequest[Actor], version: ActorVersion, form: VariableForm) -> bool:
    data = form.cleaned_data
    try:
        environment.set_variable(
            version, data["name"], form.given_value(), is_secret=data["is_secret"], by=request.principal
        )
    except InvalidField as problem:
        form.refuse(problem)
        return False
    return True


def _done(request: ResourcePageRequest[Actor], version: ActorVersion, said: str) -> HttpResponse:
    messages.success(request, f"{said} Builds that are there keep what they were built with.")
    return dialogs.redirect_from_dialog(request, get_source_path(version))


def _answer(request: ResourcePageRequest[Actor], version: ActorVersion, form: VariableForm, title: str) -> HttpResponse:
    return dialogs.render_dialog(
        request, "actors/_variable.html", title=title, form=form, back=get_source_path(version), here=request.path
    )
