"""What a view needs, declared where the view is written and enforced by the middleware.

A view says one of three things: it needs a permission on the resource that the URL names, it needs a signed-in user
or a token and says which tokens are enough, or it is public, for a reason. A view that says nothing is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from accounts.organizations.permissions import AccountPermission
from resources.kinds import Kind
from sharing.permissions import Permission
from sharing.signatures import SignedContent

View = TypeVar("View", bound=Callable[..., Any])
EVERY_METHOD = "*"


@dataclass(frozen=True, slots=True)
class Requires:
    """One of `permissions` on the resource that the URL names.

    A `kind` of None means that the URL pattern says which. Where `or_about_oneself` names an argument of the
    URL or its query, READ is enough if that argument is the principal's own account, and with
    `oneself_by_default` also if it is not given. Only a view that reads the argument from nowhere else may say so.
    `signed` is what a pre-signed URL must be for to open this view; None: no signature opens it. With `needs_account`
    the request must not be anonymous: a view that leaves something in an account's name. A view that `lists` what
    the principal may read of a kind takes a scoped token only if it names READ on all of that kind. With `reads`
    all that narrows a principal must let READ on all of these kinds pass, of which the view tells. With `role_lets` the
    roles of a member must let this permission pass on all of `kind` too. `only_facts` is for
    a view that needs nothing of the resource but its ID and the facts; it can have the rest by another
    statement. A view that is `account_wide` besides acts in the account's name: it takes neither a scoped token nor one
    of a run of another account's Actor, and with an `account_permission` a role of a member that has it.
    """

    kind: Kind | None
    permissions: tuple[Permission, ...]
    or_about_oneself: str | None = None
    oneself_by_default: bool = False
    signed: SignedContent | None = None
    needs_account: bool = False
    lists: Kind | None = None
    only_facts: bool = False
    account_wide: bool = False
    account_permission: AccountPermission | None = None
    reads: tuple[Kind, ...] = ()
    role_lets: Permission | None = None


class Takes(StrEnum):
    """Which tokens are enough for a view that names no resource. A session is enough for all of them.

    PERSON takes none: it is about the person who is signed in, who has to act for their own account.
    """

    PERSON = "no token"
    WHOLE_ACCOUNT = "a token without a scope, and not of a run of another account's Actor"
    SCOPE = "a token whose scope names the permission on all resources of the kind"
    ANY = "any token"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user must be signed in, or there must be a token that the view `takes`; one that does not say fails the check.

    With Takes.SCOPE all that narrows a principal must let `permission` pass on all resources of `kind`, or new ones of
    it be made where the view `creates` one, and READ on all of the kinds in `reads`, of which the view tells. Takes.ANY
    needs a `reason`. With an `account_permission` the role of a member who acts for an organization must have it.
    `runs_too` is for a view that by itself stops those runs of other accounts' Actors that may not do
    what they ask for; `not_for_runs` stops all of these runs. A view that `lists` a kind leaves out what the role of a
    member does not let them read.
    """

    takes: Takes | None = None
    kind: Kind | None = None
    permission: Permission | None = None
    reads: tuple[Kind, ...] = ()
    reason: str = ""
    account_permission: AccountPermission | None = None
    runs_too: bool = False
    not_for_runs: bool = False
    creates: bool = False
    lists: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether it says which tokens the view takes, with all that belongs to that."""
        if self.takes is Takes.SCOPE:
            return self.kind is not None and self.permission is not None
        return self.takes in (Takes.WHOLE_ACCOUNT, Takes.PERSON) or (self.takes is Takes.ANY and bool(self.reason))


@dataclass(frozen=True, slots=True)
class Public:
    """Anyone may come, because `reason`."""

    reason: str


Need = Requires | SignedIn | Public


def needs(
    kind: Kind | None,
    *permissions: Permission,
    or_about_oneself: str | None = None,
    oneself_by_default: bool = False,
    signed: SignedContent | None = None,
    needs_account: bool = False,
    lists: Kind | None = None,
    only_facts: bool = False,
    account_wide: bool = False,
    account_permission: AccountPermission | None = None,
    reads: tuple[Kind, ...] = (),
    role_lets: Permission | None = None,
) -> Callable[[View], View]:
    """Declare that a view needs one of `permissions` on the resource that the URL names.

    The URL pattern captures `address`, or one of the other ways to name a resource
    (`sharing/enforcement/resource_addresses.py`); with a `kind` of None it passes `kind` too, or captures `job`. The
    middleware takes them away and sets `request.resource`, `request.access` and `request.decision`.
    """
    need = Requires(
        kind,
        permissions,
        or_about_oneself,
        oneself_by_default,
        signed,
        needs_account,
        lists,
        only_facts,
        account_wide,
        account_permission,
        reads,
        role_lets,
    )
    return declare({EVERY_METHOD: need})


def account_wide(view: View) -> View:
    """Declare that a view concerns the account itself: it needs a session, or a token that is not narrowed."""
    return declare({EVERY_METHOD: SignedIn(Takes.WHOLE_ACCOUNT)})(view)


def account_wide_for(permission: AccountPermission) -> Callable[[View], View]:
    """Declare the same of a view that takes a permission of the role of a member who acts for an organization."""
    return declare({EVERY_METHOD: SignedIn(Takes.WHOLE_ACCOUNT, account_permission=permission)})


def personal(view: View) -> View:
    """Declare that a view concerns the person who is signed in: their password, email, sessions and preferences."""
    return declare({EVERY_METHOD: SignedIn(Takes.PERSON)})(view)


def signed_in_for(
    kind: Kind,
    permission: Permission,
    *,
    reads: tuple[Kind, ...] = (),
    runs_too: bool = False,
    not_for_runs: bool = False,
) -> Callable[[View], View]:
    """Declare that a view needs a session, or a token that lets `permission` pass on all resources of `kind`.

    It must let READ on all of the kinds in `reads` pass too. A run of another account's Actor is stopped where the kind
    and permission say so, and with `not_for_runs` always; with `runs_too` the view looks by itself.
    """
    need = SignedIn(Takes.SCOPE, kind, permission, reads, runs_too=runs_too, not_for_runs=not_for_runs)
    return declare({EVERY_METHOD: need})


def lists(kind: Kind) -> Callable[[View], View]:
    """Declare that a view lists what the account may read of a kind: a scope must let READ pass on all of it."""
    return declare({EVERY_METHOD: SignedIn(Takes.SCOPE, kind, Permission.READ, lists=True)})


def creates(kind: Kind) -> Callable[[View], View]:
    """Declare that a view makes a resource of `kind` for the account: a scoped token must let it create them."""
    return declare({EVERY_METHOD: SignedIn(Takes.SCOPE, kind, Permission.WRITE, creates=True)})


def any_token(reason: str) -> Callable[[View], View]:
    """Declare that a session or any token is enough for a view, because of `reason`."""
    return declare({EVERY_METHOD: SignedIn(Takes.ANY, reason=reason)})


def public(reason: str) -> Callable[[View], View]:
    """Declare that anyone may come, because of `reason`."""
    return declare({EVERY_METHOD: Public(reason)})


def declare(by_method: Mapping[str, Need]) -> Callable[[View], View]:
    """Attach needs to a view, by HTTP method; EVERY_METHOD stands for those that are not named."""

    def attach(view: View) -> View:
        view.needs = dict(by_method)  # type: ignore[attr-defined]  # functions carry attributes
        return view

    return attach


def declared(view: Callable[..., Any]) -> Mapping[str, Need]:
    """Return the needs that a view declares by HTTP method; an empty mapping for an undeclared one."""
    found: Mapping[str, Need] = getattr(view, "needs", {})
    return found


def requirement_for(view: Callable[..., Any], method: str) -> Need | None:
    """Return what a view needs for a request with `method`; None when it has not declared anything."""
    by_method = declared(view)
    if method == "HEAD" and "HEAD" not in by_method:
        method = "GET"
    return by_method.get(method) or by_method.get(EVERY_METHOD)
