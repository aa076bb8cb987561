"""Clears the permission levels that no run can have from saved Actors, tasks and schedules, and tells their owners.

The API used to keep any level and give it back, while every run had full permissions.
"""

from collections import Counter, defaultdict

import msgspec
from django.db import migrations

EXISTS = b'"FULL_PERMISSIONS"'
LEVELS = ("actorPermissionLevel", "forcePermissionLevel")
MOST_NAMES = 20


def clear(apps, schema_editor):
    cleared = defaultdict(lambda: defaultdict(list))
    for model, field, without in (
        ("Actor", "details", without_levels),
        ("Task", "options", without_levels),
        ("Schedule", "actions", actions_without_levels),
    ):
        objects = apps.get_model("resources", model).objects
        for row in objects.filter(**{f"{field}__contains": "ermissionLevel"}).order_by("created_at").iterator(500):
            text = without(getattr(row, field))
            if text is not None:
                objects.filter(pk=row.pk).update(**{field: text})
                cleared[row.owner_id][model].append(row.name or row.pk)
    tell(apps, cleared)


def without_levels(text):
    """Return a JSON object without the levels that do not exist; None if it has none of them."""
    found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    kept = {name: value for name, value in found.items() if name not in LEVELS or bytes(value) in (b"null", EXISTS)}
    return msgspec.json.encode(kept).decode() if len(kept) < len(found) else None


def actions_without_levels(text):
    """Return the actions of a schedule without the levels that do not exist; None if they have none of them."""
    actions = msgspec.json.decode(text, type=list[dict[str, msgspec.Raw]])
    changed = False
    for action in actions:
        options = bytes(action.get("runOptions", b"null"))
        without = None if options == b"null" else without_levels(options)
        if without is not None:
            action["runOptions"] = msgspec.Raw(without.encode())
            changed = True
    return msgspec.json.encode(actions).decode() if changed else None


def tell(apps, cleared):
    notices = apps.get_model("accounts", "UpgradeNotice").objects
    counts = Counter()
    for owner_id, by_model in sorted(cleared.items()):
        names = "; ".join(f"{model}s: {listed(of_model)}" for model, of_model in by_model.items())
        notices.get_or_create(key="permission-levels", account_id=owner_id, defaults={"details": {"names": names}})
        counts.update({model: len(of_model) for model, of_model in by_model.items()})
    if counts:
        details = {
            "actors": counts["Actor"],
            "tasks": counts["Task"],
            "schedules": counts["Schedule"],
            "accounts": len(cleared),
        }
        notices.get_or_create(key="permission-levels-of-accounts", account_id="", defaults={"details": details})


def listed(names):
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_listening_addresses_and_upgrade_notices"),
        ("resources", "0022_encrypt_at_rest"),
    ]

    operations = [migrations.RunPython(clear, migrations.RunPython.noop)]
