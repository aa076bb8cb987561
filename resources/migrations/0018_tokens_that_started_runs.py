"""Runs remember the token that started them, and the tokens of runs at work learn whose Actor each run is of."""

from django.db import migrations, models

AT_ONCE = 500


def mark_tokens(apps, schema_editor):
    """Mark the tokens of runs whose Actor, the one that each is now, belongs to another account or was deleted."""
    token = apps.get_model("accounts", "ApiToken")
    run, resource = (apps.get_model("resources", name) for name in ("Run", "Resource"))
    for id_, run_id in _batches(token.objects.exclude(run_id="").order_by("pk").values_list("pk", "run_id")):
        of = run.objects.filter(pk=run_id).values("owner_id", "actor_id", "metamorphs").first()
        if of is None:
            token.objects.filter(pk=id_).update(run_is_of_other_account=True)
            continue
        actor_id = of["metamorphs"][-1]["actorId"] if of["metamorphs"] else of["actor_id"]
        owner_id = resource.objects.filter(pk=actor_id).values_list("owner_id", flat=True).first()
        token.objects.filter(pk=id_).update(run_is_of_other_account=owner_id != of["owner_id"])


def _batches(rows):
    """Give all rows, some at a time: they are changed meanwhile."""
    batch = list(rows[:AT_ONCE])
    while batch:
        yield from batch
        batch = list(rows.filter(pk__gt=batch[-1][0])[:AT_ONCE])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_runs_that_tokens_speak_for"),
        ("resources", "0017_encrypt_saved_input_secrets"),
    ]

    operations = [
        # Without a default: SQLite would write the table anew, and the triggers of 0010 would go with the old one.
        migrations.AddField(
            model_name="run",
            name="started_by_token",
            field=models.CharField(blank=True, max_length=17, null=True),
        ),
        migrations.RunPython(mark_tokens, migrations.RunPython.noop),
    ]
