"""The model of how many runs there are has a plain name; its table keeps the one that triggers write it by."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("resources", "0025_paths_of_queued_tasks")]

    operations = [
        migrations.AlterModelTable(name="runtally", table="resources_runtally"),
        migrations.RenameModel(old_name="RunTally", new_name="RunCount"),
    ]
