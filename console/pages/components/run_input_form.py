"""The input of a run and its options, as the pages that start Actors and keep tasks ask for them."""

from typing import Any

from django import forms

from console.pages.components.run_options_form import OptionsForm
from console.pages.components.secret_fields import InputText, SecretInputForm

MAX_INPUT = 1024 * 1024


class InputForm(SecretInputForm, OptionsForm):
    """The input of a run, which is JSON, its secret fields, and its options."""

    first_field: str | None = "input"

    input = InputText(
        label="Input",
        required=False,
        strip=False,
        max_length=MAX_INPUT,
        help_text="A JSON object. Left empty, the run has no input.",
        widget=forms.Textarea(
            attrs={
                "class": "editor editor-small",
                "rows": 10,
                "spellcheck": "false",
                "autocapitalize": "none",
                "autocomplete": "off",
            }
        ),
    )
    field_order: tuple[str, ...] = ("input", "build", "timeout_secs", "memory_mbytes", "force_permission_level")

    def clean(self) -> dict[str, Any]:
        """Check the options, and the secret fields."""
        data = super().clean()
        self.check_secrets()
        return data
