"""Approve what runs already: Actors of other accounts that an account ran lately, or that its schedules or tasks name.

Until now every Actor could do in an account what the account can do. The account is told once, and can withdraw each.
"""

import json
from collections import defaultdict
from datetime import timedelta

from django.db import migrations
from django.utils import timezone

KEY = "actors-approved-by-migration"
DAYS = 90
NAMED = 20


def approve(apps, schema_editor):
    """Approve for each account, and leave it a notice."""
    using = apps.get_model("resources", "Resource").objects
    runs, schedules = apps.get_model("resources", "Run").objects, apps.get_model("resources", "Schedule").objects
    wanted = defaultdict(set)
    since = timezone.now() - timedelta(days=DAYS)
    for owner_id, actor_id in using.filter(kind="run", created_at__gt=since).values_list("owner_id", "actor_id").distinct():
        wanted[owner_id].add(actor_id)
    for owner_id, metamorphs in _turned(runs, since):
        wanted[owner_id].update(each.get("actorId") for each in metamorphs)
    for owner_id, actor_id in using.filter(kind="task").values_list("owner_id", "actor_id").distinct():
        wanted[owner_id].add(actor_id)
    actor_of_task = dict(using.filter(kind="task").values_list("id", "actor_id"))
    for owner_id, actions in schedules.values_list("owner_id", "actions").iterator():
        for action in json.loads(actions or "[]"):
            wanted[owner_id].add(action.get("actorId") or actor_of_task.get(action.get("actorTaskId")))
    _save(apps, wanted)


def _turned(runs, since):
    """Yield the owners and metamorphs of runs that were turned into another Actor's, in either way that they began."""
    lately = runs.filter(created_at__gt=since).exclude(metamorphs=[])
    yield from lately.values_list("owner_id", "metamorphs").iterator()


def _save(apps, wanted):
    actors, approvals = apps.get_model("resources", "Actor").objects, apps.get_model("resources", "ActorApproval").objects
    notices = apps.get_model("accounts", "UpgradeNotice").objects
    usernames = dict(apps.get_model("accounts", "Account").objects.values_list("id", "username"))
    known = {id_: (owner_id, name) for id_, owner_id, name in actors.values_list("pk", "owner_id", "name").iterator()}
    model = apps.get_model("resources", "ActorApproval")
    for account_id in sorted(wanted):
        others = sorted(id_ for id_ in wanted[account_id] if id_ in known and known[id_][0] != account_id)
        if not others:
            continue
        approvals.bulk_create(
            [model(account_id=account_id, actor_id=id_, how="MIGRATION") for id_ in others], ignore_conflicts=True
        )
        names = sorted(f"{usernames[known[id_][0]]}/{known[id_][1]}" for id_ in others)
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        details = {"count": len(names), "names": ", ".join(names[:NAMED]) + more}
        notices.get_or_create(key=KEY, account_id=account_id, defaults={"details": details})


class Migration(migrations.Migration):
    dependencies = [("resources", "0037_actor_approvals"), ("accounts", "0019_permission_levels")]

    operations = [migrations.RunPython(approve, migrations.RunPython.noop)]
