"""What a request carries once the middleware has let it through to a resource, for type checkers."""

from accounts.requests import ApiRequest, PageRequest
from resources.models import Resource
from sharing.access import Access, Decision


class ResourceApiRequest(ApiRequest):
    """A request to the API for a resource that the principal may do with what the view declares."""

    resource: Resource
    access: Access
    decision: Decision


class ResourcePageRequest(PageRequest):
    """A request for a page of a resource that the principal may do with what the view declares."""

    resource: Resource
    access: Access
    decision: Decision
