"""Types of requests that were authorized for a resource.

A view of one kind says which: `ResourceApiRequest[Task]`. Without it, the resource may be of any kind.
"""

from typing import Generic

from accounts.request_types import ApiRequest, PageRequest
from sharing.access import Access, Decision, ResourceT_co


class ResourceApiRequest(ApiRequest, Generic[ResourceT_co]):
    """A request to the API for a resource that the principal may do with what the view declares."""

    resource: ResourceT_co
    access: Access[ResourceT_co]
    decision: Decision


class ResourcePageRequest(PageRequest, Generic[ResourceT_co]):
    """A request for a page of a resource that the principal may do with what the view declares."""

    resource: ResourceT_co
    access: Access[ResourceT_co]
    decision: Decision
