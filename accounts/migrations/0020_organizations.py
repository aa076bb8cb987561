"""Organizations: invitations, what members make, and who acted for them in the audit trail."""

import accounts.lib.ids
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


def give_link_keys(apps, schema_editor):
    """Give each membership a key of its own."""
    memberships = apps.get_model("accounts", "Membership").objects
    for pk in list(memberships.values_list("pk", flat=True)):
        memberships.filter(pk=pk).update(link_key=accounts.lib.ids.new_id())


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0019_permission_levels'),
    ]

    operations = [
        migrations.AddField(
            model_name='auditevent',
            name='person_id',
            field=models.CharField(blank=True, max_length=17, null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='person_username',
            field=models.CharField(blank=True, max_length=30, null=True),
        ),
        migrations.AddField(
            model_name='auditevent',
            name='run_id',
            field=models.CharField(blank=True, help_text='The run it acted in, if any.', max_length=17, null=True),
        ),
        migrations.AddField(
            model_name='membership',
            name='link_key',
            field=models.CharField(editable=False, max_length=17, null=True, unique=True),
        ),
        migrations.RunPython(give_link_keys, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='membership',
            name='link_key',
            field=models.CharField(default=accounts.lib.ids.new_id, editable=False, max_length=17, unique=True),
        ),
        migrations.CreateModel(
            name='OrganizationInvitation',
            fields=[
                ('id', models.CharField(default=accounts.lib.ids.new_id, editable=False, max_length=17, primary_key=True, serialize=False)),
                ('invited_by', models.CharField(blank=True, default='', max_length=17)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('next_role', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organizationrole')),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='sent_invitations', to=settings.AUTH_USER_MODEL)),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='organization_invitations', to=settings.AUTH_USER_MODEL)),
                ('role', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='accounts.organizationrole')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('organization', 'person'), name='organization_invitation_unique')],
            },
        ),
    ]
