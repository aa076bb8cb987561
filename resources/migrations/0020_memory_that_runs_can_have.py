"""Rounds up the default memory of Actors that no run can have: the API used to take numbers between the powers of 2."""

from django.db import migrations

MOST = 32_768


def round_up(apps, schema_editor):
    actors = apps.get_model("resources", "Actor").objects
    for memory in list(actors.order_by().values_list("default_memory_mbytes", flat=True).distinct()):
        possible = min(MOST, max(128, 1 << (memory - 1).bit_length())) if memory else 128
        if possible != memory:
            actors.filter(default_memory_mbytes=memory).update(default_memory_mbytes=possible)


class Migration(migrations.Migration):
    dependencies = [("resources", "0019_runs_that_started_runs")]

    operations = [migrations.RunPython(round_up, migrations.RunPython.noop)]
