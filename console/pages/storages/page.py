"""What the pages of the three storages have in common."""

from typing import Any

from console.pages.components import resource_page
from console.pages.storages.labels import STORAGE_WORDS
from resources.kinds import Kind
from sharing.enforcement.request_types import ResourcePageRequest


def storage_context(request: ResourcePageRequest) -> dict[str, Any]:
    """Return what `storage/page.html` needs."""
    return {**resource_page.page_context(request), "words": STORAGE_WORDS[Kind(request.resource.kind)]}
