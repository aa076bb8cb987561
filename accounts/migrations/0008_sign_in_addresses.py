"""Keep the addresses that users have signed in from, first of all those of their sessions."""

import django.db.models.deletion
from allauth.core.internal.ratelimit import truncate_ip
from django.apps.registry import Apps
from django.conf import settings
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def take_from_sessions(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    SignInAddress = apps.get_model("accounts", "SignInAddress")
    rows = apps.get_model("usersessions", "UserSession").objects.values_list("user_id", "ip", "last_seen_at")
    newest: dict[tuple[str, str], object] = {}
    for account_id, address, seen_at in rows.order_by("last_seen_at").iterator():
        newest[account_id, truncate_ip(address)] = seen_at
    SignInAddress.objects.bulk_create(
        [
            SignInAddress(account_id=account_id, address=address, last_at=seen_at)
            for (account_id, address), seen_at in newest.items()
        ],
        batch_size=500,
    )


def tell_of_cookies(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if settings.SERVED_OVER_TLS and apps.get_model("sessions", "Session").objects.exists():
        apps.get_model("accounts", "UpgradeNotice").objects.create(key="cookies-renamed", account_id="", details={})


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0007_invitations"),
        ("sessions", "0001_initial"),
        ("usersessions", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="SignInAddress",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("address", models.CharField(help_text="An IPv4 address, or the network of an IPv6 address.", max_length=45)),
                ("last_at", models.DateTimeField()),
                ("account", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="sign_in_addresses", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [models.UniqueConstraint(models.F("account"), models.F("address"), name="sign_in_address_unique")],
            },
        ),
        migrations.RunPython(take_from_sessions, migrations.RunPython.noop),
        migrations.RunPython(tell_of_cookies, migrations.RunPython.noop),
    ]
