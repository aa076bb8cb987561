"""Encrypts the secrets of second factors, and keeps a digest of each session's key in place of the key.

Sessions go on; those that have expired are deleted. They end when this is taken back: a key cannot be had from its
digest.
"""

from django.db import migrations
from django.db.models import Case, CharField, Value, When
from django.db.models.functions import Length
from django.utils import timezone

from accounts.lib.encryption import decrypt, encrypt
from accounts.sign_in.session_store import stored_key

KEY_LENGTH = 32  # of what Django makes; a digest has 40 characters
AT_ONCE = 200


def _change_factors(apps, change):
    rows = apps.get_model("mfa", "Authenticator").objects.filter(type__in=("totp", "recovery_codes"))
    for factor in rows.iterator():
        data = {**factor.data, **{name: change(factor.data[name]) for name in ("secret", "seed") if name in factor.data}}
        if data.get("migrated_codes") is not None:
            data["migrated_codes"] = [change(code) for code in data["migrated_codes"]]
        rows.filter(pk=factor.pk).update(data=data)


def close(apps, schema_editor):
    _change_factors(apps, encrypt)
    sessions, of_users = apps.get_model("sessions", "Session").objects, apps.get_model("usersessions", "UserSession").objects
    expired = sessions.filter(expire_date__lte=timezone.now())
    of_users.filter(session_key__in=expired.values("session_key")).delete()
    expired.delete()
    for rows in (sessions, of_users):
        _keep_digests(rows)


def _keep_digests(rows):
    plain = rows.alias(length=Length("session_key")).filter(length=KEY_LENGTH).order_by("session_key")
    last = ""
    while keys := list(plain.filter(session_key__gt=last).values_list("session_key", flat=True)[:AT_ONCE]):
        digests = [When(session_key=key, then=Value(str(stored_key(key)))) for key in keys]
        rows.filter(session_key__in=keys).update(session_key=Case(*digests, output_field=CharField()))
        last = keys[-1]


def open_again(apps, schema_editor):
    _change_factors(apps, decrypt)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_link_keys_of_holders"),
        ("mfa", "0003_authenticator_type_uniq"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [migrations.RunPython(close, open_again)]
