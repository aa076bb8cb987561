"""Each registered link remembers the secret that it was signed with; for those of before it is found by their digest."""

from django.db import migrations, models

import sharing.signatures
from sharing.links.link_digests import find_secret

AT_ONCE = 500
HELP = "The fingerprint of the secret that it was signed with (sharing/signatures.py)."


def find_secrets(apps, schema_editor):
    """Note the secret of each link whose digest can be made anew; the others keep none."""
    rows = apps.get_model("sharing", "SignedLink").objects.select_related("resource__owner").order_by("pk")
    last = ""
    while found := list(rows.filter(pk__gt=last)[:AT_ONCE]):
        for link in found:
            link.secret = find_secret(link, link.resource.link_counter, link.resource.owner.link_counter)
        rows.model.objects.bulk_update(found, ["secret"])
        last = found[-1].pk


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_link_keys_of_holders"),
        ("sharing", "0008_secrets_of_link_keys"),
    ]

    operations = [
        migrations.AddField(
            model_name="signedlink",
            name="secret",
            field=models.CharField(blank=True, default="", editable=False, help_text=HELP, max_length=16),
        ),
        migrations.RunPython(find_secrets, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="signedlink",
            name="secret",
            field=models.CharField(
                blank=True,
                default=sharing.signatures.current_fingerprint,
                editable=False,
                help_text=HELP,
                max_length=16,
            ),
        ),
    ]
