"""Signing up, verifying an e-mail and resetting a password: what somebody does who cannot sign in yet."""

from typing import Any

from allauth.account import views
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.urls import reverse

from sharing.declare import public


class _SignUp(views.SignupView):  # type: ignore[misc]  # allauth has no types
    def form_valid(self, form: Any) -> HttpResponse:
        try:
            response: HttpResponse = super().form_valid(form)
        except ValidationError as taken:
            form.add_error(None, taken)
            response = self.form_invalid(form)
        return response


class _VerifyEmail(views.ConfirmEmailView):  # type: ignore[misc]  # allauth has no types
    """Opening the link shows a button; the button verifies. So a mail scanner that opens links verifies nothing."""

    def logout_other_user(self, confirmation: Any) -> None:
        if self.request.method == "POST":  # a link that somebody sent must not sign anybody out
            super().logout_other_user(confirmation)


class _ResetPassword(views.PasswordResetView):  # type: ignore[misc]  # allauth has no types
    def get_success_url(self) -> str:
        url: str = self.passthrough_next_url(reverse("account_reset_password_done"))
        return url


class _NewPassword(views.PasswordResetFromKeyView):  # type: ignore[misc]  # allauth has no types
    def get_success_url(self) -> str:
        url: str = self.passthrough_next_url(reverse("account_reset_password_from_key_done"))
        return url


class _NewPasswordDone(views.NextRedirectMixin, views.PasswordResetFromKeyDoneView):  # type: ignore[misc]
    """The password is new; the link to sign in leads on to where the person wanted to go."""


sign_up = public("whoever signs up has no account yet")(_SignUp.as_view())
verification_sent = public("it only says that an e-mail is on its way")(views.email_verification_sent)
verify_email = public("the key in the address is the proof")(_VerifyEmail.as_view())
reset_password = public("whoever forgot a password cannot sign in")(_ResetPassword.as_view())
reset_password_sent = public("it only says that an e-mail is on its way")(views.PasswordResetDoneView.as_view())
new_password = public("the key in the address is the proof")(_NewPassword.as_view())
new_password_done = public("it only says that the password is new")(_NewPasswordDone.as_view())
