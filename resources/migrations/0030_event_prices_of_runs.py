"""The prices of the events that a run can charge for; null in those from before, which charge as they did."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("resources", "0029_migration_count")]

    operations = [migrations.AddField("run", "event_prices", models.JSONField(null=True, blank=True))]
