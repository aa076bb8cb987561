"""Who a request acts for: an account, and what narrows it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Self

from accounts.email_addresses import normalize_or_lower

CREATE: Final = "CREATE"
_CREATE: Final = frozenset({CREATE})


class HeldBackBy(StrEnum):
    """Which narrowing of a principal says no."""

    ROLE = "ROLE"
    SCOPE = "SCOPE"
    RUN = "RUN"


def holds(permissions: Collection[str], permission: str) -> bool:
    """Tell whether a set of permissions holds one: any of them implies READ."""
    return bool(permissions) if permission == "READ" else permission in permissions


@dataclass(frozen=True, slots=True)
class Role:
    """What a member of an organization may do for it: permissions in five groups."""

    name: str = ""
    organization: str = ""
    actors: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()
    storages: frozenset[str] = frozenset()
    schedules: frozenset[str] = frozenset()
    account: frozenset[str] = frozenset()

    @classmethod
    def from_json(cls, permissions: dict[str, list[str]], **fields: str) -> Self:
        """Read a role from `{"actors": [str], "tasks": [str], …}` and its other fields."""
        values: dict[str, Any] = {group: frozenset(names) for group, names in permissions.items()}
        return cls(**values | fields)


@dataclass(frozen=True, slots=True)
class ScopeEntry:
    """One line of a scope: these permissions on this kind, or on this one resource of it."""

    kind: str
    permissions: frozenset[str]
    resource_id: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scoped token may be used for. A scope only ever narrows what its account may do.

    What the token `token_id` has created is in its scope. With `default_run_storages` a run that is in it brings its
    default storages along. With `restricts_runs` the runs that the token starts have the scope, too.
    """

    entries: tuple[ScopeEntry, ...]
    token_id: str = ""
    token_name: str = ""
    default_run_storages: bool = False
    restricts_runs: bool = True

    def allows(self, permission: str, kind: str, resource_id: str | None) -> bool:
        """Tell whether an entry names `permission` on this resource; None asks for all resources of the kind.

        Any permission implies READ, as it does for a grant.
        """
        return any(
            entry.kind == kind
            and entry.resource_id in (None, resource_id)
            and holds(entry.permissions - _CREATE, permission)
            for entry in self.entries
        )

    def allows_create(self, kind: str) -> bool:
        """Tell whether the scope lets new resources of a kind be created."""
        return any(
            entry.kind == kind and entry.resource_id is None and CREATE in entry.permissions for entry in self.entries
        )

    def narrowed_to(self, other: "Scope") -> "Scope":
        """Return the scope of what the entries of this one and of `other` both name."""
        both = {
            ScopeEntry(
                mine.kind,
                _with_read(mine.permissions) & _with_read(theirs.permissions),
                mine.resource_id or theirs.resource_id,
            ): None
            for mine in self.entries
            for theirs in other.entries
            if mine.permissions
            and theirs.permissions
            and mine.kind == theirs.kind
            and (None in (mine.resource_id, theirs.resource_id) or mine.resource_id == theirs.resource_id)
        }
        return Scope(tuple(both))

    def to_json(self) -> list[dict[str, Any]]:
        """Return the entries as `from_json` reads them."""
        return [
            {"kind": entry.kind, "permissions": sorted(entry.permissions), "resourceId": entry.resource_id}
            for entry in self.entries
        ]

    @classmethod
    def from_json(cls, entries: list[dict[str, Any]], **fields: Any) -> Self:
        """Read a scope from `[{"kind": str, "permissions": [str], "resourceId": str | null}]` and its other fields."""
        return cls(
            tuple(
                ScopeEntry(entry["kind"], frozenset(entry["permissions"]), entry.get("resourceId")) for entry in entries
            ),
            **fields,
        )


@dataclass(frozen=True, slots=True)
class Starter:
    """A principal that started a run, or resurrected or metamorphed it: its token or member, and what narrows it now.

    `token_id` and `person_id` are "" where there is none; a `role` or `scope` of None narrows nothing. `member_key` is
    as in `Principal`.
    """

    token_id: str = ""
    person_id: str = ""
    role: Role | None = None
    scope: Scope | None = None
    member_key: str = ""


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """The run that a token was made for.

    `is_of_other_account` tells whether the run's Actor belongs to another account than the run, or is not known any
    more. `actor_token_id` is the API token that the Actor was created with. `started_by_token_id` is the API token that
    started the run, empty where it was started without one; a run that another run started has the token that started
    that one. `is_limited` tells whether it has limited permissions. `input_names` are the permissions on the storages
    that its input names, by their IDs. `starters` are the principals that started it: what narrows them narrows the
    run.

    What tells how a run was started, and what it names:

    | name | names |
    |---|---|
    | `RunIdentity.started_by_token_id`, `ApiToken.started_by_token` | the API token that started the run |
    | `Principal.starting_token_id` | the API token that starts the runs which this principal starts |
    | `Subject.started_by_run` (sharing) | the run that started the run |
    | `RunIdentity.starters` | tokens and members, with what narrows them now |
    | `Principal.starters` | the same of the runs which this principal starts, as pairs of IDs of token and member |
    | `starters` of runs and schedules (resources) | pairs of IDs of token and member, as they are stored |
    """

    id: str
    is_of_other_account: bool
    started_by_token_id: str
    actor_id: str = ""
    actor_owner_id: str = ""
    actor_token_id: str = ""
    is_limited: bool = False
    input_names: Mapping[str, frozenset[str]] = field(default_factory=dict)
    starters: tuple[Starter, ...] = ()


@dataclass(frozen=True, slots=True)
class Principal:
    """The account that a request acts for, or anonymous, and what narrows it.

    `account_id` is None for an anonymous principal, and then everything else is empty too. The only exception is the
    server's administrator, who has a `username` for the audit trail (accounts/administration/administrator.py).
    `person` is the member who acts for an organization, with a `role`; `member_key` is the membership's `link_key`, ""
    for a token, which is a holder of its own (accounts/holders.py). `run` is the run whose token this is, None for
    all other tokens and for sessions.
    """

    account_id: str | None = None
    username: str = ""
    email: str = ""
    token_id: str | None = None
    scope: Scope | None = None
    run: RunIdentity | None = None
    person_id: str = ""
    person_username: str = ""
    role: Role | None = None
    member_key: str = ""

    @property
    def is_anonymous(self) -> bool:
        """Whether the request is anonymous."""
        return self.account_id is None

    @property
    def is_narrowed(self) -> bool:
        """Whether anything takes away from what the account may do."""
        return self.scope is not None or self.run is not None or self.role is not None

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that all must let something pass: the member's, and those of the members who started the run."""
        own = (self.role,) if self.role else ()
        return own + tuple(each.role for each in self.run.starters if each.role) if self.run else own

    def role_lacking(self, permission: str) -> Role | None:
        """Return the first role that does not hold a permission in the group of the account; None where all do."""
        return next((role for role in self.roles if permission not in role.account), None)

    def may_for_account(self, permission: str) -> bool:
        """Tell whether the roles let something be done with the account itself, as `AccountPermission` names it."""
        return self.role_lacking(permission) is None

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """The scopes that all must let something pass: the token's, and those of the tokens that started the run."""
        own = (self.scope,) if self.scope else ()
        return own + tuple(each.scope for each in self.run.starters if each.scope) if self.run else own

    @property
    def starters(self) -> list[tuple[str, str]]:
        """The token and the member, by their IDs, whose narrowings the runs have that this principal starts."""
        if self.run:
            return [(each.token_id, each.person_id) for each in self.run.starters]
        return [(self.token_id or "", self.person_id)] if self.token_id or self.person_id else []

    @property
    def starting_token_id(self) -> str:
        """The API token on whose behalf this principal starts runs; empty for a session."""
        return self.run.started_by_token_id if self.run else self.token_id or ""

    def is_called(self, text: str) -> bool:
        """Tell whether `text` is this principal's own user ID, username or e-mail."""
        text = text.strip()
        return not self.is_anonymous and (
            text == self.account_id
            or text.lower() == self.username.lower()
            or ("@" in text and normalize_or_lower(text) == self.email)
        )


def _with_read(permissions: frozenset[str]) -> frozenset[str]:
    """Return permissions with READ, which all but CREATE imply."""
    return permissions | {"READ"} if permissions - _CREATE else permissions


ANONYMOUS = Principal()
