"""Changing Actors, where that may give them full permissions: only their owners do, and other accounts are told.

The schedules of other accounts stop then until these approve the Actor: `resources/runs/approvals.py` refuses to start
it.
"""

from collections import defaultdict
from collections.abc import Callable

from django.db import transaction
from msgspec import UNSET

from accounts.deployment import upgrade_notices
from accounts.models import Account
from accounts.principal import Principal
from resources.actors import editing
from resources.actors.fields import ActorChange
from resources.models import Actor, ActorApproval, Schedule, Task
from resources.schedules.actions import get_actions, started_by
from sharing.mail import share_mail
from sharing.policies import actor_levels

NOTICE = "actor-wants-full-permissions"


def update(actor: Actor, change: ActorChange | Callable[[Actor], ActorChange], *, by: Principal) -> None:
    """Change an Actor; what is raised besides is that of `resources.actors.editing.update`.

    Raises:
        ApiError: 403 for a higher permission level, where `by` is not the owner.
    """

    def checked(locked: Actor) -> ActorChange:
        wanted = change(locked) if callable(change) else change
        if wanted.permission_level is not UNSET:
            actor_levels.check_change(locked, wanted.permission_level, by=by)
            raised.append(locked.permission_level is not None and wanted.permission_level is None)
        return wanted

    raised: list[bool] = []
    with transaction.atomic():
        editing.update(actor, checked, by=by)
        if any(raised):
            _tell(actor)


def _tell(actor: Actor) -> None:
    """Tell the accounts whose schedules stop; a notice on the dashboard, and an e-mail."""
    for account, schedules in _stopped(actor).items():
        upgrade_notices.record_again(NOTICE, account.pk, actor=f"{actor.owner.username}/{actor.name}")
        share_mail.email_approval_needed(actor, account, schedules)


def _stopped(actor: Actor) -> dict[Account, list[Schedule]]:
    """Return the enabled schedules of other accounts that start an Actor and whose owners have not approved it."""
    tasks = set(Task.objects.filter(actor_id=actor.pk).values_list("pk", flat=True))
    approved = ActorApproval.objects.filter(actor_id=actor.pk).values("account_id")
    others = Schedule.objects.filter(is_enabled=True, owner__skips_actor_approvals=False, owner__is_active=True)
    found: dict[Account, list[Schedule]] = defaultdict(list)
    others = others.exclude(owner_id=actor.owner_id).exclude(owner_id__in=approved).select_related("owner")
    for schedule in others.iterator():
        if any(id_ == actor.pk or id_ in tasks for _, id_ in map(started_by, get_actions(schedule))):
            found[schedule.owner].append(schedule)
    return found
