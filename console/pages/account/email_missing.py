"""The page that stands in for those that send an email, where no email is sent."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.deployment import outgoing_email


def email_missing(request: HttpRequest) -> HttpResponse:
    """Say that email is not set up, and whom to ask; a form that was sent is refused with it."""
    status = HTTPStatus.FORBIDDEN if request.method == "POST" else HTTPStatus.OK
    return render(request, "account/email_missing.html", status=status)


class NeedsEmail:
    """A mixin that goes before a class-based view whose form sends an email."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Answer with the view where emails are sent, else with the page that says that they are not."""
        if not outgoing_email.can_send():
            return email_missing(request)
        response: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # of the view
        return response
