"""What a scoped token needs for what starts runs: RUN on the Actor.

A task, a schedule and a webhook go on when the token has left them, so that WRITE on them alone would start, or listen
to, what the scope does not name.
"""

from collections.abc import Iterable

from accounts.principal import HeldBackBy, Principal
from resources.kinds import Kind
from resources.models import Schedule, Task
from resources.schedules.actions import RunActor, get_actions
from sharing.enforcement.explanations import explain, explanation_data
from sharing.enforcement.refusals import insufficient_permissions
from sharing.facts import ResourceAddress, fetch
from sharing.narrowings import scope
from sharing.permissions import Permission


def check_may_run(principal: Principal, actor_id: str | None) -> None:
    """Check that every scope of a principal lets RUN on an Actor pass; one that is gone needs nothing.

    Raises:
        ApiError: 403 that says what holds it back.
    """
    _check(principal, Permission.RUN, Kind.ACTOR, [actor_id])


def check_may_start(principal: Principal, schedule: Schedule) -> None:
    """Check that every scope of a principal lets it start all that a schedule starts.

    Raises:
        ApiError: 403 that says what holds it back.
    """
    if not principal.scopes:
        return
    actions = get_actions(schedule)
    actors = {each.actor_id for each in actions if isinstance(each, RunActor)}
    tasks = {each.actor_task_id for each in actions if not isinstance(each, RunActor)}
    _check(principal, Permission.READ, Kind.TASK, sorted(tasks))
    actors |= set(Task.objects.filter(pk__in=tasks).values_list("actor_id", flat=True))
    _check(principal, Permission.RUN, Kind.ACTOR, sorted(filter(None, actors)))


def _check(principal: Principal, permission: Permission, kind: Kind, ids: Iterable[str | None]) -> None:
    if not principal.scopes:
        return
    for id_ in filter(None, ids):
        found = fetch(ResourceAddress(kind, id=id_), principal.account_id, only_facts=True)
        if found is None or all(scope.lets(each, permission, found.facts) for each in principal.scopes):
            continue
        why = explain(principal, HeldBackBy.SCOPE, permission, kind, id_)
        raise insufficient_permissions(kind, permission, why, explanation_data(HeldBackBy.SCOPE, permission, kind))
