from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0008_sign_in_addresses'),
    ]

    operations = [
        migrations.AddField(
            model_name='account',
            name='link_counter',
            field=models.PositiveIntegerField(default=0, help_text='Part of the keys that sign pre-signed URLs to what it owns; raising it ends them.'),
        ),
        migrations.AddField(
            model_name='account',
            name='old_link_keys_until',
            field=models.DateTimeField(blank=True, help_text='Storages from before this moment keep the key that they had before each holder had one.', null=True),
        ),
        migrations.AddField(
            model_name='account',
            name='readers_make_links',
            field=models.BooleanField(default=False, help_text='Whether users who may only read a Restricted storage can make pre-signed URLs to it.'),
        ),
    ]
