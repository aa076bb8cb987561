"""The audit trail's one writer.

A row is written in the transaction of the change that it records, so neither exists without the other.
"""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import AuditEvent
from accounts.principal import Principal
from accounts.request_context import client_details


def record(
    action: str,
    *,
    by: Principal,
    account_id: str,
    subject_kind: str = "",
    subject_id: str = "",
    at: datetime | None = None,
    **details: Any,
) -> AuditEvent:
    """Add a line to the trail of `account_id`, the account that owns what was changed.

    `at` is the moment of what came about by itself before it is recorded, and so by no client; None: it happens now.
    `details` are JSON values that say what was before and what is now; never a token, a password or a key. Where the
    request came from is added to them.

    Raises:
        TransactionManagementError: outside a transaction, where the row could outlive a failed change.
    """
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("An audit row belongs in the transaction of its change.")
    origin, moment = (client_details(), {}) if at is None else ({}, {"at": at})
    return AuditEvent.objects.create(
        action=action,
        actor_id=by.account_id or "",
        actor_username=by.username,
        token_id=by.token_id or "",
        person_id=by.person_id or None,
        person_username=by.person_username or None,
        run_id=by.run.id if by.run else None,
        account_id=account_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        details={**details, **origin},
        **moment,
    )
