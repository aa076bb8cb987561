"""The forms of second factors: django-allauth's, with our words."""

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.base import forms as base_forms
from allauth.mfa.models import Authenticator
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.sign_in.second_factors import is_readable, is_unreadable
from console.pages.components.forms import BaseForm, HostileCredential

# What is said of a factor that cannot be read, where the other one can.
_HIDDEN = {
    Authenticator.Type.TOTP: _("The server cannot read the secret of your authenticator app: use a recovery code."),
    Authenticator.Type.RECOVERY_CODES: _("The server cannot read your recovery codes: use your authenticator app."),
}


class _WithCode(BaseForm):
    labels = {"code": _("Code")}
    first_field = "code"


class _OfFactorsThatCanBeRead(_WithCode):
    """A code is tried with every factor that the server can read, also where it cannot read another one."""

    user: Any
    authenticator: Authenticator

    def clean_code(self) -> str:
        try:
            found: str = super().clean_code()  # type: ignore[misc]  # of the form that this goes before
        except ValidationError as error:
            if not is_unreadable(error):
                raise
            return self._by_another_factor(self.cleaned_data["code"], error)
        return found

    def _by_another_factor(self, code: str, error: ValidationError) -> str:
        factors = list(Authenticator.objects.filter(user=self.user, type__in=_HIDDEN).order_by("-type"))
        readable = [factor for factor in factors if is_readable(factor)]
        for factor in readable:
            if factor.wrap().validate_code(code):
                factor.user = self.user
                self.authenticator = factor
                return code
        self._emit_authentication_failed(factors[0])  # type: ignore[attr-defined]
        if not readable:
            raise error
        said = [*get_adapter().validation_error("incorrect_code").messages]
        said += [_HIDDEN[factor.type] for factor in factors if factor not in readable]
        raise ValidationError(" ".join(map(str, said)), code="incorrect_code")


class CodeForm(_OfFactorsThatCanBeRead, base_forms.AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The second step of a sign-in."""

    helps = {"code": _("From your authenticator app, or one of your recovery codes.")}


class ConfirmCodeForm(_OfFactorsThatCanBeRead, base_forms.ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """A code, asked for again."""

    helps = {"code": _("From your authenticator app, or one of your recovery codes.")}


class ActivateAppForm(_WithCode, totp_forms.ActivateTOTPForm):  # type: ignore[misc]  # allauth has no types
    """The first code of a new authenticator app."""

    helps = {"code": _("The 6 digits that the app shows now.")}


class PasskeyForm(HostileCredential, webauthn_forms.AuthenticateWebAuthnForm):  # type: ignore[misc]  # no types
    """A passkey as the second step of a sign-in."""


class ConfirmPasskeyForm(HostileCredential, webauthn_forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey, asked for again."""


class PasskeySignInForm(HostileCredential, webauthn_forms.LoginWebAuthnForm):  # type: ignore[misc]  # no types
    """A passkey instead of a password."""


class AddPasskeyForm(HostileCredential, webauthn_forms.AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """A new passkey."""

    labels = {"name": _("Name"), "passwordless": _("Sign in with it alone, without a password")}
    helps = {
        "name": _("To recognise it by, such as the device that keeps it."),
        "passwordless": _("It then asks for your fingerprint, face or PIN."),
    }
    first_field = "name"


class RenamePasskeyForm(BaseForm, webauthn_forms.EditWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """Another name for a passkey."""

    labels = {"name": _("Name")}
    first_field = "name"
