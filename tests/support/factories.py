"""Makes what there is in a test: resources of every kind, as rows of the database, and grants on them."""

from typing import Any

from accounts.models import Account
from resources.kinds import Kind
from resources.models import MODELS, Resource
from sharing import grants
from sharing.models import Grant
from sharing.permissions import NOTHING, Permission, parse


def make_resource(kind: Kind, owner: Account, **fields: Any) -> Any:
    """Make a resource of any kind: `make_resource(Kind.DATASET, ada, name="prices")`."""
    return MODELS[kind].objects.create(owner=owner, **fields)


def give(resource: Resource, account: Account, *permissions: str | Permission) -> Grant:
    """Let the owner grant something: `give(dataset, ben, "READ", "WRITE")`; READ when no permission is named."""
    wanted = NOTHING
    for each in permissions or ("READ",):
        wanted |= each if isinstance(each, Permission) else parse([each], Kind(resource.kind))
    return grants.grant(resource, account, wanted, by=resource.owner.principal)[0]
