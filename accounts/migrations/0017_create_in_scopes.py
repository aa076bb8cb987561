"""Creating takes CREATE from now on: tokens whose scope has WRITE on a kind get it, so that they do what they did."""

from django.db import migrations

from accounts.lib.stored_scopes import with_create


def add_create(apps, schema_editor):
    """Add CREATE to each entry with WRITE on all of a kind."""
    tokens = apps.get_model("accounts", "ApiToken").objects.filter(scope__isnull=False)
    for pk, scope in tokens.values_list("pk", "scope").iterator():
        tokens.filter(pk=pk).update(scope=with_create(scope))


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_principals")]

    operations = [migrations.RunPython(add_create, migrations.RunPython.noop)]
