"""What an account chooses for its new Actors: those that exist keep full permissions, later ones begin with limited."""

from django.db import migrations, models

HELP = "Whether new Actors have limited permissions where nothing else is said."


class Migration(migrations.Migration):
    dependencies = [("accounts", "0018_tokens_that_are_edited")]

    operations = [
        migrations.AddField(
            model_name="account",
            name="limits_new_actors",
            field=models.BooleanField(default=False, help_text=HELP),
        ),
        migrations.AlterField(
            model_name="account",
            name="limits_new_actors",
            field=models.BooleanField(default=True, help_text=HELP),
        ),
        migrations.AddField(
            model_name="account",
            name="skips_actor_approvals",
            field=models.BooleanField(
                default=False, help_text="Whether it runs full Actors of other accounts without approving them."
            ),
        ),
    ]
