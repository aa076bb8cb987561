"""Creating takes CREATE from now on: what runs and schedules keep of scopes gets it where it has WRITE on a kind."""

from django.db import migrations

from accounts.lib.stored_scopes import with_create

MODELS = ("Run", "Schedule")


def add_create(apps, schema_editor):
    """Add CREATE to each entry with WRITE on all of a kind."""
    for name in MODELS:
        kept = apps.get_model("resources", name).objects.filter(token_scope__isnull=False)
        for pk, scope in kept.values_list("pk", "token_scope").iterator():
            kept.filter(pk=pk).update(token_scope=with_create(scope))


class Migration(migrations.Migration):
    dependencies = [("resources", "0034_principals"), ("accounts", "0017_create_in_scopes")]

    operations = [migrations.RunPython(add_create, migrations.RunPython.noop)]
