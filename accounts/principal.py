"""Who a request speaks for."""

from dataclasses import dataclass
from typing import Any, Self

from accounts.email_addresses import normalize_or_lower


@dataclass(frozen=True, slots=True)
class ScopeEntry:
    """One line of a scope: these permissions on this kind, or on this one resource of it."""

    kind: str
    permissions: frozenset[str]
    resource_id: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a scoped token may be used for. A scope only ever narrows what its account may do."""

    entries: tuple[ScopeEntry, ...]

    def allows(self, permission: str, kind: str, resource_id: str | None) -> bool:
        """Tell whether the scope names `permission` on this resource; None asks for all resources of the kind.

        Any permission implies READ, as it does for a grant.
        """
        return any(
            entry.kind == kind
            and entry.resource_id in (None, resource_id)
            and (permission in entry.permissions or (permission == "READ" and bool(entry.permissions)))
            for entry in self.entries
        )

    def narrowed_to(self, other: "Scope") -> "Scope":
        """Return the scope of what this one and `other` both name."""
        both = {
            ScopeEntry(
                mine.kind,
                (mine.permissions | {"READ"}) & (theirs.permissions | {"READ"}),
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
    def from_json(cls, entries: list[dict[str, Any]]) -> Self:
        """Read a scope from `[{"kind": str, "permissions": [str], "resourceId": str | null}]`."""
        return cls(
            tuple(
                ScopeEntry(entry["kind"], frozenset(entry["permissions"]), entry.get("resourceId")) for entry in entries
            )
        )


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """The run that a token was made for.

    `is_of_other_account` tells whether the run's Actor belongs to another account than the run, or is not known any
    more. `started_by_token_id` is the API token that started the run, empty where it was started without one; a run
    that another run started has the token that started that one.
    """

    id: str
    is_of_other_account: bool
    started_by_token_id: str


@dataclass(frozen=True, slots=True)
class Principal:
    """The account that a request acts for, or anonymous, with the limits of its token.

    `account_id` is None for an anonymous principal, and then everything else is empty too. The only exception is the
    server's administrator, who has a `username` for the audit trail (accounts/administration/administrator.py).
    `run` is the run whose token this is, None for all other tokens and for sessions.
    """

    account_id: str | None = None
    username: str = ""
    email: str = ""
    token_id: str | None = None
    scope: Scope | None = None
    run: RunIdentity | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether the request is anonymous."""
        return self.account_id is None

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

    def scope_allows(self, permission: str, kind: str, resource_id: str | None = None) -> bool:
        """Tell whether the scope, if there is one, names `permission`; without a scope everything is named."""
        return self.scope is None or self.scope.allows(permission, kind, resource_id)


ANONYMOUS = Principal()
