"""Grants repeat the creation time of their resource; in some demos it was another one."""

from django.db import migrations
from django.db.models import F, OuterRef, Subquery


def repeat(apps, schema_editor):
    resource = apps.get_model("resources", "Resource").objects.filter(pk=OuterRef("resource_id"))
    grants = apps.get_model("sharing", "Grant").objects
    wrong = grants.exclude(resource_created_at=F("resource__created_at")).values_list("pk", flat=True)
    grants.filter(pk__in=list(wrong)).update(resource_created_at=Subquery(resource.values("created_at")))


class Migration(migrations.Migration):
    dependencies = [("sharing", "0005_old_link_keys"), ("resources", "0015_lists_of_what_has_a_name")]

    operations = [migrations.RunPython(repeat, migrations.RunPython.noop)]
