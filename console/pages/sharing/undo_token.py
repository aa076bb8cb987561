"""Signed tokens that let Undo restore a removed grant."""

from datetime import datetime

from django.core import signing

from accounts.principal import Principal
from resources.models import Resource
from sharing.grants import Removed
from sharing.permissions import Permission

SECONDS = 600
_SALT = "share.undo"


def sign(removed: list[Removed], resource: Resource, by: Principal) -> str:
    """Return a token that only the user who removed the grant can use, for a few minutes."""
    grants = [
        [
            each.account_id,
            each.permissions.value,
            each.source,
            each.issue_id,
            each.granted_by,
            each.created_at.isoformat(),
            each.expires_at.isoformat() if each.expires_at else None,
        ]
        for each in removed
    ]
    return signing.dumps([resource.pk, by.account_id, grants], salt=_SALT)


def unsign(text: str, resource: Resource, by: Principal) -> list[Removed]:
    """Return what was removed from `resource` by `by`; nothing for a text that is old, foreign or made up."""
    try:
        resource_id, account_id, grants = signing.loads(text, salt=_SALT, max_age=SECONDS)
    except signing.BadSignature:
        return []
    if (resource_id, account_id) != (resource.pk, by.account_id):
        return []
    return [_removed(*each) for each in grants]


def _removed(
    whom: str,
    permissions: int,
    source: str,
    issue_id: str | None,
    granted_by: str,
    created_at: str,
    expires_at: str | None = None,
) -> Removed:
    """Return what was removed, from before there were ends, too."""
    made, ends = datetime.fromisoformat(created_at), datetime.fromisoformat(expires_at) if expires_at else None
    return Removed(whom, Permission(permissions), source, issue_id, granted_by, made, ends)
