"""Holders: the account, API token or member that a link or a signing key belongs to, found again when it is used.

A token is a holder of its own, so that what was made with it ends with it; and so is a member of an organization, so
that what they made follows their role and ends with the membership. A run has the holder that started it: the token, or
where it was started without one, the member or the account.
"""

from dataclasses import replace
from typing import NamedTuple, Self

from django.utils import timezone

from accounts import narrowings
from accounts.lib.ids import looks_like_id
from accounts.lib.sql import Statement
from accounts.lib.timestamps import aware
from accounts.principal import Principal

_ACCOUNT, _TOKEN, _MEMBER = "a", "t", "m"

_OF_ACCOUNT = Statement("SELECT id, username, email FROM accounts_account WHERE id = %s AND is_active")
_OF_TOKEN = Statement(f"""
SELECT a.id, a.username, a.email, COALESCE(t.expires_at, NULL),
    t.scope, t.id, t.name, t.default_run_storages, t.actor_runs, t.member_id, {narrowings.MEMBER}
FROM accounts_apitoken t JOIN accounts_account a ON a.id = t.account_id
WHERE t.id = %s AND t.revoked_at IS NULL AND a.is_active
""")
_OF_MEMBER = Statement("""
SELECT o.id, o.username, o.email, p.id, p.username, r.name, CAST(r.permissions AS text)
FROM accounts_membership m
JOIN accounts_account o ON o.id = m.organization_id
JOIN accounts_account p ON p.id = m.person_id
JOIN accounts_organizationrole r ON r.id = m.role_id
WHERE m.link_key = %s AND o.is_active AND p.is_active
""")


class Holder(NamedTuple):
    """An account, or with a `token_id` that token of it, or with a `member_key` that member of it."""

    account_id: str
    token_id: str = ""
    member_key: str = ""

    @property
    def code(self) -> str:
        """The holder as 18 ASCII characters: a letter for the sort, and the ID."""
        if self.token_id:
            return _TOKEN + self.token_id
        return _MEMBER + self.member_key if self.member_key else _ACCOUNT + self.account_id

    @property
    def key(self) -> str:
        """What names the holder within its account: the token or the membership, "" for the account itself."""
        return self.token_id or self.member_key

    @classmethod
    def of(cls, principal: Principal) -> Self | None:
        """Return the holder that a principal speaks for.

        None for an anonymous one, and for a run that no one holder stands for: one that was started or resurrected by
        more than one, or whose member has left.
        """
        if principal.account_id is None:
            return None
        run = principal.run
        if run is None:
            return cls(principal.account_id, principal.token_id or "", principal.member_key)
        if not run.starters:
            return cls(principal.account_id, run.started_by_token_id)
        starter = run.starters[0]
        if len(run.starters) > 1 or not (starter.token_id or starter.member_key):
            return None
        return cls(principal.account_id, starter.token_id, "" if starter.token_id else starter.member_key)


def load_principal(code: str) -> Principal | None:
    """Return the principal that a holder is now, by its code, at the cost of one indexed statement.

    None: the account is gone or not active, the token is revoked, expired or gone, or the membership has ended.
    """
    sort, id_ = code[:1], code[1:]
    if not looks_like_id(id_):
        return None
    if sort == _ACCOUNT:
        row = _OF_ACCOUNT.row([id_])
        return None if row is None else Principal(*row)
    if sort == _MEMBER:
        return _load_member(id_)
    return _load_token(id_) if sort == _TOKEN else None


def _load_member(member_key: str) -> Principal | None:
    row = _OF_MEMBER.row([member_key])
    if row is None:
        return None
    account_id, username, email, person_id, person, role, permissions = row
    return Principal(
        account_id,
        username,
        email,
        person_id=person_id,
        person_username=person,
        role=narrowings.read_role(permissions, role, username),
        member_key=member_key,
    )


def _load_token(token_id: str) -> Principal | None:
    row = _OF_TOKEN.row([token_id])
    if row is None:
        return None
    account_id, username, email, expires_at = row[:4]
    if expires_at is not None and aware(expires_at) <= timezone.now():
        return None
    principal = Principal(account_id, username, email, token_id, narrowings.read_scope(*row[4:9]))
    member_id, member = row[9:]
    if not member_id:
        return principal
    person, role = narrowings.read_member(member, username)
    return replace(principal, person_id=member_id, person_username=person, role=role)
