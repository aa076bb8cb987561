"""Signing in and out. django-allauth does it; here stands what these pages need, and what we do differently."""

from typing import Any

from allauth.account import views
from allauth.account.utils import get_next_redirect_url, passthrough_next_redirect_url
from allauth.mfa.base import views as mfa_views
from allauth.mfa.webauthn import views as webauthn_views
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts.deployment import sign_up_policy
from console.http.shown_account import for_any_account
from sharing.declare import account_wide, public

_WHO_SIGNS_IN = "a user who signs in has not signed in yet"


class _PasskeySignIn(webauthn_views.LoginWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """A passkey instead of a password; afterwards, on to where the person wanted to go."""

    def get_success_url(self) -> str:
        return get_next_redirect_url(self.request) or "/"

    def form_valid(self, form: Any) -> HttpResponse:
        authenticator = form.cleaned_data["credential"]
        login = webauthn_views.Login(user=authenticator.user, redirect_url=get_next_redirect_url(self.request))
        response: HttpResponse = webauthn_views.flows.perform_passwordless_login(self.request, authenticator, login)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        super().form_invalid(form)
        return HttpResponseRedirect(passthrough_next_redirect_url(self.request, reverse("account_login"), "next"))


class _ConfirmByPasskey(webauthn_views.ReauthenticateWebAuthnView):  # type: ignore[misc]  # allauth has no types
    """A passkey, asked for again; when it is not right, the page asks once more."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response: HttpResponse = self.render_to_response(self.get_context_data(form=form))
        return response

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context["form"] = kwargs.get("form", context["form"])
        return context


class _SignIn(views.LoginView):  # type: ignore[misc]  # allauth has no types
    """Signing in, with the way to a new account where there is one."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "why_closed": sign_up_policy.why_closed()}


sign_in = public(_WHO_SIGNS_IN)(_SignIn.as_view())
second_step = public(_WHO_SIGNS_IN)(mfa_views.AuthenticateView.as_view())
passkey_sign_in = public(_WHO_SIGNS_IN)(_PasskeySignIn.as_view())
inactive = public("it tells the user why they cannot sign in")(views.AccountInactiveView.as_view())
sign_out = for_any_account(public("signing out twice does no harm")(views.LogoutView.as_view()))

confirm_by_password = account_wide(views.ReauthenticateView.as_view())
confirm_by_code = account_wide(mfa_views.ReauthenticateView.as_view())
confirm_by_passkey = account_wide(_ConfirmByPasskey.as_view())


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say what to do about a form that could not be told from a forged one."""
    return render(request, "account/csrf_failure.html", {"back_to": request.path}, status=403)
