"""The addresses of records in the API."""

from urllib.parse import quote

from resources.models import Resource


def record_url(store: Resource, key: str) -> str:
    """Return the address of a record of a store, built from the configured public URL."""
    return f"{store.api_url}/records/{quote(key, safe='')}"
