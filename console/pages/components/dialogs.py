"""What all dialogs have in common: one view serves both the fragment and the page."""

from http import HTTPStatus
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django_htmx.http import HttpResponseClientRedirect

from accounts.request_types import PageRequest


def render_dialog(request: PageRequest, fragment: str, *, title: str, **context: Any) -> HttpResponse:
    """Return the template `fragment` by itself, or on a page; it finds its title in `dialog_title`.

    Where the context has a form with errors, the status is 422, with which htmx swaps the fragment in all the same.
    """
    form = context.get("form")
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form is not None and form.errors else HTTPStatus.OK
    context |= {"dialog_title": title, "fragment": fragment}
    response = render(request, fragment if request.htmx else "components/dialog_page.html", context, status=status)
    patch_vary_headers(response, ("HX-Request",))
    return response


def redirect_from_dialog(request: PageRequest, path: str) -> HttpResponse:
    """Leave the dialog for a page."""
    return HttpResponseClientRedirect(path) if request.htmx else redirect(path)
