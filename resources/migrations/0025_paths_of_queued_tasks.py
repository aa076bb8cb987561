"""What is queued is executed by tasks that are in another module now; a row of the queue names its task by its path."""

from django.db import migrations
from django.db.models import F, Value
from django.db.models.functions import Replace

BEFORE, NOW = "resources.work.tasks.", "resources.worker.tasks."


def rename(apps, old, new):
    tasks = apps.get_model("django_tasks_database", "DBTaskResult").objects.filter(task_path__startswith=old)
    tasks.update(task_path=Replace(F("task_path"), Value(old), Value(new)))


def name_as_now(apps, schema_editor):
    rename(apps, BEFORE, NOW)


def name_as_before(apps, schema_editor):
    rename(apps, NOW, BEFORE)


class Migration(migrations.Migration):

    dependencies = [
        ("resources", "0024_targets_of_schedule_logs"),
        ("django_tasks_database", "0001_initial"),
    ]

    operations = [migrations.RunPython(name_as_now, name_as_before)]
