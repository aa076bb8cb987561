"""Secret input fields in forms: an input of the type password for each, whose value no page ever shows again.

What is left empty keeps the value that is saved. The text of the input shows neither: a secret that was typed there is
taken, and shown as dots should the form come back.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from django import forms
from django.forms.boundfield import BoundField

from console.pages.components.cells import printable
from console.pages.components.forms import BaseForm
from console.pages.components.json_format import format_json
from console.pages.components.secret_masking import DOTS, mask_secrets
from resources.secret_inputs.fields import Fields, encrypted_texts, secret_fields

MAX_SECRET = 100_000
_MOST_FIELDS = 200
_JSON_TYPES = {"array": "A JSON array.", "object": "A JSON object."}
_PASSWORD = {"autocomplete": "new-password", "spellcheck": "false", "autocapitalize": "none"}


class InputText(forms.CharField):
    """The JSON text of an input; the values of the fields `secret` are never shown again."""

    secret: frozenset[str] = frozenset()

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what was typed, with dots for what is secret in it."""
        return mask_secrets(data, self.secret) if isinstance(data, str) else data


@dataclass(frozen=True, slots=True)
class SecretRow:
    """A secret field in a form: its input, and the box to remove the value that is saved, if there is one."""

    value: BoundField
    remove: BoundField | None
    was_typed: bool


class SecretInputForm(BaseForm):
    """A form with the text of an input, `input`, and the secret fields that `show_secret_fields` adds to it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._secret: dict[str, str] = {}
        self._saved: frozenset[str] = frozenset()
        self._types: dict[str, str] = {}

    def clean_input(self) -> str:
        """Refuse text that is not a JSON object, and say what is wrong with it; "" where there is none."""
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

    def show_secret_fields(self, schema: str, saved: str = "", *, left_empty: str = "") -> None:
        """Add the secret fields of an input schema, and those that are encrypted in the text of a saved input.

        `left_empty` says what becomes of a field without a saved value that is left empty.
        """
        encrypted = encrypted_texts(fields_in(saved) or {})
        described = secret_fields(schema) | {name: {} for name in encrypted if name not in secret_fields(schema)}
        for name, field in list(described.items())[:_MOST_FIELDS]:
            self._add(name, field, name in encrypted, left_empty)
        self._saved = frozenset(encrypted)
        text = self.fields["input"]
        if isinstance(text, InputText):
            text.secret = frozenset(described)

    def secret_rows(self) -> list[SecretRow]:
        """Return the secret fields for the page."""
        return [
            SecretRow(
                self[key],
                self[f"{key}-remove"] if f"{key}-remove" in self.fields else None,
                self.is_bound and bool(self.data.get(self.add_prefix(key))),
            )
            for key in self._secret.values()
        ]

    def check_secrets(self) -> None:
        """Say what is wrong with the secret fields; to be called by `clean`."""
        typed = fields_in(self.cleaned_data.get("input")) or {}
        for name, key in self._secret.items():
            value = self.cleaned_data.get(key, "")
            if value and self._types[name] != "string":
                try:
                    msgspec.json.decode(value.encode())
                except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
                    self.add_error(key, "This is not JSON.")
            if not value and _is_dots(typed.get(name)) and name not in self._saved:
                self.add_error(key, "Enter the value: the dots in the input stand for one that is not saved.")

    def with_secrets(self, text: str, saved: str = "") -> str:
        """Return the text of the input that the form asks for: `text`, with the secret fields; only of a valid form.

        `saved` is the text of the input that there is: what is left empty in the form stays as it is there.
        """
        if not self._secret:
            return text
        fields, before = fields_in(text) or {}, fields_in(saved) or {}
        for name, key in self._secret.items():
            value = self.cleaned_data.get(key, "")
            if value:
                fields[name] = msgspec.Raw(
                    msgspec.json.encode(value) if self._types[name] == "string" else value.encode()
                )
            elif name not in fields or _is_dots(fields[name]):
                fields.pop(name, None)
                if name in before and not self.cleaned_data.get(f"{key}-remove"):
                    fields[name] = before[name]
        return msgspec.json.encode(fields).decode() if fields or text.strip() else ""

    def _add(self, name: str, field: Mapping[str, Any], is_saved: bool, left_empty: str) -> None:
        # The name of a field may be any text, which no ID of an element may.
        key = f"secret-{hashlib.sha256(name.encode(errors='replace')).hexdigest()[:12]}"
        type_ = field.get("type")
        self._secret[name], self._types[name] = key, type_ if type_ in _JSON_TYPES else "string"
        title = printable(str(field.get("title") or name)[:200])
        said = "A value is saved; it is not shown. Left empty, it is kept." if is_saved else left_empty
        kind = "" if self._types[name] == "string" else f"{_JSON_TYPES[self._types[name]]} "
        self.fields[key] = forms.CharField(
            label=title,
            required=False,
            strip=False,
            max_length=MAX_SECRET,
            help_text=f"{kind}Secret: it is stored encrypted. {said}".strip(),
            widget=forms.PasswordInput(attrs=_PASSWORD | ({"placeholder": DOTS} if is_saved else {})),
        )
        if is_saved:
            self.fields[f"{key}-remove"] = forms.BooleanField(
                label=f"Remove the saved value of {title}", required=False
            )


def without_secrets(text: str, schema: str) -> str:
    """Return the text of an input, laid out, without its secret fields; as it is where it has none."""
    fields = fields_in(text)
    if fields is None:
        return mask_secrets(text, secret_fields(schema))
    secret = secret_fields(schema).keys() | encrypted_texts(fields).keys()
    shown = {name: raw for name, raw in fields.items() if name not in secret}
    if len(shown) == len(fields):
        return text
    return format_json(msgspec.json.encode(shown).decode(), len(text) * 4 + 100)[0] if shown else ""


def refetched_on_change(path: str) -> dict[str, str]:
    """Return the attributes of a select that fetches the secret fields of the Actor or task that is chosen."""
    return {
        "hx-get": path,
        "hx-trigger": "change",
        "hx-target": "#secret-fields",
        "hx-select": "#secret-fields",
        "hx-swap": "outerHTML",
        "hx-disabled-elt": "unset",
        "hx-sync": "this:queue last",
    }


def fields_in(text: Any) -> Fields | None:
    """Return the fields of the text of an input; None where it is no object."""
    try:
        return msgspec.json.decode(text, type=Fields) if text else None
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None


def _is_dots(raw: msgspec.Raw | None) -> bool:
    try:
        return raw is not None and msgspec.json.decode(raw) == DOTS
    except msgspec.DecodeError:
        return False
