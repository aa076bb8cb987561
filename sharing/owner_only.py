"""What is the owner's alone: decided in one place, for the account with all that narrows it.

No grant gives it. It takes a principal of the owner whose narrowings all let WRITE on the resource pass, and RUN on its
Actor where it is about the code that runs in the owner's name. A run does none of it, but one of the owner's own Actor
with full permissions, which may do all that its owner may.
"""

from accounts.principal import HeldBackBy, Principal
from resources.kinds import Kind
from resources.models import Resource, Task
from sharing.access import Facts
from sharing.facts import ResourceAddress, fetch, load_facts
from sharing.narrowings.held_back import held_back_by
from sharing.permissions import Permission


def acts_for(principal: Principal, account_id: str) -> bool:
    """Tell whether a principal acts for an account; what narrows it does not count here."""
    return principal.account_id == account_id


def own_task(task: Task | None, *, by: Principal) -> Task | None:
    """Return a task of the principal's own account: what it says counts as said by the caller. None: another's."""
    return task if task is not None and acts_for(by, task.owner_id) else None


def is_owner(principal: Principal, resource: Resource | Facts) -> bool:
    """Tell whether a principal may do with a resource what is its owner's alone.

    Raises:
        LookupError: when the resource is gone.
    """
    return acts_for(principal, resource.owner_id) and held_back_from_owning(principal, resource) is None


def may_choose_code(principal: Principal, resource: Resource | Facts, actor_id: str | None) -> bool:
    """Tell whether a principal may choose the code that a resource of its account runs; `actor_id` is its Actor now.

    Raises:
        LookupError: when the resource is gone.
    """
    return is_owner(principal, resource) and (not principal.is_narrowed or _may_run(principal, actor_id))


def held_back_from_owning(principal: Principal, resource: Resource | Facts) -> HeldBackBy | None:
    """Return the narrowing that keeps the owner from what is the owner's alone; None where none does.

    Raises:
        LookupError: when the resource is gone.
    """
    if not principal.is_narrowed:
        return None
    if principal.run is not None and (principal.run.is_limited or principal.run.is_of_other_account):
        return HeldBackBy.RUN
    facts = resource if isinstance(resource, Facts) else load_facts(resource, principal.account_id)
    return held_back_by(principal, Permission.WRITE, facts)


def _may_run(principal: Principal, actor_id: str | None) -> bool:
    """Tell whether all that narrows a principal lets RUN on an Actor pass; there is nothing to run where it is gone."""
    found = fetch(ResourceAddress(Kind.ACTOR, id=actor_id), principal.account_id, only_facts=True) if actor_id else None
    return found is None or held_back_by(principal, Permission.RUN, found.facts) is None
