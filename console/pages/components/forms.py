"""Base of all forms: error messages and focus."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import Error as DatabaseProblem

LONGEST_TEXT = 1000


class BaseForm(forms.Form):
    """A mixin that goes before a form.

    Labels say what to type and not placeholders, which vanish; no text is longer than a user could mean, and what is
    too long is refused with a reason and not cut by the browser without a word; the focus goes to the first field that
    needs another look.
    """

    labels: dict[str, Any] = {}
    helps: dict[str, Any] = {}
    first_field: str | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.helps.get(name, field.help_text)
            if isinstance(field, forms.CharField) and not isinstance(field, forms.JSONField) and not field.max_length:
                field.max_length = LONGEST_TEXT
                field.validators.append(MaxLengthValidator(LONGEST_TEXT))
            field.widget.attrs.pop("maxlength", None)
        if self.first_field:
            self.fields[self.first_field].widget.attrs["autofocus"] = True

    def add_error(self, field: str | None, error: Any) -> None:
        """Add an error, also after validation, and move the focus to the first field with one."""
        super().add_error(field, error)
        wrong = next((name for name in self.fields if name in self.errors), None)
        if wrong:
            for each in self.fields.values():
                each.widget.attrs.pop("autofocus", None)
            self.fields[wrong].widget.attrs["autofocus"] = True


class CredentialField(forms.JSONField):
    """A passkey's answer as JSON: at most as large and as deep as a browser makes it."""

    widget = forms.HiddenInput

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Leave the answer out when the form is shown again: an answer is good for one question only."""
        return None

    def prepare_value(self, value: Any) -> str:
        """Show nothing; the script fills it in."""
        return ""

    def to_python(self, value: Any) -> Any:
        """Read the JSON.

        Raises:
            ValidationError: when it is none, or not an object.
        """
        try:
            answer = super().to_python(value)
        except RecursionError as problem:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from problem
        if answer is not None and not isinstance(answer, dict):
            raise ValidationError(self.error_messages["invalid"], code="invalid", params={"value": value})
        return answer


class HostileCredential(BaseForm):
    """A mixin for forms with a passkey's answer, which is untrusted JSON and CBOR.

    The library that reads it knows a dozen ways to fail at what no browser sends. All of them mean that it is not
    an answer to our question.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["credential"] = CredentialField()

    def clean_credential(self) -> Any:
        """Read the answer, or say that it is not right."""
        check = getattr(super(), "clean_credential", lambda: self.cleaned_data["credential"])
        return _or_not_right(check)

    def clean(self) -> Any:
        """Check the answer against the question, or say that it is not right."""
        return _or_not_right(super().clean)


def _or_not_right(check: Any) -> Any:
    try:
        return check()
    except (ValidationError, DatabaseProblem):
        raise
    except Exception as problem:  # see HostileCredential: whatever it is, it is the sender's
        raise ValidationError("This is not an answer of your passkey. Try again.", code="incorrect_code") from problem
