"""Keep the signing key of before where only the owner of a storage ever held WRITE, and end it elsewhere.

Until now all who held WRITE on a storage had the same key. Where another account ever held WRITE, it may still have
that key: there it ends, and with it what clients have signed. Elsewhere the key stays the owner's.
Registered links go on everywhere, for they are recognized by their digest.
"""

from collections import defaultdict
from collections.abc import Iterator

from django.db import migrations
from django.db.models import F
from django.utils import timezone

STORAGES = ("dataset", "keyValueStore", "requestQueue")
WRITE = 2
ACTIONS = ("grant.created", "grant.changed", "grant.revoked")
AT_ONCE = 500
NAMED = 10
KEY, KEY_OF_ADMINISTRATOR = "link-keys", "link-keys-of-accounts"


def keep_or_end(apps, schema_editor):
    """Give every owner its old keys, but for the storages that others could write, and tell who is concerned."""
    account, resource = apps.get_model("accounts", "Account"), apps.get_model("resources", "Resource")
    ended_key = apps.get_model("sharing", "EndedOldKey")
    account.objects.update(old_link_keys_until=timezone.now())
    of_owner = defaultdict(list)
    ids = sorted(set(_written_by_others(apps)))
    for at in range(0, len(ids), AT_ONCE):
        ended = resource.objects.filter(pk__in=ids[at : at + AT_ONCE], kind__in=STORAGES)
        for owner_id, id_, name in ended.values_list("owner_id", "pk", "name").order_by("created_at", "pk"):
            of_owner[owner_id].append(name or id_)
        ended_key.objects.bulk_create([ended_key(resource_id=id_) for id_ in ended.values_list("pk", flat=True)])
    _tell(apps.get_model("accounts", "UpgradeNotice"), of_owner)


def _written_by_others(apps) -> Iterator[str]:
    """Give the IDs of the storages on which another account than the owner has WRITE, or had it by the audit trail."""
    grants = apps.get_model("sharing", "Grant").objects.filter(resource_kind__in=STORAGES, source="DIRECT")
    writing = grants.alias(writes=F("permissions").bitand(WRITE)).filter(writes=WRITE)
    yield from writing.values_list("resource_id", flat=True).iterator()
    trail = apps.get_model("accounts", "AuditEvent").objects.filter(action__in=ACTIONS, subject_kind__in=STORAGES)
    for id_, details in trail.values_list("subject_id", "details").iterator():
        if "WRITE" in [*(details.get("before") or ()), *(details.get("after") or ())]:
            yield id_


def _tell(notices, of_owner) -> None:
    for owner_id, names in of_owner.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        details = {"count": len(names), "names": ", ".join(names[:NAMED]) + more}
        notices.objects.get_or_create(key=KEY, account_id=owner_id, defaults={"details": details})
    if of_owner:
        details = {"storages": sum(map(len, of_owner.values())), "accounts": len(of_owner)}
        notices.objects.get_or_create(key=KEY_OF_ADMINISTRATOR, account_id="", defaults={"details": details})


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0009_link_keys_of_holders"),
        ("resources", "0015_lists_of_what_has_a_name"),
        ("sharing", "0004_link_keys_of_holders"),
    ]

    operations = [migrations.RunPython(keep_or_end, migrations.RunPython.noop)]
