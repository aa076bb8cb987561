"""The decision for many Actors, tasks and schedules at once, whose rows are at hand: in one query at most."""

from collections.abc import Iterable

from accounts.principal import Principal
from resources import permission_levels
from resources.kinds import KINDS, Kind
from resources.models import Actor, Resource
from sharing.access import Facts, Parent, decide
from sharing.grant_ends import counts
from sharing.models import Grant
from sharing.permissions import NOTHING, Permission


def ids_allowed(resources: Iterable[Resource], principal: Principal, permission: Permission) -> set[str]:
    """Return the IDs of those resources that `principal` may do `permission` with.

    They are of kinds without general access and without a run: all that the decision needs besides their rows are the
    direct grants on them. These are fetched only for what is not allowed without one.

    Raises:
        ValueError: for a resource of another kind.
    """
    by_id = {each.pk: each for each in resources}
    found = {id_ for id_, each in by_id.items() if decide(principal, _facts(each, NOTHING), permission).allowed}
    others = by_id.keys() - found
    if not others or principal.is_anonymous:
        return found
    grants = Grant.objects.filter(
        counts(), account_id=principal.account_id, source=Grant.Source.DIRECT, resource_id__in=others
    ).values_list("resource_id", "permissions")
    return found | {
        id_ for id_, granted in grants if decide(principal, _facts(by_id[id_], Permission(granted)), permission).allowed
    }


def is_allowed_on_parent(kind: Kind, parent: Parent, principal: Principal, permission: Permission) -> bool:
    """Tell whether `principal` may do `permission` with the Actor or task that a build or run belongs to.

    It asks the database nothing: `parent` comes with the facts that were fetched for the principal's account.
    """
    facts = Facts(
        id=parent.id,
        kind=kind,
        owner_id=parent.owner_id,
        owner_general_access="",
        is_public=parent.is_public,
        granted=parent.granted,
        created_by_token=parent.created_by_token,
        is_limited=parent.is_limited,
    )
    return decide(principal, facts, permission).allowed


def _facts(resource: Resource, granted: Permission) -> Facts:
    kind = Kind(resource.kind)
    if KINDS[kind].general_access:
        raise ValueError(f"The decision about a {KINDS[kind].noun} needs more than its row.")
    return Facts(
        id=resource.pk,
        kind=kind,
        owner_id=resource.owner_id,
        owner_general_access="",  # it means nothing to these kinds
        name=resource.name,
        is_public=resource.is_public,
        granted=granted,
        created_by_token=resource.created_by_token,
        is_limited=isinstance(resource, Actor) and resource.permission_level == permission_levels.LIMITED,
    )
