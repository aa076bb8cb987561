"""What else is measured of runs, null in those from before, so that no table is made anew; and new origins of jobs."""

from django.db import migrations, models


ORIGINS = [
    ("WEB", "Console"),
    ("API", "API"),
    ("SCHEDULER", "Schedule"),
    ("WEBHOOK", "Webhook"),
    ("ACTOR", "Another Actor"),
    ("CLI", "Command line"),
    ("CI", "Continuous integration"),
    ("MCP", "MCP server"),
    ("APIFY_AI", "AI agent"),
    ("DEVELOPMENT", "Development"),
    ("TEST", "Test"),
]


def _origin():
    return models.CharField(max_length=20, choices=ORIGINS, default="API")


class Migration(migrations.Migration):
    dependencies = [("resources", "0027_names_of_actors")]

    operations = [
        migrations.AddField("run", "memory_current_bytes", models.PositiveBigIntegerField(null=True, blank=True)),
        migrations.AddField("run", "cpu_max_percent", models.FloatField(null=True, blank=True)),
        migrations.AddField("run", "cpu_current_percent", models.FloatField(null=True, blank=True)),
        migrations.AddField("run", "received_bytes", models.PositiveBigIntegerField(null=True, blank=True)),
        migrations.AddField("run", "sent_bytes", models.PositiveBigIntegerField(null=True, blank=True)),
        # In name only: databases know nothing of choices.
        migrations.AlterField("build", "origin", _origin()),
        migrations.AlterField("run", "origin", _origin()),
    ]
