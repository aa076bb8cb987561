"""One URL of the API with a view for each method, each of which has declared what it needs."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase

from accounts.lib.api_errors import ApiError
from sharing.declare import EVERY_METHOD, declare, declared

ApiView = Callable[..., HttpResponseBase]


def endpoint(**by_method: ApiView) -> ApiView:
    """Return a view that hands each method to its own view: `endpoint(GET=show, PUT=update)`.

    GET answers HEAD as well. Other methods get a 405 that names those that there are.
    """
    views = dict(by_method)
    if "GET" in views:
        views.setdefault("HEAD", views["GET"])

    def dispatch(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        view = views.get(request.method or "")
        if view is None:
            return _not_allowed_response(views)
        return view(request, **kwargs)

    dispatch.csrf_exempt = True  # type: ignore[attr-defined]  # the API knows no cookies
    dispatch.__name__ = "_or_".join(view.__name__ for view in by_method.values())
    return declare({method: declared(view)[EVERY_METHOD] for method, view in views.items()})(dispatch)


def method_not_allowed(methods: Iterable[str]) -> ApiError:
    """Return the 405 that names the methods that there are."""
    return ApiError(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method-not-allowed",
        f"This API end-point can only be accessed using the following HTTP methods: {', '.join(methods)}",
    )


def _not_allowed_response(views: dict[str, ApiView]) -> HttpResponseBase:
    allowed = ["OPTIONS", *views]
    response = method_not_allowed(allowed).response()
    response["Allow"] = ", ".join(allowed)
    return response
