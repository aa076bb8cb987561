"""Signing keys as clients get them, for tests that have accounts and storages at hand."""

from accounts.models import Account
from accounts.principal import Principal
from resources.models import Resource
from sharing.access import Access, AddressedBy
from sharing.facts import load_facts
from sharing.links import signing_keys


def access_of(resource: Resource, principal: Principal) -> Access:
    return Access(principal, resource, load_facts(resource, principal.account_id), AddressedBy.ID)


def key_of(resource: Resource, account: Account | Principal | None = None) -> str:
    """Have the server give out a key of a storage, to its owner where nobody else is named."""
    principal = account if isinstance(account, Principal) else (account or resource.owner).principal
    key = signing_keys.give_key(access_of(resource, principal))
    assert key is not None, "only who holds WRITE is given a key"
    return key
