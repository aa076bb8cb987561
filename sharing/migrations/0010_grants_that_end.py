"""Grants may end: all that there are go on without an end. The indexes that are read alone get the column too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("sharing", "0009_secrets_of_registered_links")]

    operations = [
        migrations.RemoveIndex(model_name="grant", name="grant_lookup"),
        migrations.RemoveIndex(model_name="grant", name="grant_listing_of_kind"),
        migrations.RemoveIndex(model_name="grant", name="grant_listing_of_all"),
        migrations.AddField(
            model_name="grant",
            name="expires_at",
            field=models.DateTimeField(blank=True, help_text="Null: it has no end.", null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="end_recorded_at",
            field=models.DateTimeField(editable=False, help_text="When its end came into the trail.", null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="notice_sent_at",
            field=models.DateTimeField(editable=False, help_text="When its end was announced.", null=True),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                fields=["resource", "account", "source", "permissions", "expires_at"], name="grant_lookup"
            ),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                fields=[
                    "account",
                    "resource_kind",
                    "resource_created_at",
                    "resource",
                    "source",
                    "permissions",
                    "expires_at",
                ],
                name="grant_listing_of_kind",
            ),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                fields=["account", "source", "resource_created_at", "resource", "resource_kind", "expires_at"],
                name="grant_listing_of_all",
            ),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                condition=models.Q(("expires_at__isnull", False)),
                fields=["end_recorded_at", "expires_at"],
                name="grant_ending",
            ),
        ),
    ]
