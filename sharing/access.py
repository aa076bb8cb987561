"""Who may do what: the decision. The rules and their numbers are those of the access model.

`decide` is pure: facts in, decision out; `sharing/facts.py` fetches the facts in one statement. Its twin,
`sharing/lists.py`, asks the same question the other way round, of the database: what may this account read?
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Generic

from typing_extensions import TypeVar

from accounts.principal import HeldBackBy, Principal
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess, Resource
from sharing import token_limits
from sharing.narrowings.held_back import held_back_by
from sharing.permissions import EVERYTHING, NOTHING, Permission
from sharing.signatures import ValidSignature

# The kind of resource that is known of before it is fetched: a model, or Resource for any kind.
ResourceT_co = TypeVar("ResourceT_co", bound=Resource, default=Resource, covariant=True)


class AddressedBy(StrEnum):
    """How a request names a resource."""

    ID = "ID"
    NAME = "NAME"


class Reason(StrEnum):
    """The rule that allowed, or that none did."""

    OWNER = "OWNER"
    GRANT = "GRANT"
    ACTOR_GRANT = "ACTOR_GRANT"
    PUBLIC_ACTOR = "PUBLIC_ACTOR"
    ISSUE = "ISSUE"
    OWNER_RUNS = "OWNER_RUNS"
    CREATOR_RUNS = "CREATOR_RUNS"
    RUN = "RUN"
    ANYONE_WITH_NAME = "ANYONE_WITH_NAME"
    ANYONE_WITH_ID = "ANYONE_WITH_ID"
    SIGNATURE = "SIGNATURE"
    NO_ACCESS = "NO_ACCESS"


# Rules 1 to 8: who reads by one of them was given something, and does not read only because everyone may.
EXPLICIT = frozenset(
    {
        Reason.OWNER,
        Reason.GRANT,
        Reason.ACTOR_GRANT,
        Reason.PUBLIC_ACTOR,
        Reason.ISSUE,
        Reason.OWNER_RUNS,
        Reason.CREATOR_RUNS,
        Reason.RUN,
    }
)


@dataclass(frozen=True, slots=True)
class Parent:
    """The Actor or task that a build or run belongs to, with what the account has been granted on it."""

    id: str
    owner_id: str
    name: str | None = None
    is_public: bool = False
    granted: Permission = NOTHING
    created_by_token: str | None = None
    is_limited: bool = False

    @classmethod
    def of(cls, facts: "Facts") -> "Parent":
        """Return an Actor or task as the parent of what is made of it."""
        return cls(
            facts.id,
            facts.owner_id,
            facts.name,
            facts.is_public,
            facts.granted,
            facts.created_by_token,
            facts.is_limited,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the decision needs to know of a resource, as seen by one account.

    `granted` is the account's direct grant, `attached_to_issue` whether a grant from an issue lets it in.
    `owner_general_access`, `owner_shares_runs` and `owner_link_days` (how many days a pre-signed URL may last; None:
    for ever) are the owner's account settings, and so is `owner_readers_make_links` (whether users who may only read
    make such URLs where the level is RESTRICTED). `link_counter` and `owner_link_counter` are part of the keys that
    sign them; `key_given_at` is when the holder for whom the facts were fetched was last given its key (None: never, or
    not asked for). `actor` and `task` are those of a build or run, `run` is the run whose default storage this is.
    What the narrowings need besides: `created_by_token` is the API token that the resource was created with,
    `created_by_actor` the Actor whose run created a storage, `started_by_run` the run that started a run, each an ID;
    `is_limited` tells whether an Actor has limited permissions.
    """

    id: str
    kind: Kind
    owner_id: str
    owner_general_access: str
    owner_username: str = ""
    owner_shares_runs: bool = False
    owner_link_days: int | None = None
    owner_link_counter: int = 0
    owner_readers_make_links: bool = False
    link_counter: int = 0
    key_given_at: datetime | None = None
    name: str | None = None
    general_access: str = GeneralAccess.FOLLOW_USER_SETTING
    is_public: bool = False
    granted: Permission = NOTHING
    attached_to_issue: bool = False
    actor: Parent | None = None
    task: Parent | None = None
    run: "Facts | None" = None
    created_by_token: str | None = None
    created_by_actor: str | None = None
    started_by_run: str | None = None
    is_limited: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer, the rule that gave it, and the names that explain the rule.

    `held_back_by` is the narrowing of the principal by which the answer is no, where the account itself is allowed.
    """

    allowed: bool
    reason: Reason
    details: dict[str, str] = field(default_factory=dict)
    held_back_by: HeldBackBy | None = None


NO_ACCESS = Decision(False, Reason.NO_ACCESS)


def effective_general_access(facts: Facts) -> str:
    """Return the level that holds for a resource: its own, else its run's, else its owner's account's."""
    return general_access_source(facts)[0]


def general_access_source(facts: Facts) -> tuple[str, str | None]:
    """Return the effective level and where it comes from: None for its own, else "RUN" or "ACCOUNT"."""
    if facts.general_access != GeneralAccess.FOLLOW_USER_SETTING:
        return facts.general_access, None
    if facts.run is not None:
        return effective_general_access(facts.run), "RUN"
    return facts.owner_general_access, "ACCOUNT"


def decide(
    principal: Principal,
    facts: Facts,
    permission: Permission,
    addressed_by: AddressedBy = AddressedBy.ID,
    signed: ValidSignature | None = None,
) -> Decision:
    """Decide whether `principal` may do `permission` (one of them) with the resource.

    `facts` must have been fetched for the principal's own account. A narrowing that says no makes the principal
    anonymous, so that no token does less than none. `signed` is a signature that holds, of the very content that the
    request is for (`sharing/links/check_signature.py`: `verify`).
    """
    held_back = held_back_by(principal, permission, facts)
    decision = _by_rules(None if held_back else principal.account_id, facts, permission, addressed_by)
    if decision.allowed:
        return decision
    if signed is not None and permission is Permission.READ:
        return Decision(True, Reason.SIGNATURE)
    if held_back and _by_rules(principal.account_id, facts, permission, addressed_by).allowed:
        return Decision(False, Reason.NO_ACCESS, held_back_by=held_back)
    return decision


def _by_rules(account_id: str | None, facts: Facts, permission: Permission, addressed_by: AddressedBy) -> Decision:
    """What the rules 1 to 10 say of an account, or of an anonymous request."""
    if account_id is not None:
        decision = _by_explicit_access(account_id, facts, permission)
        if decision.allowed:
            return decision
    return _by_openness(account_id, facts, permission, addressed_by)


def reads_explicitly(principal: Principal, facts: Facts) -> bool:
    """Tell whether `principal` may READ the resource by one of the rules 1 to 8."""
    return decide(principal, facts, Permission.READ).reason in EXPLICIT


def _by_explicit_access(account_id: str, facts: Facts, permission: Permission) -> Decision:
    """Rules 1 to 8, for an account. They hold under Restricted."""
    for rule in _EXPLICIT_RULES:
        details = rule(account_id, facts, permission)
        if details is not None:
            return Decision(True, _RULES[rule], details)
    return NO_ACCESS


def _by_openness(account_id: str | None, facts: Facts, permission: Permission, addressed_by: AddressedBy) -> Decision:
    """What anyone may do: rule 4 for the anonymous, and rules 9 and 10."""
    if account_id is None:
        details = _public_actor(None, facts, permission)
        if details is not None:
            return Decision(True, Reason.PUBLIC_ACTOR, details)
    if permission is not Permission.READ or not KINDS[facts.kind].general_access:
        return NO_ACCESS
    level = effective_general_access(facts)
    by_name = addressed_by is AddressedBy.NAME
    if by_name and facts.name is not None and level == GeneralAccess.ANYONE_WITH_NAME_CAN_READ:
        return Decision(True, Reason.ANYONE_WITH_NAME)
    if not by_name and level in _OPEN_BY_ID:
        return Decision(True, Reason.ANYONE_WITH_ID)
    return NO_ACCESS


@dataclass(frozen=True, slots=True)
class Access(Generic[ResourceT_co]):
    """A principal before a resource: what the view may ask, to show or hide a button or to check a field."""

    principal: Principal
    resource: ResourceT_co
    facts: Facts
    addressed_by: AddressedBy

    def decide(self, permission: Permission) -> Decision:
        """Decide one permission over the facts that were fetched for this request.

        The code that runs in the owner's name is not for a run of another account's Actor to change, also where
        the account itself may.
        """
        decision = decide(self.principal, self.facts, permission, self.addressed_by)
        if decision.allowed and token_limits.is_withheld_from_run(self.principal, permission, self.facts.kind):
            return Decision(False, Reason.NO_ACCESS, held_back_by=HeldBackBy.RUN)
        return decision

    def allows(self, permission: Permission) -> bool:
        """Tell whether the principal has one permission."""
        return self.decide(permission).allowed

    @property
    def held(self) -> Permission:
        """All permissions that the principal has on the resource."""
        held = Permission(0)
        for permission in Permission:
            if self.allows(permission):
                held |= permission
        return held


# A rule returns None when it does not allow, else the names that explain why it does.
Rule = Callable[[str, Facts, Permission], dict[str, str] | None]


def _owner(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    return {} if facts.owner_id == account_id else None


def _grant(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if permission in facts.granted or (permission is Permission.READ and facts.granted):
        return {}
    return None


def _actor_grant(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is not Kind.BUILD or facts.actor is None:
        return None
    needed = {Permission.READ: EVERYTHING, Permission.WRITE: Permission.BUILD}.get(permission, NOTHING)
    return _parent_fields(facts.actor, "actor") if facts.actor.granted & needed else None


def _public_actor(account_id: str | None, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is Kind.ACTOR and facts.is_public:
        may = permission is Permission.READ or (permission is Permission.RUN and account_id is not None)
        return {} if may else None
    if facts.kind is Kind.BUILD and permission is Permission.READ and facts.actor is not None:
        return _parent_fields(facts.actor, "actor") if facts.actor.is_public else None
    return None


def _issue(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    reads_run = facts.kind is Kind.RUN and permission is Permission.READ
    return {} if reads_run and facts.attached_to_issue else None


def _owner_runs(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is not Kind.RUN or permission is not Permission.READ:
        return None
    for what, parent in (("actor", facts.actor), ("task", facts.task)):
        if parent is not None and Permission.VIEW_OWNER_RUNS in parent.granted and parent.owner_id == facts.owner_id:
            return _parent_fields(parent, what)
    return None


def _creator_runs(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.kind is not Kind.RUN or permission is not Permission.READ or facts.actor is None:
        return None
    created = facts.actor.is_public and facts.actor.owner_id == account_id
    return _parent_fields(facts.actor, "actor") if created and facts.owner_shares_runs else None


def _run(account_id: str, facts: Facts, permission: Permission) -> dict[str, str] | None:
    if facts.run is None or permission is not Permission.READ:
        return None
    by = _by_explicit_access(account_id, facts.run, Permission.READ)
    return {"runId": facts.run.id, "runReason": by.reason.value, **by.details} if by.allowed else None


def _parent_fields(parent: Parent, what: str) -> dict[str, str]:
    return {f"{what}Id": parent.id, f"{what}Name": parent.name or parent.id}


_RULES: dict[Rule, Reason] = {
    _owner: Reason.OWNER,
    _grant: Reason.GRANT,
    _actor_grant: Reason.ACTOR_GRANT,
    _public_actor: Reason.PUBLIC_ACTOR,
    _issue: Reason.ISSUE,
    _owner_runs: Reason.OWNER_RUNS,
    _creator_runs: Reason.CREATOR_RUNS,
    _run: Reason.RUN,
}
_EXPLICIT_RULES = tuple(_RULES)
_OPEN_BY_ID = frozenset({GeneralAccess.ANYONE_WITH_ID_CAN_READ.value, GeneralAccess.ANYONE_WITH_NAME_CAN_READ.value})
