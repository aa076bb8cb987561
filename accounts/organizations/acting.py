"""Which account a signed-in person acts for: their own, or an organization that they are a member of."""

from typing import Final

from accounts.lib.sql import Statement
from accounts.models import Account
from accounts.narrowings import read_role
from accounts.principal import Principal

_COLUMNS: Final = """
SELECT o.id, o.username, o.email, r.name, CAST(r.permissions AS text), m.link_key
FROM accounts_membership m
JOIN accounts_account o ON o.id = m.organization_id
JOIN accounts_organizationrole r ON r.id = m.role_id
"""
_MEMBERSHIP: Final = Statement(f"{_COLUMNS} WHERE m.organization_id = %s AND m.person_id = %s AND o.is_active")
_MEMBERSHIPS: Final = Statement(f"{_COLUMNS} WHERE m.person_id = %s AND o.is_active ORDER BY LOWER(o.username)")


def load_principal(person: Account, account_id: str) -> Principal | None:
    """Return a person as they act for an account; None where it is not theirs, and they are no member of it."""
    if account_id == person.pk:
        return person.principal
    row = _MEMBERSHIP.row([account_id, person.pk])
    return None if row is None else _read(person, *row)


def load_organizations(person: Account) -> list[Principal]:
    """Return a person as they act for each of the organizations that they are a member of, by their usernames."""
    return [_read(person, *row) for row in _MEMBERSHIPS.rows([person.pk])]


def _read(
    person: Account, account_id: str, username: str, email: str, role: str, permissions: str, member_key: str
) -> Principal:
    return Principal(
        account_id,
        username,
        email,
        person_id=person.pk,
        person_username=person.username,
        role=read_role(permissions, role, username),
        member_key=member_key,
    )
