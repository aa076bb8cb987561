"""What a run may do with the storages that its input names: decided when it starts, for who starts it."""

from collections.abc import Sequence

from accounts.principal import Principal
from resources.kinds import KINDS
from resources.runs.input_names import NamedStorage
from resources.runs.inputs import InvalidInput
from sharing.access import Access
from sharing.enforcement import refusals
from sharing.facts import fetch, parse_address
from sharing.permissions import Permission


def resolve(named: Sequence[NamedStorage], *, by: Principal) -> dict[str, list[str]]:
    """Return the permissions that an input names, by the IDs of the storages.

    A name that does not exist names nothing, and neither does one that `by` may not know of.

    Raises:
        InvalidInput: naming the field, where `by` may know of the storage and not do with it what the field asks for.
    """
    found: dict[str, set[str]] = {}
    for each in named:
        access = _find(each, by)
        if access is not None:
            missing = next((name for name in sorted(each.permissions) if not access.allows(Permission[name])), None)
            if missing is None:
                found.setdefault(access.facts.id, set()).update(each.permissions)
            else:
                _refuse(each, access, Permission[missing])
    return {id_: sorted(permissions) for id_, permissions in found.items()}


def _find(named: NamedStorage, by: Principal) -> Access | None:
    """Return the access to what a field names: by an ID, `username~name`, or the name of a storage of the account."""
    address = parse_address(named.kind, named.address, by) or parse_address(named.kind, f"~{named.address}", by)
    row = fetch(address, by.account_id, only_facts=True) if address else None
    return Access(by, row.resource, row.facts, address.by) if row and address else None


def _refuse(named: NamedStorage, access: Access, permission: Permission) -> None:
    error = refusals.forbidden_error(access, permission)
    if error.type == refusals.not_found_error(named.kind).type:
        return
    noun = KINDS[named.kind].noun
    raise InvalidInput(
        [f"Field input.{named.field} names a {noun} that the run would need {permission.name} on. {error.message}"]
    )
