"""The input of a run and its options, as the pages that start Actors and keep tasks ask for them."""

from typing import Any

import msgspec
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
    field_order: tuple[str, ...] = ("input", "build", "timeout_secs", "memory_mbytes")

    def clean_input(self) -> str:
        """Refuse what is not JSON, and say where it is wrong."""
        text = str(self.cleaned_data["input"]).replace("\r\n", "\n")
        if not text.strip():
            return ""
        try:
            found = msgspec.json.decode(text.encode())
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError) as problem:
            raise forms.ValidationError(f"This is not JSON. {problem}") from problem
        if not isinstance(found, dict):
            raise forms.ValidationError("This is JSON, but not an object: it has to begin with { and end with }.")
        return text

    def clean(self) -> dict[str, Any]:
        """Check the options, and the secret fields."""
        given = super().clean()
        self.check_secrets()
        return given
