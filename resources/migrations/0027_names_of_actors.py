"""Make names of Actors unique regardless of case.

Of those that an account has several times but for their case, the oldest keeps the name, and the others are given a
number; the owner and the administrator are told.
"""

from collections import defaultdict
from typing import Any

import django.db.models.functions.text
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.models import Count
from django.db.models.functions import Lower

LONGEST = 63
SHOWN = 20


def rename(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    actors = apps.get_model("resources", "Resource").objects.filter(kind="actor", name__isnull=False)
    named = actors.annotate(lowered=Lower("name"))
    renamed: dict[str, list[str]] = defaultdict(list)
    several = named.order_by().values("owner_id", "lowered").annotate(times=Count("pk")).filter(times__gt=1)
    for owner_id, lowered in list(several.values_list("owner_id", "lowered")):
        alike = named.filter(owner_id=owner_id, lowered=lowered).order_by("created_at", "pk")
        for actor in list(alike)[1:]:
            name = _free_name(named.filter(owner_id=owner_id), actor.name)
            renamed[owner_id].append(f"{actor.name} (ID {actor.pk}) is now {name}")
            actors.filter(pk=actor.pk).update(name=name)
    notices = apps.get_model("accounts", "UpgradeNotice").objects
    for owner_id, lines in renamed.items():
        more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
        details = {"names": "; ".join([*sorted(lines)[:SHOWN], *more])}
        notices.create(key="names-of-actors", account_id=owner_id, details=details)
    if renamed:
        details = {"actors": sum(map(len, renamed.values())), "accounts": len(renamed)}
        notices.create(key="names-of-actors-of-accounts", account_id="", details=details)


def _free_name(named: Any, name: str) -> str:
    number = 2
    while True:
        end = f"-{number}"
        wanted = name[: LONGEST - len(end)].rstrip("-") + end
        if not named.filter(lowered=wanted.lower()).exists():
            return wanted
        number += 1


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_listening_addresses_and_upgrade_notices"),
        ("resources", "0026_run_count"),
    ]

    operations = [
        migrations.RunPython(rename, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="resource",
            constraint=models.UniqueConstraint(
                models.F("owner"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("kind", "actor")),
                name="actor_name_unique",
            ),
        ),
    ]
