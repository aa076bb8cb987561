"""API tokens as the API writes them: never with their text, but in the answer that makes it."""

from typing import Any

from accounts.lib.timestamps import iso
from accounts.models import ApiToken


def serialize_token(token: ApiToken) -> dict[str, Any]:
    """Return a token without its text; `hint` is how its text ends. A `scope` of None is everything."""
    return {
        "id": token.pk,
        "userId": token.account_id,
        "name": token.name,
        "description": token.description,
        "hint": token.hint,
        "scope": _scope(token),
        "createdAt": iso(token.created_at),
        "expiresAt": iso(token.expires_at) if token.expires_at else None,
        "lastUsedAt": iso(token.last_used_at) if token.last_used_at else None,
        "lastUsedBy": token.last_used_by or None,
    }


def _scope(token: ApiToken) -> dict[str, Any] | None:
    if token.scope is None:
        return None
    entries = [
        {"kind": each["kind"], "permissions": each["permissions"], "resourceId": each.get("resourceId")}
        for each in token.scope
    ]
    return {"entries": entries, "defaultRunStorages": token.default_run_storages, "actorRuns": token.actor_runs}
