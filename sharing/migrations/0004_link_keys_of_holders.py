import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('resources', '0015_lists_of_what_has_a_name'),
        ('sharing', '0003_listing_indexes'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='EndedOldKey',
            fields=[
                ('resource', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='old_key_ended', serialize=False, to='resources.resource')),
            ],
        ),
        migrations.AddField(
            model_name='signedlink',
            name='refused_at',
            field=models.DateTimeField(blank=True, help_text="When it had more than the owner's cap left to live; it stays refused.", null=True),
        ),
        migrations.CreateModel(
            name='RefusedSignature',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('digest', models.BinaryField(max_length=32, unique=True)),
                ('expires_at', models.DateTimeField(blank=True, help_text='Null: it has no end.', null=True)),
                ('refused_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('resource', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='refused_signatures', to='resources.resource')),
            ],
        ),
        migrations.CreateModel(
            name='StorageKey',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('token_id', models.CharField(blank=True, default='', max_length=17)),
                ('given_at', models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ('used_at', models.DateTimeField(default=django.utils.timezone.now, help_text='When the key was last given or opened something.')),
                ('account', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='keys_given', to=settings.AUTH_USER_MODEL)),
                ('resource', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='keys_given', to='resources.resource')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('resource', 'account', 'token_id'), name='key_of_holder')],
            },
        ),
    ]
