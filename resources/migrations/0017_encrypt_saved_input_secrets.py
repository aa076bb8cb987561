"""Encrypts the secret input fields that tasks and schedules have saved in plain text until now.

The inputs of runs are files: `manage.py encrypt_input_secrets` encrypts those, while everything runs.
"""

from django.db import migrations

from resources.schedules.sealing import seal_saved


def encrypt(apps, schema_editor):
    tasks, schedules = seal_saved(model=apps.get_model)
    left = tasks.left + schedules.left
    if tasks.encrypted or schedules.encrypted or left:
        print(f"\n    Encrypted the secret input fields of {tasks.encrypted} tasks and {schedules.encrypted} schedules.")
    if left:
        print(f"    {left} others could not be encrypted: their input is not a JSON object.")


class Migration(migrations.Migration):
    dependencies = [("resources", "0016_secret_inputs")]

    operations = [migrations.RunPython(encrypt, migrations.RunPython.noop)]
