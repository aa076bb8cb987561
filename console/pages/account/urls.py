"""The addresses of the pages for signing up, in and out. The names are those that django-allauth looks for."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from console.pages.account import invited_sign_up, sign_in, sign_up


class _AccountId(StringConverter):
    regex = "[0-9a-zA-Z]{17}"


register_converter(_AccountId, "account_id")

urlpatterns = [
    path("sign-in", sign_in.sign_in, name="account_login"),
    path("sign-in/second-step", sign_in.second_step, name="mfa_authenticate"),
    path("sign-in/passkey", sign_in.passkey_sign_in, name="mfa_login_webauthn"),
    path("sign-in/inactive", sign_in.inactive, name="account_inactive"),
    path("sign-in/confirm", sign_in.confirm_by_password, name="account_reauthenticate"),
    path("sign-in/confirm/code", sign_in.confirm_by_code, name="mfa_reauthenticate"),
    path("sign-in/confirm/passkey", sign_in.confirm_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("sign-out", sign_in.sign_out, name="account_logout"),
    path("sign-up", sign_up.sign_up, name="account_signup"),
    path("sign-up/invited/<str:key>", invited_sign_up.invited_sign_up, name="invited-sign-up"),
    path("verify-email", sign_up.verification_sent, name="account_email_verification_sent"),
    path("verify-email/<str:key>", sign_up.verify_email, name="account_confirm_email"),
    path("reset-password", sign_up.reset_password, name="account_reset_password"),
    path("reset-password/sent", sign_up.reset_password_sent, name="account_reset_password_done"),
    path("reset-password/done", sign_up.new_password_done, name="account_reset_password_from_key_done"),
    path(
        "reset-password/<account_id:uidb36>-<str:key>",
        sign_up.new_password,
        name="account_reset_password_from_key",
    ),
]
