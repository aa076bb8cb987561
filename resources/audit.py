"""What happens to a resource, as the audit trail of its owner has it."""

from typing import Any

from accounts import audit
from accounts.principal import Principal
from resources.models import Resource


def record(action: str, resource: Resource, by: Principal, **details: str | None) -> None:
    """Write a row about a resource, with the name that it has now, in the transaction of what it records."""
    described: dict[str, Any] = {"name": resource.name, **details}
    audit.record(
        action,
        by=by,
        account_id=resource.owner_id,
        subject_kind=resource.kind,
        subject_id=resource.pk,
        **described,
    )


def record_renaming(before: Resource, after: Resource, by: Principal) -> None:
    """Write a row about a resource whose name has changed; none where it is what it was."""
    if after.name != before.name:
        record("resource.renamed", after, by, before=before.name, after=after.name)
