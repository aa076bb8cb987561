"""API tokens made, changed and rotated: a token of an organization never allows more than the role of who does it.

A member's own token needs no such check: it has the member's role at each use.
"""

from collections.abc import Iterator
from typing import Final

from django.db import transaction

from accounts import token_editing, tokens
from accounts.models import Account, ActorRuns, ApiToken
from accounts.organizations.permissions import GROUPS, is_within
from accounts.principal import CREATE, Principal, Role
from accounts.token_editing import TokenSettings
from resources.kinds import KINDS, Kind
from sharing.narrowings import role as roles
from sharing.permissions import Permission

_ALL: Final = {group: list(names) for group, names in GROUPS.items()}
_ALL_RESOURCES: Final = {group: names for group, names in _ALL.items() if group != "account"}
# What a permission on Actors makes; a token may do everything with what it has made.
_MADE_BY: Final = {"RUN": Kind.RUN, "BUILD": Kind.BUILD}


class BeyondRole(ValueError):
    """A token of the organization would allow, or allows, more than the role of who makes, changes or rotates it."""

    def __init__(self) -> None:
        super().__init__("This token of the organization allows more than your own role.")


def create(account: Account, wanted: TokenSettings, *, by: Principal, member_id: str) -> tuple[ApiToken, str]:
    """Make a token, and return it with its text; `member_id` is "" for one that is the account's own.

    Raises:
        BeyondRole: where it would be the organization's, and allow more than the role of `by`.
        EndsTooLate: when `by` acts with a token that ends before.
    """
    token_editing.check_end(wanted.expires_at, by)
    if not member_id:
        check_within_role(wanted, by)
    fields = {name: getattr(wanted, name) for name in TokenSettings.__dataclass_fields__}
    return tokens.create(account, by=by, member_id=member_id, **fields)


def update(token: ApiToken, wanted: TokenSettings, *, by: Principal) -> None:
    """Change a token, which is brought up to date.

    Raises:
        BeyondRole: where it is the organization's, and allows more than the role of `by`, before or after.
        TokenGone, LastFullToken, EndsTooLate: see `accounts.token_editing.update`.
    """
    with transaction.atomic():
        _check_stored(token, by)
        if not token.member_id:
            check_within_role(wanted, by)
        token_editing.update(token, wanted, by=by)


def rotate(token: ApiToken, *, by: Principal, at_once: bool) -> str:
    """Give a token another text, and return it.

    Raises:
        BeyondRole: where it is the organization's, and allows more than the role of `by`.
        TokenGone, EndsTooLate: see `accounts.token_editing.rotate`.
    """
    with transaction.atomic():
        _check_stored(token, by)
        return token_editing.rotate(token, by=by, at_once=at_once)


def check_within_role(wanted: TokenSettings, by: Principal) -> None:
    """Check that a token of the account's own would allow no more than the roles of `by`.

    Raises:
        BeyondRole: where it would.
    """
    if not all(_is_within(wanted, role) for role in by.roles):
        raise BeyondRole


def _check_stored(token: ApiToken, by: Principal) -> None:
    """Check a token as it is stored, which nothing else changes until the transaction ends."""
    locked = ApiToken.objects.select_for_update().filter(pk=token.pk).first()
    if locked is not None and not locked.member_id:
        check_within_role(token_editing.settings_of(locked), by)


def _is_within(wanted: TokenSettings, role: Role) -> bool:
    if wanted.scope is None:
        return is_within(_ALL, role)
    if wanted.actor_runs == ActorRuns.FULL:  # its runs may do all that the organization may with resources
        return is_within(_ALL_RESOURCES, role)
    return all(roles.lets_all(role, permission, kind) for kind, permission in _allowed_by(wanted))


def _allowed_by(wanted: TokenSettings) -> Iterator[tuple[Kind, Permission]]:
    """Yield what a scope allows, on some resources at least, what the token makes among them."""
    for entry in wanted.scope or ():
        kind = Kind(entry["kind"])
        for name in entry["permissions"]:
            made = kind if name == CREATE else _MADE_BY.get(name)
            if made is not None:
                yield from ((made, Permission[each]) for each in KINDS[made].permissions)
            if name != CREATE:
                yield kind, Permission[name]
            if wanted.default_run_storages and (name == "WRITE" or made is not None):
                yield Kind.DATASET, Permission.WRITE
