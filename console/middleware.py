"""What the pages need besides Django's own middleware. No call of the API comes here (console/wsgi.py)."""

from collections.abc import Callable
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse

from console.http.error_handlers import error_page

GetResponse = Callable[[HttpRequest], HttpResponse]


class NoStoreMiddleware:
    """Let no cache keep a page, for it shows what one account may see at this moment; a view may say otherwise."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the header, unless the view has set one."""
        response = self.get_response(request)
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response


class MethodNotAllowedMiddleware:
    """Gives a page's bare refusal of a method a page to go on from. It keeps the header that names the methods."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer as the view does, with a page where it only says that the method is not allowed."""
        response = self.get_response(request)
        if response.status_code != HTTPStatus.METHOD_NOT_ALLOWED:
            return response
        page = error_page(request, HTTPStatus.METHOD_NOT_ALLOWED, "This address cannot be opened by itself")
        page.headers["Allow"] = response.headers["Allow"]
        return page
