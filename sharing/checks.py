"""The system check that fails on a view which does not declare what it needs, before the server even starts."""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, register
from django.urls import URLPattern, URLResolver, get_resolver

from sharing.declare import declared


def views(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    """Yield every URL pattern of the running configuration with its whole route."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from views(pattern, route)
        else:
            yield route, pattern


@register("sharing")
def every_view_declares(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for every view in the URL configuration without a declaration."""
    return [
        Error(
            f"The view at '{route}' does not declare what it needs.",
            hint="Decorate it with needs(...), signed_in or public(...) from sharing/declare.py.",
            obj=pattern.callback,
            id="sharing.E001",
        )
        for route, pattern in views()
        if not declared(pattern.callback)
    ]
