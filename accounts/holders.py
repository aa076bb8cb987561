"""Holders: the account or the API token that a link or a signing key belongs to, found again when it is used.

A token is a holder of its own, so that what was made with it ends with it. A run has the holder that started it: the
token, or where it was started without one, the account.
"""

from dataclasses import replace
from typing import NamedTuple, Self

from django.utils import timezone

from accounts import narrowings
from accounts.lib.ids import looks_like_id
from accounts.lib.sql import Statement
from accounts.lib.timestamps import aware
from accounts.principal import Principal

_ACCOUNT, _TOKEN = "a", "t"

_OF_ACCOUNT = Statement("SELECT id, username, email FROM accounts_account WHERE id = %s AND is_active")
_OF_TOKEN = Statement(f"""
SELECT a.id, a.username, a.email, COALESCE(t.expires_at, NULL),
    t.scope, t.id, t.name, t.default_run_storages, t.actor_runs, t.member_id, {narrowings.MEMBER}
FROM accounts_apitoken t JOIN accounts_account a ON a.id = t.account_id
WHERE t.id = %s AND t.revoked_at IS NULL AND a.is_active
""")


class Holder(NamedTuple):
    """An account, or with a `token_id` that token of the account."""

    account_id: str
    token_id: str = ""

    @property
    def code(self) -> str:
        """The holder as 18 ASCII characters: a letter for the sort, and the ID."""
        return _TOKEN + self.token_id if self.token_id else _ACCOUNT + self.account_id

    @classmethod
    def of(cls, principal: Principal) -> Self | None:
        """Return the holder that a principal speaks for; None for an anonymous one."""
        if principal.account_id is None:
            return None
        run = principal.run
        return cls(principal.account_id, run.started_by_token_id if run else principal.token_id or "")


def load_principal(code: str) -> Principal | None:
    """Return the principal that a holder is now, by its code, at the cost of one indexed statement.

    None: the account is gone or not active, or the token is revoked, expired or gone.
    """
    sort, id_ = code[:1], code[1:]
    if not looks_like_id(id_):
        return None
    if sort == _ACCOUNT:
        row = _OF_ACCOUNT.row([id_])
        return None if row is None else Principal(*row)
    row = _OF_TOKEN.row([id_]) if sort == _TOKEN else None
    if row is None:
        return None
    account_id, username, email, expires_at = row[:4]
    if expires_at is not None and aware(expires_at) <= timezone.now():
        return None
    principal = Principal(account_id, username, email, id_, narrowings.read_scope(*row[4:9]))
    member_id, member = row[9:]
    if not member_id:
        return principal
    person, role = narrowings.read_member(member, username)
    return replace(principal, person_id=member_id, person_username=person, role=role)
