"""Each key that was given remembers the secret that it is derived from; those of until now, the one of now."""

import sharing.signatures
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('resources', '0022_encrypt_at_rest'),
        ('sharing', '0007_issue_runs'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='storagekey',
            name='key_of_holder',
        ),
        migrations.AddField(
            model_name='storagekey',
            name='secret',
            field=models.CharField(default=sharing.signatures.current_fingerprint, editable=False, help_text='The fingerprint of the secret that the key is derived from (sharing/signatures.py).', max_length=16),
        ),
        migrations.AddConstraint(
            model_name='storagekey',
            constraint=models.UniqueConstraint(fields=('resource', 'account', 'token_id', 'secret'), name='key_of_holder'),
        ),
    ]
