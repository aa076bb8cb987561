"""Who manages the API tokens of an account, and which scopes they can have.

A token is account-wide: a principal with a scope has nothing to do with it, and neither has a run, not even one of the
account's own Actor: what a run made would outlive it.
"""

from collections.abc import Collection, Sequence
from typing import Any, Final

from django.db.models import Q, QuerySet

from accounts.lib.ids import looks_like_id
from accounts.models import ApiToken
from accounts.organizations.permissions import AccountPermission
from accounts.principal import CREATE, Principal
from resources.kinds import KINDS, Kind
from sharing.access import AddressedBy, decide
from sharing.enforcement import refusals
from sharing.facts import ResourceAddress, fetch
from sharing.permissions import Permission

MOST_ENTRIES: Final = 100
RUNS: Final = "This API token is that of a run. It cannot manage API tokens, because they go on after it has ended."


class InvalidScope(ValueError):
    """A scope that a token cannot have; `field` names the part of it, and `kind` the kind that it is about, if any."""

    def __init__(self, field: str, message: str, kind: Kind | None = None) -> None:
        super().__init__(message)
        self.field = field
        self.kind = kind


def check_may_manage(by: Principal) -> None:
    """Check that a principal that speaks for its whole account may manage API tokens.

    Raises:
        ApiError: 403 for a run.
    """
    if by.run is not None:
        raise refusals.token_limited_error(RUNS)


def visible_tokens(by: Principal) -> "QuerySet[ApiToken]":
    """Return the tokens that a principal may see and manage: those of its account, and a member's own of it."""
    of_account = ApiToken.objects.filter(account_id=by.account_id or "", run_id="", revoked_at=None)
    own = Q(member_id=by.person_id)
    return of_account.filter(
        own | Q(member_id="") if by.may_for_account(AccountPermission.MANAGE_ACCESS_TOKENS) else own
    )


def find_token(by: Principal, token_id: str) -> ApiToken | None:
    """Return one of the tokens that a principal may manage; None for any other, also one of another account."""
    return visible_tokens(by).filter(pk=token_id).first() if looks_like_id(token_id) else None


def scope_permissions(kind: Kind) -> tuple[str, ...]:
    """Return what a scope may name on a kind. Runs come of starting an Actor, and builds of building it."""
    permissions = KINDS[kind].permissions
    return permissions if kind in (Kind.RUN, Kind.BUILD) else (*permissions, CREATE)


def check_entries(
    entries: Sequence[dict[str, Any]], by: Principal, kept: Collection[tuple[str, str]] = ()
) -> list[dict[str, Any]]:
    """Return the entries of a scope as they are stored: one for each kind or resource, permissions in their order.

    `entries` have a `kind`, `permissions` and a `resourceId` or None. Each resource must be one that `by` may read, so
    that none is given away, or be among those of `kept`, by kind and ID, which the token names already.

    Raises:
        InvalidScope: for a scope that a token cannot have.
    """
    if not entries:
        raise InvalidScope("entries", "it needs at least one permission; without a scope a token can do everything.")
    if len(entries) > MOST_ENTRIES:
        raise InvalidScope("entries", f"it can have at most {MOST_ENTRIES} entries.")
    together: dict[tuple[Kind, str | None], set[str]] = {}
    for at, entry in enumerate(entries):
        kind, id_ = _checked(f"entries[{at}]", entry)
        if id_ is not None and (kind.value, id_) not in kept and not _may_read(by, kind, id_):
            message = f"there is no {KINDS[kind].noun} {id_}, or it is not shared with you."
            raise InvalidScope(f"entries[{at}].resourceId", message, kind)
        together.setdefault((kind, id_), set()).update(entry["permissions"])
    return [
        {"kind": kind.value, "permissions": [n for n in scope_permissions(kind) if n in names], "resourceId": id_}
        for (kind, id_), names in together.items()
    ]


def named_resources(scope: Sequence[dict[str, Any]] | None) -> set[tuple[str, str]]:
    """Return the resources that the entries of a scope name, by kind and ID."""
    return {(each["kind"], each["resourceId"]) for each in scope or () if each.get("resourceId")}


def _checked(field: str, entry: dict[str, Any]) -> tuple[Kind, str | None]:
    if entry["kind"] not in set(Kind):
        raise InvalidScope(f"{field}.kind", f"it must be one of {', '.join(Kind)}.")
    kind, id_ = Kind(entry["kind"]), entry.get("resourceId")
    wrong = [name for name in entry["permissions"] if name not in scope_permissions(kind)]
    if wrong or not entry["permissions"]:
        message = f"it must hold some of {', '.join(scope_permissions(kind))}."
        raise InvalidScope(f"{field}.permissions", message, kind)
    if id_ is not None and CREATE in entry["permissions"]:
        raise InvalidScope(f"{field}.permissions", "CREATE is for a whole kind, not for one resource.", kind)
    return kind, id_


def _may_read(by: Principal, kind: Kind, id_: str) -> bool:
    found = fetch(ResourceAddress(kind, id=id_), by.account_id, only_facts=True) if looks_like_id(id_) else None
    return found is not None and decide(by, found.facts, Permission.READ, AddressedBy.ID).allowed
