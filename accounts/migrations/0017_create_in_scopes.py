"""Creating takes CREATE from now on: tokens whose scope has WRITE on a kind get it, so that they do what they did."""

from django.db import migrations


def add_create(apps, schema_editor):
    """Add CREATE to each entry with WRITE on all of a kind."""
    tokens = apps.get_model("accounts", "ApiToken").objects.filter(scope__isnull=False)
    for pk, scope in tokens.values_list("pk", "scope").iterator():
        if any(creates(entry) for entry in scope):
            tokens.filter(pk=pk).update(scope=[with_create(entry) for entry in scope])


def creates(entry):
    """Tell whether an entry of a scope let resources of its kind be created so far."""
    return "WRITE" in entry["permissions"] and entry.get("resourceId") is None


def with_create(entry):
    """Return an entry with CREATE where it let resources of its kind be created so far."""
    if not creates(entry) or "CREATE" in entry["permissions"]:
        return entry
    return {**entry, "permissions": [*entry["permissions"], "CREATE"]}


class Migration(migrations.Migration):
    dependencies = [("accounts", "0016_principals")]

    operations = [migrations.RunPython(add_create, migrations.RunPython.noop)]
