"""Settings: the account itself, its email, and what it is told by email."""

from typing import Any

from allauth.account import views
from allauth.account.models import EmailAddress
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.views.decorators.http import require_http_methods, require_safe

from accounts import preferences
from accounts.requests import PageRequest
from sharing.declare import signed_in


@signed_in
@require_safe
def account(request: PageRequest) -> HttpResponse:
    """Show who the account is."""
    pending = EmailAddress.objects.filter(user=request.user, verified=False).exclude(email=request.user.email).first()
    return render(request, "settings/account.html", {"pending": pending})


class _ChangeEmail(views.EmailView):  # type: ignore[misc]  # allauth has no types
    success_url = reverse_lazy("settings")

    def get_success_url(self) -> Any:
        return self.success_url


email = signed_in(_ChangeEmail.as_view())


@signed_in
@require_http_methods(["GET", "HEAD", "POST"])
def notifications(request: PageRequest) -> HttpResponse:
    """Choose what emails come; say what changed, in place."""
    said = ""
    if request.method == "POST":
        wanted = "notify_when_shared" in request.POST
        changed = preferences.set_notify_when_shared(request.user, wanted, by=request.principal)
        said = _said(wanted) if changed else "Nothing changed: it was like this already."
    template = "settings/_notifications.html" if request.htmx else "settings/notifications.html"
    return render(request, template, {"said": said})


def _said(wanted: bool) -> str:
    if wanted:
        return "Saved: an email tells you when somebody shares something with you."
    return "Saved: no more emails about what is shared with you; you find it under Shared with me."
