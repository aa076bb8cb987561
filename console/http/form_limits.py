"""How large the body of a form may be: its limits come before anything of it is read.

Each view takes a small form, unless it declares more by `limit_form_size`. The access to the view is decided first
(sharing/middleware.py), then the size, and only then the form is read, its token against forgery is checked, and the
view answers. A form that came slowly is judged again before anything of it is kept.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final, TypeVar

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.template.defaultfilters import filesizeformat

from console.http.error_handlers import error_page
from sharing.enforcement.reauthorize import NoLongerAllowed, reauthorize_after_delay

SMALL_FORM_BYTES: Final = 1024 * 1024
# What a form with a file has besides it: its other fields, and what separates them.
AROUND_A_FILE_BYTES: Final = 8 * 1024 * 1024
# A character is 4 bytes at most, of which a form that is not multipart writes each as three.
BYTES_PER_CHARACTER: Final = 12
BYTES_PER_CHARACTER_IN_MULTIPART: Final = 4
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

View = TypeVar("View", bound=Callable[..., Any])
Size = int | Callable[[], int]


def limit_form_size(size: Size) -> Callable[[View], View]:
    """Declare that the form of a view has up to `size` bytes, besides a few; a function says so for each request."""

    def attach(view: View) -> View:
        view.body_limit = size  # type: ignore[attr-defined]  # functions carry attributes
        return view

    return attach


def get_form_limit(view: Callable[..., Any]) -> int:
    """Return how many bytes the body of a request to a view may have."""
    declared: Size | None = getattr(view, "body_limit", None)
    if declared is None:
        return SMALL_FORM_BYTES
    return (declared() if callable(declared) else declared) + AROUND_A_FILE_BYTES


class BrokenForm(Exception):
    """A form came too slowly, or broke off."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__()
        self.response = response


class FormBodyMiddleware:
    """Refuses a form that is too large before it is read, and reads the others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on; the work is done once it is known which view it is for, and that it may be asked."""
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        """Answer with the refusal, or return None."""
        if request.method in _WITHOUT_BODY:
            return None
        refusal = _refusal(request, get_form_limit(view))
        if refusal is not None:
            return refusal
        _judge_when_read(request)
        if getattr(view, "csrf_exempt", False):
            return None  # it reads the form by itself, in its own way
        try:
            request.POST  # noqa: B018  # it is read here
        except RequestDataTooBig:
            return too_large(request, SMALL_FORM_BYTES)
        except (NoLongerAllowed, BrokenForm) as refused:
            return refused.response
        return None

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Answer for a view that reads its form by itself, and could not."""
        return exception.response if isinstance(exception, BrokenForm) else None


def too_large(request: HttpRequest, limit: int) -> HttpResponse:
    """Return the page that says that a form is too large."""
    said = f"This is too large. At most {filesizeformat(limit)} can be sent here."
    return error_page(request, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said)


def _refusal(request: HttpRequest, limit: int) -> HttpResponse | None:
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        return error_page(request, HTTPStatus.LENGTH_REQUIRED, "Send the form with a Content-Length.")
    text = request.META.get("CONTENT_LENGTH") or "0"
    length = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return None if length is not None and length <= limit else too_large(request, limit)


def _unreadable(request: HttpRequest, error: UnreadablePostError) -> HttpResponse:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, TimeoutError):
        cause = cause.__cause__
    if cause is not None:  # it is under the lowest rate
        return error_page(request, HTTPStatus.REQUEST_TIMEOUT, "The form came too slowly.")
    return error_page(request, HTTPStatus.BAD_REQUEST, "The form broke off before its end.")


def _judge_when_read(request: HttpRequest) -> None:
    """Have the request judged again as soon as its form is read, wherever that is."""
    load: Callable[[], None] = request._load_post_and_files  # Django's own way

    def load_and_judge() -> None:
        try:
            load()
        except UnreadablePostError as error:
            raise BrokenForm(_unreadable(request, error)) from error
        reauthorize_after_delay(request)

    request._load_post_and_files = load_and_judge  # type: ignore[method-assign]  # for this request alone
