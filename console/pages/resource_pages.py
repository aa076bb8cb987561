"""What the pages of all resources have in common: the head, who owns it, and what one may do with it."""

from typing import Any

from console.pages.access_words import badge_of, how_you_see_it
from sharing.permissions import Permission
from sharing.requests import ResourcePageRequest


def context_of(request: ResourcePageRequest) -> dict[str, Any]:
    """Return what `resource/page.html` needs."""
    resource, access = request.resource, request.access
    manages = access.allows(Permission.MANAGE_ACCESS_RIGHTS)
    return {
        "resource": resource,
        "info": resource.info,
        "owner": access.facts.owner_username,
        "badge": badge_of(access.facts) if resource.info.general_access and manages else None,
        "how_you_see_it": how_you_see_it(request.decision, access.facts, access.held),
        "is_mine": resource.owner_id == request.principal.account_id,
        "can_write": access.allows(Permission.WRITE),
        "can_share": manages,
    }
