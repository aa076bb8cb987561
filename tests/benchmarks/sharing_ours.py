"""Our side of the benchmark of sharing, in a process of its own: prints one JSON line for each size."""

import json
import sys
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.holders import Holder  # noqa: E402
from accounts.models import Account  # noqa: E402
from accounts.principal import Principal, Role  # noqa: E402
from resources.kinds import Kind  # noqa: E402
from resources.models import Dataset, GeneralAccess, Resource  # noqa: E402
from sharing.access import AddressedBy, decide  # noqa: E402
from sharing.facts import fetch, load_facts, parse_address  # noqa: E402
from sharing.links import signing_keys  # noqa: E402
from sharing.links.check_signature import verify  # noqa: E402
from sharing.lists import Ownership, listed  # noqa: E402
from sharing.models import Grant, StorageKey  # noqa: E402
from sharing.permissions import Permission  # noqa: E402
from sharing.signatures import SignedContent, sign_content, signing_key  # noqa: E402
from tests.benchmarks import bulk, plan  # noqa: E402
from tests.benchmarks.timing import milliseconds  # noqa: E402

ACCOUNT_IDS = plan.ids(plan.ACCOUNTS, seed=1)


# A member who may only read, for which each decision and each list asks.
ROLE = Role("Read only", "acme", *(frozenset({"READ"}) for _ in range(4)))


def may_read(account: int, address: str, role: Role | None = None) -> bool:
    """Go from an address to the decision, for a principal that has just come in."""
    principal = Principal(ACCOUNT_IDS[account], f"user-{account}", "", role=role)
    parsed = parse_address(Kind.DATASET, address, principal)
    found = fetch(parsed, principal.account_id) if parsed else None
    return found is not None and decide(principal, found.facts, Permission.READ, AddressedBy.ID).allowed


def first_page(account: int, role: Role | None = None) -> list[Any]:
    """Return the first 50 of what is shared with an account, newest first."""
    return listed(Principal(ACCOUNT_IDS[account], role=role), ownership=Ownership.SHARED, limit=50)


def opens(address: str, signature: str) -> bool:
    """Go from an address to the decision by a signature, for a request without a token."""
    parsed = parse_address(Kind.DATASET, address, Principal())
    found = fetch(parsed, None, only_facts=True) if parsed else None
    return found is not None and verify(signature, found.facts, SignedContent.CONTENT) is not None


def main(sizes: list[tuple[int, int]]) -> None:
    """Grow the database from size to size and take the times at each."""
    call_command("migrate", interactive=False, verbosity=0)
    bulk.insert(
        Account,
        ["id", "username", "email"],
        ((id_, f"user-{at}", f"user-{at}@example.com") for at, id_ in enumerate(ACCOUNT_IDS)),
        password="!",
    )
    resource_ids: list[str] = []
    all_ids = plan.ids(max(resources for resources, _ in sizes), seed=2)
    for resources, grants in sizes:
        _add_datasets(all_ids[len(resource_ids) : resources], len(resource_ids))
        resource_ids = all_ids[:resources]
        _set_grants(resource_ids, grants)
        print(json.dumps(_measure(resource_ids, grants)), flush=True)


def _measure(resource_ids: list[str], grants: int) -> dict[str, Any]:
    asked = plan.checks(len(resource_ids), grants)
    wrong = [each for each in asked if may_read(each.account, resource_ids[each.resource]) is not each.granted]
    assert not wrong, wrong[:3]
    checked = [(each.account, resource_ids[each.resource]) for each in asked]
    few = min(plan.FEW_GRANTS, 50)
    assert (len(first_page(plan.FEW)), len(first_page(plan.MANY))) == (few, 50)
    return {
        "resources": len(resource_ids),
        "grants": grants,
        "check": milliseconds(may_read, checked),
        "check_member": milliseconds(may_read, [(*each, ROLE) for each in checked]),
        "few_member": milliseconds(first_page, [(plan.FEW, ROLE)] * 100),
        "many_member": milliseconds(first_page, [(plan.MANY, ROLE)] * 100),
        "few": milliseconds(first_page, [(plan.FEW,)] * 100),
        "many": milliseconds(first_page, [(plan.MANY,)] * 100),
        "signature": _measure_signatures(resource_ids[0]),
    }


def _measure_signatures(dataset_id: str) -> float:
    """Take the time of a forged signature of a dataset whose key was given to as many holders as it can be."""
    owner = Resource.objects.get(pk=dataset_id).owner
    StorageKey.objects.filter(resource_id=dataset_id).delete()
    for number in range(signing_keys.MOST):
        token, _ = tokens.create(owner, f"token {number}", by=owner.principal)
        StorageKey.objects.create(resource_id=dataset_id, account=owner, token_id=token.pk)
    facts = load_facts(Resource.objects.get(pk=dataset_id), None)
    right = signing_key(signing_keys.key_source(facts), Holder(owner.pk, token.pk).code)
    assert opens(dataset_id, sign_content(right, dataset_id, 0))
    forged = sign_content("f" * 64, dataset_id, 0)
    assert not opens(dataset_id, forged)
    return milliseconds(opens, [(dataset_id, forged)] * 200)


def _add_datasets(ids: list[str], first: int) -> None:
    if not ids:
        return
    bulk.insert(
        Resource,
        ["id", "owner_id", "name", "created_at"],
        (
            (id_, ACCOUNT_IDS[plan.owner_of(at)], f"dataset-{at}", plan.created_at(at))
            for at, id_ in enumerate(ids, first)
        ),
        kind=Kind.DATASET.value,
        general_access=GeneralAccess.RESTRICTED.value,
    )
    bulk.insert(Dataset, ["resource_ptr_id"], ((id_,) for id_ in ids))
    bulk.analyze()


def _set_grants(resource_ids: list[str], count: int) -> None:
    bulk.empty(Grant)
    bulk.insert(
        Grant,
        ["account_id", "resource_id", "resource_created_at"],
        (
            (ACCOUNT_IDS[account], resource_ids[resource], plan.created_at(resource))
            for account, resource in plan.grants(len(resource_ids), count)
        ),
        resource_kind=Kind.DATASET.value,
        permissions=Permission.READ.value,
        source=Grant.Source.DIRECT.value,
    )
    bulk.analyze()


if __name__ == "__main__":
    main([tuple(size) for size in json.loads(sys.argv[1])])
