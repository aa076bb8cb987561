"""The forms of schedules: when one fires, and what it starts."""

from typing import Any

import msgspec
from django import forms
from msgspec import UNSET

from accounts.lib.api_errors import ApiError
from accounts.principal import Principal
from console.pages.components.forms import BaseForm
from console.pages.components.resource_dialogs import name_field
from console.pages.components.secret_fields import InputText, SecretInputForm, refetched_on_change
from resources.kinds import Kind
from resources.models import Schedule
from resources.runs.saved_options import load_options
from resources.schedules import editing, times
from resources.schedules.actions import JSON_TYPE, Action, RunActor, RunActorTask, RunInput
from resources.secret_inputs.saved import load_schema
from sharing.lists import Listed
from sharing.policies.schedule_targets import get_target
from sharing.policies.selectors import runnable_choices

MAX_INPUT = 500_000
_FIELD_OF = {"cronExpression": "cron_expression", "timezone": "timezone", "actions": "starts"}
# The select and the expression say together, as they are written, what they come to.
_PREVIEW = {
    "hx-get": "/schedules/preview",
    "hx-target": "#times",
    # What the form around it says of its own answer is not meant for this one.
    "hx-swap": "innerHTML",
    "hx-disabled-elt": "unset",
    "hx-include": "closest form",
    "hx-sync": "closest form:replace",
}


class TimesForm(BaseForm):
    """When a schedule fires."""

    cron_expression = forms.CharField(
        label="Cron expression",
        max_length=times.MAX_EXPRESSION,
        help_text="Minute, hour, day of month, month, day of week: 30 6 * * 1-5 is 06:30 from Monday to Friday. "
        "@hourly, @daily, @weekly and @monthly are known too.",
        widget=forms.TextInput(
            attrs={
                **_PREVIEW,
                "hx-trigger": "input changed delay:300ms",
                "autocomplete": "off",
                "spellcheck": "false",
                "class": "id",
            }
        ),
    )
    timezone = forms.ChoiceField(
        label="Time zone",
        choices=lambda: [(zone, zone) for zone in sorted(times.zones())],
        widget=forms.Select(attrs={**_PREVIEW, "hx-trigger": "change"}),
        error_messages={"invalid_choice": "It must be a time zone of the IANA database, like Europe/Prague or UTC."},
    )

    def clean(self) -> dict[str, Any]:
        """Say beside its field what is no time."""
        data = super().clean() or {}
        if not self.errors:
            try:
                times.check(data["cron_expression"], data["timezone"])
            except times.InvalidTimes as problem:
                self.refuse(problem)
        return data

    def refuse(self, problem: editing.InvalidSchedule | times.InvalidTimes) -> None:
        """Say beside its field what a schedule cannot have."""
        field, text = _FIELD_OF.get(problem.field), str(problem)
        self.add_error(field if field in self.fields else None, f"{text[0].upper()}{text[1:]}")


class ActionForm(SecretInputForm):
    """What a schedule starts, and with which input and secret fields of it."""

    first_field: str | None = "starts"

    starts = forms.CharField(label="Start", max_length=200, widget=forms.Select)
    input = InputText(
        label="Input",
        required=False,
        max_length=MAX_INPUT,
        help_text="A JSON object. Left empty, an Actor gets no input and a task its own; what is here goes over the "
        "task's own, field by field.",
        widget=forms.Textarea(attrs={"class": "editor editor-small", "rows": 6, "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        """Check the secret fields."""
        data = super().clean() or {}
        self.check_secrets()
        return data

    def action(self) -> Action | None:
        """Return the action that the form asks for; None where nothing is to be started. Only of a valid form."""
        kind, _, id_ = self.cleaned_data["starts"].partition(":")
        text = self.with_secrets(self.cleaned_data["input"])
        if kind == Kind.TASK:
            return RunActorTask(actor_task_id=id_[:100], input=msgspec.json.decode(text) if text else None)
        if kind != Kind.ACTOR:
            return None
        body = RunInput(msgspec.json.encode(msgspec.json.decode(text)).decode(), JSON_TYPE) if text else None
        return RunActor(actor_id=id_[:100], run_input=body)

    def offer_secret_fields(self, principal: Principal, path: str, chosen: str = "") -> None:
        """Show the secret fields of what is to be started, which is `chosen` where the form does not say.

        `path` is where the select fetches those of another choice.
        """
        self.fields["starts"].widget.attrs.update(refetched_on_change(path))
        kind, _, id_ = str(self["starts"].value() or chosen)[:100].partition(":")
        action: Action = RunActor(actor_id=id_) if kind == Kind.ACTOR else RunActorTask(actor_task_id=id_)
        try:
            target = get_target(action, principal) if id_ else None
        except ApiError:
            target = None
        if target is not None:
            build = load_options(target.task.options).build if target.task else None
            left_empty = "Left empty, the task's own value is taken." if target.task else ""
            self.show_secret_fields(load_schema(target.actor.pk, build or ""), left_empty=left_empty)

    def offer(self, principal: Principal, asked_for: dict[str, str] | None = None) -> bool:
        """Fill the choice with the tasks and Actors that a principal may start, and return whether there are any."""
        groups = []
        for kind, label in ((Kind.TASK, "Tasks"), (Kind.ACTOR, "Actors")):
            options = {
                f"{kind.value}:{each.id}": _called(each, principal) for each in runnable_choices(kind, principal)
            }
            options |= {value: text for value, text in (asked_for or {}).items() if value.startswith(f"{kind.value}:")}
            if options:
                groups.append((label, list(options.items())))
        nothing = [] if self.fields["starts"].required else [("", "Nothing yet")]
        self.fields["starts"].widget.choices = [*nothing, *groups]
        return bool(groups)


class NewScheduleForm(TimesForm, ActionForm):
    """A new schedule: its name, when it fires, and the first thing that it starts."""

    first_field = "name"

    name = name_field(required=False, help_text="")
    is_enabled = forms.BooleanField(label="Enabled", required=False, initial=True)
    field_order = ("name", "cron_expression", "timezone", "starts", "input", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["starts"].required = False


def build_change(form: NewScheduleForm, actions: list[Action]) -> editing.ScheduleChange:
    """Return what a new schedule is to be like."""
    data = form.cleaned_data
    return editing.ScheduleChange(
        name=data["name"] or UNSET,
        cron_expression=data["cron_expression"],
        timezone=data["timezone"],
        is_enabled=data["is_enabled"],
        actions=actions,
    )


def owner_principal(schedule: Schedule) -> Principal:
    """Return whom a schedule speaks for."""
    return Principal(schedule.owner_id, schedule.owner.username, schedule.owner.email)


def _called(found: Listed, principal: Principal) -> str:
    name = found.name or found.id
    return name if found.owner_id == principal.account_id else f"{found.owner_username}/{name}"
