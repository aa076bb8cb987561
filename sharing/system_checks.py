"""The system check that fails on a view which does not declare what it needs, before the server even starts."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

from sharing.declare import SignedIn, declared


def iterate_views(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield every URL pattern of the running configuration with its whole route."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from iterate_views(pattern, route)
        else:
            yield route, pattern


@register("sharing")
def every_view_declares(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for every view in the URL configuration without a declaration."""
    return [
        Error(
            f"The view at '{route}' does not declare what it needs.",
            hint="Decorate it with needs(...), account_wide, signed_in_for(...), any_token(...) or public(...) from "
            "sharing/declare.py.",
            obj=pattern.callback,
            id="sharing.E001",
        )
        for route, pattern in iterate_views()
        if not declared(pattern.callback)
    ]


@register("sharing")
def every_view_says_which_tokens_it_takes(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for every view that needs a signed-in user and does not say which tokens are enough."""
    return [
        Error(
            f"The view at '{route}' does not say for {method} which tokens it takes.",
            hint="Decorate it with account_wide, signed_in_for(...) or any_token(...) from sharing/declare.py.",
            obj=pattern.callback,
            id="sharing.E002",
        )
        for route, pattern in iterate_views()
        for method, need in declared(pattern.callback).items()
        if isinstance(need, SignedIn) and not need.is_complete
    ]
