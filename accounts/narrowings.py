"""What narrows the principal of a token, as the statement that finds the token reads it.

A token of a member has the member's role, and that of a run the narrowings of all that started the run: as they are
now, so that a role or a scope that is narrowed is felt at the next request. All of it comes in columns of JSON of the
one statement, which most tokens leave empty.
"""

from typing import Any, Final

import msgspec
from django.db import connection
from django.utils import timezone

from accounts.lib.timestamps import aware
from accounts.principal import Role, RunIdentity, Scope, Starter

_IS_POSTGRESQL: Final = connection.vendor == "postgresql"
_JSON_ARRAY: Final = "json_build_array" if _IS_POSTGRESQL else "json_array"
_JSON_ARRAYS: Final = "json_agg" if _IS_POSTGRESQL else "json_group_array"
_EACH_STARTER: Final = (
    "json_array_elements(CAST(t.run_details AS json) -> 'starters') e"
    if _IS_POSTGRESQL
    else "json_each(t.run_details, '$.starters') e"
)
_STARTER: Final = (
    ("e.value ->> 0", "e.value ->> 1")
    if _IS_POSTGRESQL
    else tuple(f"json_extract(e.value, '$[{at}]')" for at in range(2))
)
# Columns of a statement about a token `t`: JSON as text, or NULL where there is nothing.
MEMBER: Final = f"""CASE WHEN t.member_id = '' THEN NULL ELSE (
    SELECT CAST({_JSON_ARRAY}(p.username, r.name, CAST(r.permissions AS text)) AS text)
    FROM accounts_membership m
    JOIN accounts_organizationrole r ON r.id = m.role_id
    JOIN accounts_account p ON p.id = m.person_id
    WHERE m.organization_id = t.account_id AND m.person_id = t.member_id AND p.is_active
) END"""
STARTERS: Final = f"""CASE WHEN t.run_details IS NULL THEN NULL ELSE (
    SELECT CAST({_JSON_ARRAYS}({_JSON_ARRAY}(
        {_STARTER[0]}, {_STARTER[1]}, s.id, CASE WHEN s.revoked_at IS NULL THEN 0 ELSE 1 END, s.name,
        CAST(s.scope AS text), s.default_run_storages, s.actor_runs, r.name, CAST(r.permissions AS text), m.link_key,
        COALESCE(s.expires_at, NULL)
    )) AS text)
    FROM {_EACH_STARTER}
    LEFT JOIN accounts_apitoken s ON s.id = {_STARTER[0]}
    LEFT JOIN accounts_account p ON p.id = {_STARTER[1]} AND p.is_active
    LEFT JOIN accounts_membership m ON m.organization_id = t.account_id AND m.person_id = p.id
    LEFT JOIN accounts_organizationrole r ON r.id = m.role_id
) END"""


class _RunDetails(msgspec.Struct, frozen=True):
    """What the token of a run keeps of the run, as JSON: see `RunIdentity`."""

    actor_id: str = ""
    actor_owner_id: str = ""
    actor_token_id: str = ""
    is_limited: bool = False
    input_names: dict[str, list[str]] = {}
    starters: list[tuple[str, str]] = []


def write_run(run: RunIdentity) -> str:
    """Return what the token of a run keeps of it, as JSON."""
    details = _RunDetails(
        run.actor_id,
        run.actor_owner_id,
        run.actor_token_id,
        run.is_limited,
        {id_: sorted(permissions) for id_, permissions in run.input_names.items()},
        [(each.token_id, each.person_id) for each in run.starters],
    )
    return msgspec.json.encode(details).decode()


def read_scope(
    stored: str | list[dict[str, Any]] | None,
    token_id: str,
    token_name: str,
    default_run_storages: Any,
    actor_runs: str,
) -> Scope | None:
    """Return the scope of a token from its columns; None: everything. JSON may come as text or taken apart."""
    entries = msgspec.json.decode(stored) if isinstance(stored, str) else stored
    if entries is None:
        return None
    return Scope.from_json(
        entries,
        token_id=token_id,
        token_name=token_name,
        default_run_storages=bool(default_run_storages),
        restricts_runs=actor_runs != "FULL",
    )


def read_member(member: str | None, organization: str) -> tuple[str, Role]:
    """Return the username of a member and their role in an organization; one that lets nothing pass for no member."""
    if member is None:
        return "", Role(organization=organization)
    username, name, permissions = msgspec.json.decode(member)
    return username, read_role(permissions, name, organization)


def read_run(
    run_id: str, is_of_other_account: bool, started_by: str, details: str | None, starters: str | None, username: str
) -> RunIdentity | None:
    """Return the run of a token from its columns; None: a token that started it has ended.

    `username` is that of the account that it acts for. A run from before details were kept has none.
    """
    if details is None:
        return RunIdentity(run_id, is_of_other_account, started_by)
    kept = msgspec.json.decode(details, type=_RunDetails)
    found = [_read_starter(row, kept, username) for row in msgspec.json.decode(starters or "[]") or []]
    if None in found:
        return None
    return RunIdentity(
        run_id,
        is_of_other_account,
        started_by,
        kept.actor_id,
        kept.actor_owner_id,
        kept.actor_token_id,
        kept.is_limited,
        {id_: frozenset(permissions) for id_, permissions in kept.input_names.items()},
        tuple(each for each in found if each is not None),
    )


def _read_starter(row: list[Any], run: _RunDetails, organization: str) -> Starter | None:
    token_id, person_id, kept_id, is_revoked, token_name, scope, default_storages, actor_runs = row[:8]
    name, permissions, member_key, expires_at = row[8:]
    if token_id and (kept_id is None or is_revoked or (expires_at and aware(expires_at) <= timezone.now())):
        return None
    role = None
    if person_id:
        role = Role(organization=organization) if name is None else read_role(permissions, name, organization)
    of_token = read_scope(scope, token_id, token_name or "", default_storages, actor_runs or "")
    inherited = of_token if of_token and _is_inherited(of_token, run) else None
    return Starter(token_id, person_id, role, inherited, member_key or "")


def _is_inherited(scope: Scope, run: _RunDetails) -> bool:
    """Tell whether a run has the scope of the token that started it.

    It has where the token may choose what the Actor does: else it could shed its scope by the code that it writes.
    """
    if scope.restricts_runs or (run.actor_token_id and run.actor_token_id == scope.token_id):
        return True
    return any(scope.allows(permission, "actor", run.actor_id) for permission in ("WRITE", "BUILD"))


def read_role(permissions: str, name: str, organization: str) -> Role:
    """Return a role from its permissions as JSON text, its name, and the organization's username."""
    return Role.from_json(msgspec.json.decode(permissions), name=name, organization=organization)
