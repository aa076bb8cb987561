"""What the pages of the three storages have in common: the head, who owns it, and what one may do with it."""

from typing import Any

from console.pages.access_words import badge_of, how_you_see_it
from console.pages.storage_words import STORAGE_WORDS
from resources.kinds import Kind
from sharing.permissions import Permission
from sharing.requests import ResourcePageRequest


def context_of(request: ResourcePageRequest) -> dict[str, Any]:
    """Return what `storage/page.html` needs."""
    resource, access = request.resource, request.access
    manages = access.allows(Permission.MANAGE_ACCESS_RIGHTS)
    return {
        "resource": resource,
        "info": resource.info,
        "words": STORAGE_WORDS[Kind(resource.kind)],
        "owner": access.facts.owner_username,
        "badge": badge_of(access.facts) if manages else None,
        "how_you_see_it": how_you_see_it(request.decision, access.facts, access.held),
        "is_mine": resource.owner_id == request.principal.account_id,
        "can_write": access.allows(Permission.WRITE),
        "can_share": manages,
    }
