"""The forms of second factors: django-allauth's, with our words."""

from allauth.mfa.base import forms as base_forms
from allauth.mfa.totp import forms as totp_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django.utils.translation import gettext_lazy as _

from console.pages.form_manners import HostileCredential, Manners


class _WithCode(Manners):
    labels = {"code": _("Code")}
    first_field = "code"


class CodeForm(_WithCode, base_forms.AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The second step of a sign-in."""

    helps = {"code": _("From your authenticator app, or one of your recovery codes.")}


class ConfirmCodeForm(_WithCode, base_forms.ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
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


class RenamePasskeyForm(Manners, webauthn_forms.EditWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    """Another name for a passkey."""

    labels = {"name": _("Name")}
    first_field = "name"
