"""Which narrowing of a principal says no: the first one, in the order of role, scope and run."""

from dataclasses import replace

from accounts.principal import HeldBackBy, Principal
from resources.kinds import Kind
from sharing.narrowings import role, run, scope
from sharing.narrowings.subject import Subject
from sharing.permissions import Permission


def held_back_by(principal: Principal, permission: Permission, subject: Subject) -> HeldBackBy | None:
    """Return the first narrowing that does not let one permission on a resource pass; None where all do."""
    if not principal.is_narrowed:  # the most common, and this is asked in every decision
        return None
    own = principal.run
    # Roles and scopes of the principal that started a run do not narrow what belongs to the run.
    if own is None or not run.belongs_to_run(own, permission, subject):
        if not all(role.lets(each, permission, subject) for each in principal.roles):
            return HeldBackBy.ROLE
        if not all(scope.lets(each, permission, subject) for each in principal.scopes):
            return HeldBackBy.SCOPE
    if own is not None and not run.lets(own, principal.account_id or "", permission, subject):
        return HeldBackBy.RUN
    return None


def held_back_from_all(principal: Principal, permission: Permission, kind: Kind) -> HeldBackBy | None:
    """Return the first narrowing that does not let one permission pass on every resource of a kind."""
    if not all(role.lets_all(each, permission, kind) for each in principal.roles):
        return HeldBackBy.ROLE
    if not all(scope.lets_all(each, permission, kind) for each in principal.scopes):
        return HeldBackBy.SCOPE
    if principal.run is not None and not run.lets_all(principal.run, permission):
        return HeldBackBy.RUN
    return None


def without_roles(principal: Principal) -> Principal:
    """Return a principal as it is apart from the roles that narrow it."""
    own = principal.run
    starters = tuple(replace(each, role=None) for each in own.starters) if own else ()
    return replace(principal, role=None, run=replace(own, starters=starters) if own else None)


def held_back_from_creating(principal: Principal, kind: Kind) -> HeldBackBy | None:
    """Return the first narrowing that does not let the principal create a resource of a kind; None where all do."""
    if not all(role.lets_all(each, Permission.WRITE, kind) for each in principal.roles):
        return HeldBackBy.ROLE
    if not all(each.allows_create(kind) for each in principal.scopes):
        return HeldBackBy.SCOPE
    if principal.run is not None and not run.lets_create(principal.run, kind):
        return HeldBackBy.RUN
    return None
