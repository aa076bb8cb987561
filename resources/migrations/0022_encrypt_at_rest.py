"""Encrypts source URLs, which may hold passwords, and the header templates of webhooks, which may hold tokens."""

import msgspec
from django.db import migrations, models
from django.db.models import Q

import accounts.encrypted_text
from accounts.encryption import decrypt, encrypt


def _each(apps, change):
    for name, column in (("ActorVersion", "source_url"), ("Webhook", "headers_template")):
        rows = apps.get_model("resources", name).objects
        for pk, text in list(rows.exclude(**{column: ""}).values_list("pk", column)):
            rows.filter(pk=pk).update(**{column: change(text)})
    contents = apps.get_model("resources", "BuildContent").objects
    without = Q(source__contains='"sourceUrl":""') | Q(source__contains='"sourceUrl": ""') | Q(source="{}")
    for pk in list(contents.exclude(without).values_list("pk", flat=True)):
        kept = msgspec.json.decode(contents.values_list("source", flat=True).get(pk=pk))
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
            "actorversion", "source_url", accounts.encrypted_text.EncryptedTextField(blank=True, default="")
        ),
        migrations.AlterField(
            "webhook", "headers_template", accounts.encrypted_text.EncryptedTextField(blank=True, default="")
        ),
    ]
