"""The fields of a run's options, as the dialogs that start or resurrect one and the page of a task have them."""

from typing import Any

from django import forms

from console.pages.components.forms import BaseForm
from resources.permission_levels import FULL, LIMITED
from resources.runs.account_limits import LimitExceeded
from resources.runs.cannot_run import CannotRun
from resources.runs.options import MAX_BUILD_LENGTH, MAX_TIMEOUT_SECS, InvalidOption, RunOptions

_FIELD_OF = {
    "build": "build",
    "timeout": "timeout_secs",
    "memory": "memory_mbytes",
    "maxItems": "max_items",
    "forcePermissionLevel": "force_permission_level",
}


class OptionsForm(BaseForm):
    """Options of a run; empty fields use the defaults of the task or Actor."""

    build = forms.CharField(
        label="Build",
        required=False,
        max_length=MAX_BUILD_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="A tag such as latest, or a number such as 0.1.3.",
    )
    timeout_secs = forms.IntegerField(
        label="Timeout in seconds",
        required=False,
        min_value=0,
        max_value=MAX_TIMEOUT_SECS,
        help_text="After this time the run is stopped. 0 is no limit.",
    )
    memory_mbytes = forms.IntegerField(
        label="Memory in MB", required=False, help_text="A power of 2, such as 256 or 1024."
    )

    force_permission_level = forms.ChoiceField(
        label="Permissions",
        required=False,
        choices=(("", "What the Actor asks for"), (LIMITED, "Limited permissions"), (FULL, "Full permissions")),
        help_text="Full permissions beyond those of the Actor are for tests of your own Actors.",
    )

    def options(self) -> RunOptions:
        """Return the options that the form asks for; only of a form that is valid."""
        data: dict[str, Any] = self.cleaned_data
        return RunOptions(
            build=data["build"] or None,
            timeout_secs=data["timeout_secs"],
            memory_mbytes=data["memory_mbytes"],
            force_permission_level=data["force_permission_level"] or None,
        )

    def clean(self) -> dict[str, Any]:
        """Say beside its field what no run can have."""
        data = super().clean() or {}
        if not self.errors:
            try:
                self.options().checked()
            except InvalidOption as problem:
                self.refuse(problem)
        return data

    def refuse(self, problem: InvalidOption) -> None:
        """Say beside its field which option cannot be."""
        field = _FIELD_OF.get(problem.field)
        text = str(problem)
        self.add_error(field if field in self.fields else None, f"{text[0].upper()}{text[1:]}")

    def refuse_run(self, problem: CannotRun) -> None:
        """Say why there is no run: beside the build, but where the account has as much at work as it may."""
        self.add_error(None if isinstance(problem, LimitExceeded) else "build", str(problem))
