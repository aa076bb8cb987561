"""What the pages of the three storages have in common."""

from typing import Any

from console.pages import resource_pages
from console.pages.storage_words import STORAGE_WORDS
from resources.kinds import Kind
from sharing.requests import ResourcePageRequest


def context_of(request: ResourcePageRequest) -> dict[str, Any]:
    """Return what `storage/page.html` needs."""
    return {**resource_pages.context_of(request), "words": STORAGE_WORDS[Kind(request.resource.kind)]}
