"""Encrypts the secrets of second factors, and keeps a digest of each session's key in place of the key.

Sessions go on. They end when this is taken back: a key cannot be had from its digest.
"""

from django.db import migrations

from accounts.encryption import decrypt, encrypt
from accounts.session_store import stored_key

KEY_LENGTH = 32  # of what Django makes; a digest has 40 characters


def _change_factors(apps, change):
    rows = apps.get_model("mfa", "Authenticator").objects.filter(type__in=("totp", "recovery_codes"))
    for factor in rows.iterator():
        data = {**factor.data, **{name: change(factor.data[name]) for name in ("secret", "seed") if name in factor.data}}
        if data.get("migrated_codes") is not None:
            data["migrated_codes"] = [change(code) for code in data["migrated_codes"]]
        rows.filter(pk=factor.pk).update(data=data)


def close(apps, schema_editor):
    _change_factors(apps, encrypt)
    for app, model in (("sessions", "Session"), ("usersessions", "UserSession")):
        rows = apps.get_model(app, model).objects
        for key in list(rows.values_list("session_key", flat=True)):
            if len(key) == KEY_LENGTH:
                rows.filter(session_key=key).update(session_key=str(stored_key(key)))


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
