"""What a view needs, declared where the view is written and enforced by the middleware.

A view says one of three things: it needs a permission on the resource that the URL names, it needs somebody to
be signed in, or it is public, for a reason. A view that says nothing is refused.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from resources.kinds import Kind
from sharing.permissions import Permission
from sharing.signatures import Opens

View = TypeVar("View", bound=Callable[..., Any])
EVERY_METHOD = "*"


@dataclass(frozen=True, slots=True)
class Needs:
    """One of `permissions` on the resource that the URL names.

    A `kind` of None means that the URL pattern says which. Where `or_about_oneself` names an argument of the
    URL or its query, READ is enough if that argument is the principal's own account, and with
    `oneself_by_default` also if it is not given. Only a view that reads the argument from nowhere else may say so.
    `signed` is what a pre-signed URL must be for to open this view; None: no signature opens it. With `by_somebody`
    there must besides be somebody: a view that leaves something behind in a person's name. A view that `lists` what
    somebody may read of a kind takes a scoped token only if it names READ on all of that kind. `only_facts` is for
    a view that needs nothing of the resource but its ID and the facts; it can have the rest by another statement.
    """

    kind: Kind | None
    permissions: tuple[Permission, ...]
    or_about_oneself: str | None = None
    oneself_by_default: bool = False
    signed: Opens | None = None
    by_somebody: bool = False
    lists: Kind | None = None
    only_facts: bool = False


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Somebody must be signed in, or the token must be valid.

    A scoped token must besides name `permission` on all resources of `kind`, where these are given, and READ on all of
    the kinds in `reads`, of which the view tells.
    """

    kind: Kind | None = None
    permission: Permission | None = None
    reads: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class Public:
    """Anybody may come, because `reason`."""

    reason: str


Need = Needs | SignedIn | Public


def needs(
    kind: Kind | None,
    *permissions: Permission,
    or_about_oneself: str | None = None,
    oneself_by_default: bool = False,
    signed: Opens | None = None,
    by_somebody: bool = False,
    lists: Kind | None = None,
    only_facts: bool = False,
) -> Callable[[View], View]:
    """Declare that a view needs one of `permissions` on the resource that the URL names.

    The URL pattern captures `address`, or one of the other ways to name a resource (`sharing/addresses.py`); with a
    `kind` of None it passes `kind` too, or captures `job`. The middleware takes them away and sets `request.resource`,
    `request.access` and `request.decision`.
    """
    need = Needs(kind, permissions, or_about_oneself, oneself_by_default, signed, by_somebody, lists, only_facts)
    return declare({EVERY_METHOD: need})


def signed_in(view: View) -> View:
    """Declare that a view needs somebody, and no resource."""
    return declare({EVERY_METHOD: SignedIn()})(view)


def signed_in_for(kind: Kind, permission: Permission, *, reads: tuple[Kind, ...] = ()) -> Callable[[View], View]:
    """Declare that a view needs somebody whose scope names `permission` on all resources of `kind`.

    It must name READ on all of the kinds in `reads` too.
    """
    return declare({EVERY_METHOD: SignedIn(kind, permission, reads)})


def public(reason: str) -> Callable[[View], View]:
    """Declare that anybody may come, because of `reason`."""
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


def need_of(view: Callable[..., Any], method: str) -> Need | None:
    """Return what a view needs for a request with `method`; None when it has not declared anything."""
    by_method = declared(view)
    if method == "HEAD" and "HEAD" not in by_method:
        method = "GET"
    return by_method.get(method) or by_method.get(EVERY_METHOD)
