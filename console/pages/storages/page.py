"""What the pages of the three storages have in common."""

from typing import Any

from console.pages.components import resource_page
from console.pages.storages.labels import STORAGE_WORDS
from resources.kinds import Kind
from sharing.enforcement.request_types import ResourcePageRequest
from sharing.owner_only import acts_for
from sharing.permissions import Permission
from sharing.policies.selectors import actor_link


def storage_context(request: ResourcePageRequest) -> dict[str, Any]:
    """Return what `storage/page.html` needs."""
    resource = request.resource
    manages = request.access.allows(Permission.MANAGE_ACCESS_RIGHTS)
    return {
        **resource_page.page_context(request),
        "words": STORAGE_WORDS[Kind(resource.kind)],
        # Who else may read the storage does not learn which Actors its owner runs.
        "creator": actor_link(resource.created_by_actor, request.principal)
        if manages or acts_for(request.principal, resource.owner_id)
        else None,
        "may_end_creator_access": manages,
    }
