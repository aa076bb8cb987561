"""Encrypts source URLs, which may hold passwords, and the header templates of webhooks, which may hold tokens."""

import msgspec
from django.db import migrations, models
from django.db.models import Q

import accounts.lib.encrypted_text
from accounts.lib.encryption import decrypt, encrypt

AT_ONCE = 20


def _values(rows, column):
    """Give the primary key and the value of each row, some rows at a time: together they may be larger than memory."""
    rows = rows.order_by("pk").values_list("pk", column)
    batch = list(rows[:AT_ONCE])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:AT_ONCE])


def _each(apps, change):
    for name, column in (("ActorVersion", "source_url"), ("Webhook", "headers_template")):
        rows = apps.get_model("resources", name).objects
        for pk, text in _values(rows.exclude(**{column: ""}), column):
            rows.filter(pk=pk).update(**{column: change(text)})
    contents = apps.get_model("resources", "BuildContent").objects
    without = Q(source__contains='"sourceUrl":""') | Q(source__contains='"sourceUrl": ""') | Q(source="{}")
    for pk, text in _values(contents.exclude(without), "source"):
        kept = msgspec.json.decode(text)
        if kept.get("sourceUrl"):
            kept["sourceUrl"] = change(kept["sourceUrl"])
            contents.filter(pk=pk).update(source=msgspec.json.encode(kept).decode())


def encrypt_all(apps, schema_editor):
    _each(apps, encrypt)


def decrypt_all(apps, schema_editor):
    _each(apps, decrypt)


class Migration(migrations.Migration):
    dependencies = [("resources", "0021_discarded_files")]

    operations = [
        # First there must be room, and last the columns become ones that decrypt what is read.
        migrations.AlterField("actorversion", "source_url", models.TextField(blank=True, default="")),
        migrations.RunPython(encrypt_all, decrypt_all),
        migrations.AlterField(
            "actorversion", "source_url", accounts.lib.encrypted_text.EncryptedTextField(blank=True, default="")
        ),
        migrations.AlterField(
            "webhook", "headers_template", accounts.lib.encrypted_text.EncryptedTextField(blank=True, default="")
        ),
    ]
