"""Runs and builds that were there before anything could run: they are over, or they would wait for a worker for ever."""

from django.db import migrations


def close(apps, schema_editor):
    for name in ("Run", "Build"):
        model = apps.get_model("resources", name)
        waiting = model.objects.filter(status="READY", started_at=None)
        for id_, created_at in list(waiting.values_list("pk", "created_at")):
            model.objects.filter(pk=id_).update(status="SUCCEEDED", started_at=created_at, finished_at=created_at)


class Migration(migrations.Migration):
    dependencies = [("resources", "0008_scope_of_schedules")]

    operations = [migrations.RunPython(close, migrations.RunPython.noop)]
