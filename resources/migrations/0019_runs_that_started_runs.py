"""Runs remember the run that started them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("resources", "0018_tokens_that_started_runs")]

    operations = [
        # Without a default: SQLite would write the table anew, and the triggers of 0010 would go with the old one.
        migrations.AddField(
            model_name="run",
            name="started_by_run",
            field=models.CharField(blank=True, max_length=17, null=True),
        ),
    ]
