"""The key pairs that secret input fields are encrypted with."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("resources", "0015_lists_of_what_has_a_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="InputKeyPair",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("private_key", models.TextField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "account",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "actor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="+", to="resources.actor"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("account", "actor"), name="input_key_pair_unique")],
            },
        ),
    ]
