"""Grants repeat the creation time of their resource; in some demos it was another one."""

from django.db import migrations
from django.db.models import F, OuterRef, Subquery

AT_ONCE = 500


def repeat(apps, schema_editor):
    resource = apps.get_model("resources", "Resource").objects.filter(pk=OuterRef("resource_id"))
    grants = apps.get_model("sharing", "Grant").objects
    wrong = grants.exclude(resource_created_at=F("resource__created_at")).order_by("pk").values_list("pk", flat=True)
    last = 0
    while batch := list(wrong.filter(pk__gt=last)[:AT_ONCE]):
        grants.filter(pk__in=batch).update(resource_created_at=Subquery(resource.values("created_at")))
        last = batch[-1]


class Migration(migrations.Migration):
    dependencies = [("sharing", "0005_old_link_keys"), ("resources", "0015_lists_of_what_has_a_name")]

    operations = [migrations.RunPython(repeat, migrations.RunPython.noop)]
