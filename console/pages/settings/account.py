"""Settings: the account itself, its email, and what it is told by email."""

from typing import Any

from allauth.account import views
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts import preferences
from accounts.models import Account
from accounts.request_types import PageRequest
from console.pages.account.email_missing import NeedsEmail
from sharing.declare import account_wide, personal


@account_wide
@require_safe
def account(request: PageRequest) -> HttpResponse:
    """Show who the account is; of an organization its members besides."""
    if request.account.is_organization:
        return redirect("settings-organization")
    pending = EmailAddress.objects.filter(user=request.user, verified=False).exclude(email=request.user.email).first()
    return render(request, "settings/account.html", {"pending": pending})


class _ChangeEmail(NeedsEmail, views.EmailView):  # type: ignore[misc]  # allauth has no types
    success_url = reverse_lazy("settings")

    def get_success_url(self) -> Any:
        return self.success_url


email = personal(_ChangeEmail.as_view())


@personal
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: PageRequest) -> HttpResponse:
    """Choose what emails come; say what changed, in place."""
    said = ""
    if request.method == "POST":
        changed = [
            preferences.set_email(request.user, choice, choice in request.POST, by=request.principal)
            for choice in preferences.EMAILS
        ]
        said = _said(request.user) if any(changed) else "Nothing changed: it was like this already."
    template = "settings/_notifications.html" if request.htmx else "settings/notifications.html"
    return render(request, template, {"said": said})


def _said(account: Account) -> str:
    wanted = [what for choice, what in _EMAILS.items() if getattr(account, choice)]
    if not wanted:
        return "Saved: no more emails about what is shared with you, or about issues."
    return f"Saved: an email tells you {' and '.join(wanted)}."


_EMAILS = {
    "notify_when_shared": "when something is shared with you",
    "notify_of_issues": "what is said to your issues",
}
