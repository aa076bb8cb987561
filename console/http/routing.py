"""From the path of an API call to its view.

Django goes from level to level of the included patterns, and makes an object for each that matches: it takes longer
than to fetch the resource. Here the same patterns are put together to whole ones, once, and looked up by collection.
"""

from collections import defaultdict
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings
from django.urls import get_resolver
from django.urls.resolvers import RoutePattern

from accounts.middleware import API_PREFIX
from console.http.endpoint import ApiView
from sharing.system_checks import iterate_views

_BEFORE = API_PREFIX.removeprefix("/")


class _Route(NamedTuple):
    pattern: RoutePattern
    view: ApiView
    defaults: dict[str, Any]


def resolve_view(path: str) -> tuple[ApiView, dict[str, Any]] | None:
    """Return the view that answers at a path, with the arguments from it; None when there is nothing."""
    below = path[len(API_PREFIX) :]
    for pattern, view, defaults in _routes(settings.ROOT_URLCONF).get(below.partition("/")[0], ()):
        found = pattern.match(below)
        if found is not None:
            return view, found[2] | defaults
    return None


@lru_cache(maxsize=4)
def _routes(urlconf: str) -> dict[str, list[_Route]]:
    """Return the routes by their first segment, which is always a word, in the order in which Django tries them."""
    routes = defaultdict(list)
    for route, found in iterate_views(get_resolver(urlconf)):
        if route.startswith(_BEFORE):
            below = route.removeprefix(_BEFORE)
            whole = RoutePattern(below, is_endpoint=True)
            routes[below.partition("/")[0]].append(_Route(whole, found.callback, found.default_args))
    return dict(routes)
