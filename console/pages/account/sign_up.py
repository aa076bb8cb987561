"""Signing up, verifying an e-mail and resetting a password: what a user does who cannot sign in yet."""

from http import HTTPStatus
from typing import Any

from allauth.account import views
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from accounts.deployment import outgoing_email, sign_up_policy
from console.pages.account.email_missing import NeedsEmail, email_missing
from sharing.declare import public


class _SignUp(views.SignupView):  # type: ignore[misc]  # allauth has no types
    def closed(self) -> HttpResponse:
        context = {"why_closed": sign_up_policy.why_closed()}
        return render(self.request, "account/signup_closed.html", context, status=HTTPStatus.FORBIDDEN)

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
        if self.request.method == "POST":  # a link from someone else must not sign the user out
            super().logout_other_user(confirmation)


class _ResetPassword(NeedsEmail, views.PasswordResetView):  # type: ignore[misc]  # allauth has no types
    def get_success_url(self) -> str:
        url: str = self.passthrough_next_url(reverse("account_reset_password_done"))
        return url


class _NewPassword(views.PasswordResetFromKeyView):  # type: ignore[misc]  # allauth has no types
    def get_success_url(self) -> str:
        url: str = self.passthrough_next_url(reverse("account_reset_password_from_key_done"))
        return url


def _verification_sent(request: HttpRequest) -> HttpResponse:
    """Say that a link was sent, which is so only where emails are."""
    if not outgoing_email.can_send():
        return email_missing(request)
    response: HttpResponse = views.email_verification_sent(request)
    return response


class _NewPasswordDone(views.NextRedirectMixin, views.PasswordResetFromKeyDoneView):  # type: ignore[misc]
    """The password is new; the link to sign in leads on to where the person wanted to go."""


sign_up = public("a user who signs up has no account yet")(_SignUp.as_view())
verification_sent = public("it only says that an e-mail is on its way")(_verification_sent)
verify_email = public("the key in the address is the proof")(_VerifyEmail.as_view())
reset_password = public("a user who forgot a password cannot sign in")(_ResetPassword.as_view())
reset_password_sent = public("it only says that an e-mail is on its way")(views.PasswordResetDoneView.as_view())
new_password = public("the key in the address is the proof")(_NewPassword.as_view())
new_password_done = public("it only says that the password is new")(_NewPasswordDone.as_view())
