"""Encrypts the secret input fields that tasks and schedules have saved in plain text until now.

The inputs of runs are files: `manage.py encrypt_input_secrets` encrypts those, while everything runs.
"""

from django.db import migrations

from resources.schedules.sealing import encrypt_saved_inputs


def encrypt(apps, schema_editor):
    tasks, schedules = encrypt_saved_inputs(model=apps.get_model)
    left = tasks.left + schedules.left
    tell(apps, tasks.owners | schedules.owners)
    if tasks.encrypted or schedules.encrypted or left:
        print(f"\n    Encrypted the secret input fields of {tasks.encrypted} tasks and {schedules.encrypted} schedules.")
    if left:
        print(f"    {left} others could not be encrypted: their input is not a JSON object.")


def tell(apps, owners):
    notices = apps.get_model("accounts", "UpgradeNotice").objects
    for owner in sorted(owners):
        notices.get_or_create(key="saved-secret-inputs", account_id=owner)
    builds = apps.get_model("resources", "Build").objects.filter(content__input_schema__contains="isSecret")
    actors = builds.exclude(runs=None).values_list("actor_id", flat=True).distinct().order_by()
    if actors:
        notices.get_or_create(
            key="secret-inputs-of-runs", account_id="", defaults={"details": {"actors": len(actors)}}
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_listening_addresses_and_upgrade_notices"),
        ("resources", "0016_secret_inputs"),
    ]

    operations = [migrations.RunPython(encrypt, migrations.RunPython.noop)]
