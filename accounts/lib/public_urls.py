"""Addresses of pages as users see them."""

from urllib.parse import urlencode

from django.conf import settings


def public_url(path: str, **query: str | None) -> str:
    """Return the address of a page as the world sees it, leaving out what is None in `query`."""
    given = {name: value for name, value in query.items() if value is not None}
    return settings.PUBLIC_URL + path + (f"?{urlencode(given)}" if given else "")
