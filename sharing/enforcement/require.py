"""Resources that are named elsewhere than in the URL: in the body of a request, or in what a schedule does.

The middleware decides about the resource that a URL names. Views call this for every other resource that a request
names; facts, decision and refusals are the same.
"""

from typing import Literal, TypeVar, overload

from accounts.principal import Principal
from resources.kinds import Kind
from resources.models import Actor, Resource, Task
from sharing.access import Access, AddressedBy
from sharing.enforcement import refusals
from sharing.facts import fetch, load_facts, parse_address
from sharing.permissions import Permission

ResourceT = TypeVar("ResourceT", bound=Resource)


def access_to(principal: Principal, resource: ResourceT) -> Access[ResourceT]:
    """Return the principal's current access to an already loaded resource.

    Raises:
        ApiError: 404 when the resource was deleted in the meantime.
    """
    try:
        facts = load_facts(resource, principal.account_id)
    except LookupError:
        raise refusals.not_found_error(Kind(resource.kind)) from None
    return Access(principal, resource, facts, AddressedBy.ID)


@overload
def get_or_refuse(principal: Principal, kind: Literal[Kind.ACTOR], address: str, permission: Permission) -> Actor: ...
@overload
def get_or_refuse(principal: Principal, kind: Literal[Kind.TASK], address: str, permission: Permission) -> Task: ...
@overload
def get_or_refuse(principal: Principal, kind: Kind, address: str, permission: Permission) -> Resource: ...
def get_or_refuse(principal: Principal, kind: Kind, address: str, permission: Permission) -> Resource:
    """Return the resource of a kind that `address` names, if `principal` may do `permission` with it.

    `address` is an ID, `username~name` or `~name`.

    Raises:
        ApiError: the refusal of the access model's table: 401 for an anonymous principal and more than READ, 404 for
            what is not there or may not be known of, 403 for what may be read but not be done.
    """
    if principal.is_anonymous and permission is not Permission.READ:
        raise refusals.token_not_provided()
    parsed = parse_address(kind, address, principal)
    found = fetch(parsed, principal.account_id) if parsed else None
    if found is None or parsed is None:
        raise refusals.not_found_error(kind)
    access = Access(principal, found.resource, found.facts, parsed.by)
    if not access.allows(permission):
        raise refusals.forbidden_error(access, permission)
    return found.resource
