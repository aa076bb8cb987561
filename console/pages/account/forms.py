"""The forms for signing up and in, and for passwords and e-mails: django-allauth's, with our words."""

from typing import Any

from allauth.account import forms as allauth_forms
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import record_authentication
from django import forms
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts import tokens
from accounts.adapters import link_principal
from accounts.email_addresses import normalize_or_lower
from accounts.models import Account
from console.pages.components.forms import BaseForm

LONG_ENOUGH = _("At least 10 characters. A few words that only you would put together are good.")


class SignInForm(BaseForm, allauth_forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    """Who are you, and can you prove it?"""

    labels = {"login": _("Email or username"), "password": _("Password")}
    helps = {"password": ""}
    first_field = "login"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs.update(autocomplete="username", autocapitalize="none", spellcheck="false")

    def clean_login(self) -> str:
        """Return the username, or the e-mail in the form in which it is stored."""
        login = str(super().clean_login())
        return normalize_or_lower(login) if "@" in login else login


class SignUpForm(BaseForm, allauth_forms.SignupForm):  # type: ignore[misc]  # allauth has no types
    """A new account."""

    labels = {"username": _("Username"), "email": _("Email"), "password1": _("Password")}
    helps = {
        "username": _(
            "3 to 30 letters, digits, dots, dashes and underscores. Others see it, and share with you by it."
        ),
        "email": _("We send a link there to verify it."),
        "password1": LONG_ENOUGH,
    }
    first_field = "username"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].widget.attrs.update(autocapitalize="none", spellcheck="false")
        self.fields["email"].widget.attrs["autocomplete"] = "email"

    def try_save(self, request: HttpRequest) -> Any:
        """Make the account, all of it or nothing.

        Raises:
            ValidationError: when the name or the e-mail was taken a moment ago.
        """
        if self.account_already_exists:
            Account().set_password(self.cleaned_data["password1"])  # to hash takes time, which must not tell
        try:
            with transaction.atomic():
                account, response = super().try_save(request)
        except IntegrityError as taken:
            raise ValidationError({"username": get_adapter().error_messages["username_taken"]}) from taken
        if account is not None:
            record_authentication(request, account, method="password")  # who has just chosen it knows it
        return account, response


class ResetPasswordForm(BaseForm, allauth_forms.ResetPasswordForm):  # type: ignore[misc]  # allauth has no types
    """Where to send the link that resets a password."""

    labels = {"email": _("Email")}
    helps = {"email": _("The one that your account is registered with.")}
    first_field = "email"

    def clean_email(self) -> str:
        """Look for the e-mail in the form in which it is stored: the link goes there."""
        self.cleaned_data["email"] = get_adapter().clean_email(self.cleaned_data["email"])
        return str(super().clean_email())


class _WithNewPassword(BaseForm):
    labels = {
        "oldpassword": _("Current password"),
        "password1": _("New password"),
        "password2": _("New password, once more"),
        "end_tokens": _("Revoke all API tokens, too"),
    }
    helps = {
        "oldpassword": "",
        "password1": LONG_ENOUGH,
        "end_tokens": _(
            "Choose this if another person may know the password. Programs that use the tokens stop working."
        ),
    }
    end_tokens = forms.BooleanField(required=False)

    def save(self) -> None:
        """Save the password, which ends all other sessions, and revoke the tokens if the user asks for it."""
        with transaction.atomic():
            super().save()  # type: ignore[misc]  # allauth's form, which this goes before
            if self.cleaned_data["end_tokens"]:
                account = self.user  # type: ignore[attr-defined]
                tokens.end_all(account, by=link_principal(account))


class NewPasswordForm(_WithNewPassword, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]  # no types
    """A new password for a user who has the link."""

    first_field = "password1"


class ResetLinkForm(allauth_forms.UserTokenForm):  # type: ignore[misc]  # allauth has no types
    """The two halves of the link that resets a password."""


class ChangePasswordForm(_WithNewPassword, allauth_forms.ChangePasswordForm):  # type: ignore[misc]  # no types
    """A new password for a user who knows the old one."""

    first_field = "oldpassword"


class SetPasswordForm(_WithNewPassword, allauth_forms.SetPasswordForm):  # type: ignore[misc]  # no types
    """A password for an account that has none."""

    first_field = "password1"


class ConfirmPasswordForm(BaseForm, allauth_forms.ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The password, asked for again."""

    labels = {"password": _("Password")}
    first_field = "password"


class ChangeEmailForm(BaseForm, allauth_forms.AddEmailForm):  # type: ignore[misc]  # allauth has no types
    """The e-mail that shall become the account's own, once it is verified."""

    labels = {"email": _("New email")}
    helps = {"email": _("We send a link there. Until it is opened, everything stays as it is.")}
