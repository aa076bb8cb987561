"""Signing up with an invitation, whose email counts as verified."""

from http import HTTPStatus

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.decorators import rate_limit
from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.sign_up import invitations
from accounts.sign_up.invitations import InvitationOver
from console.pages.account.forms import LONG_ENOUGH, SignUpForm
from console.pages.components.forms import BaseForm
from sharing.declare import public


class InvitedForm(BaseForm):
    """The account that a user makes with an invitation; its email is that of the invitation."""

    labels = {"username": _("Username"), "password1": _("Password")}
    helps = {"username": SignUpForm.helps["username"], "password1": LONG_ENOUGH}
    first_field = "username"

    username = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"})
    )
    password1 = forms.CharField(strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def refuse(self, problems: ValidationError) -> None:
        """Say beside each field what is wrong with it."""
        for field, messages in problems.message_dict.items():
            self.add_error({"username": "username", "password": "password1"}.get(field), messages)


@public("the key in the address is the proof")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@rate_limit(action="signup")  # type: ignore[untyped-decorator]  # allauth has no types
def invited_sign_up(request: HttpRequest, key: str) -> HttpResponse:
    """Ask for a username and a password, make the account, and sign its user in."""
    if request.user.is_authenticated:
        return redirect("/")
    try:
        invitation = invitations.find(key)
        form = InvitedForm(request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            response = _accept(request, key, form)
            if response is not None:
                return response
    except InvitationOver:
        return render(request, "account/invitation_over.html", status=HTTPStatus.NOT_FOUND)
    return render(request, "account/invited_sign_up.html", {"form": form, "email": invitation.email, "key": key})


def _accept(request: HttpRequest, key: str, form: InvitedForm) -> HttpResponse | None:
    """Make the account and sign in; None where the form has a problem to show.

    Raises:
        InvitationOver: when the invitation was used or revoked a moment ago.
    """
    try:
        account = invitations.accept(key, form.cleaned_data["username"], form.cleaned_data["password1"])
    except ValidationError as problems:
        form.refuse(problems)
        return None
    record_authentication(request, account, method="password")  # the user has just chosen it
    response: HttpResponse = perform_login(request, Login(user=account, redirect_url="/"))
    return response
