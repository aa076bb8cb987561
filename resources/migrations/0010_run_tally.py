"""The number of runs by owner, Actor, task and status, kept by triggers (resources/models/run_count.py)."""

from django.db import migrations, models

FILL = """
INSERT INTO resources_runtally (owner, actor, task, status, runs)
SELECT list_owner, list_actor, list_task, status, COUNT(*) FROM resources_run
GROUP BY list_owner, list_actor, list_task, status
"""

OF_SAME = "owner = {row}.list_owner AND actor = {row}.list_actor AND task = {row}.list_task AND status = {row}.status"
ADD = f"""
    UPDATE resources_runtally SET runs = runs + 1 WHERE {OF_SAME.format(row="NEW")};
    INSERT INTO resources_runtally (owner, actor, task, status, runs)
        SELECT NEW.list_owner, NEW.list_actor, NEW.list_task, NEW.status, 1 WHERE changes() = 0;
"""
SUBTRACT = f"""
    UPDATE resources_runtally SET runs = runs - 1 WHERE {OF_SAME.format(row="OLD")};
    DELETE FROM resources_runtally WHERE runs = 0 AND {OF_SAME.format(row="OLD")};
"""
COLUMNS = "list_owner, list_actor, list_task, status"
SQLITE = (
    f"CREATE TRIGGER resources_run_added AFTER INSERT ON resources_run BEGIN {ADD} END",
    f"CREATE TRIGGER resources_run_removed AFTER DELETE ON resources_run BEGIN {SUBTRACT} END",
    f"CREATE TRIGGER resources_run_moved AFTER UPDATE OF {COLUMNS} ON resources_run BEGIN {SUBTRACT} {ADD} END",
)
# Once for each statement, however many rows it changes. An UPDATE of other columns leaves sums of 0, which are not kept.
POSTGRESQL = (
    f"""
    CREATE FUNCTION resources_tally_runs() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO resources_runtally (owner, actor, task, status, runs)
                SELECT {COLUMNS}, COUNT(*) FROM added GROUP BY {COLUMNS};
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO resources_runtally (owner, actor, task, status, runs)
                SELECT {COLUMNS}, -COUNT(*) FROM removed GROUP BY {COLUMNS};
        ELSE
            INSERT INTO resources_runtally (owner, actor, task, status, runs)
                SELECT {COLUMNS}, SUM(by) FROM (
                    SELECT {COLUMNS}, 1 AS by FROM added UNION ALL SELECT {COLUMNS}, -1 AS by FROM removed
                ) changed GROUP BY {COLUMNS} HAVING SUM(by) <> 0;
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER resources_run_added AFTER INSERT ON resources_run REFERENCING NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION resources_tally_runs()",
    "CREATE TRIGGER resources_run_removed AFTER DELETE ON resources_run REFERENCING OLD TABLE AS removed "
    "FOR EACH STATEMENT EXECUTE FUNCTION resources_tally_runs()",
    "CREATE TRIGGER resources_run_moved AFTER UPDATE ON resources_run REFERENCING OLD TABLE AS removed NEW TABLE AS added "
    "FOR EACH STATEMENT EXECUTE FUNCTION resources_tally_runs()",
)


def create_triggers(apps, schema_editor):
    for statement in SQLITE if schema_editor.connection.vendor == "sqlite" else POSTGRESQL:
        schema_editor.execute(statement)


def drop_triggers(apps, schema_editor):
    on = "" if schema_editor.connection.vendor == "sqlite" else " ON resources_run"
    for name in ("added", "removed", "moved"):
        schema_editor.execute(f"DROP TRIGGER resources_run_{name}{on}")
    if on:
        schema_editor.execute("DROP FUNCTION resources_tally_runs()")


class Migration(migrations.Migration):
    dependencies = [("resources", "0009_jobs_from_before_workers")]

    operations = [
        migrations.CreateModel(
            name="RunTally",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("owner", models.CharField(max_length=17)),
                ("actor", models.CharField(max_length=17)),
                ("task", models.CharField(max_length=17)),
                ("status", models.CharField(max_length=10)),
                ("runs", models.BigIntegerField()),
            ],
            options={"indexes": [models.Index(fields=["owner", "actor", "task", "status"], name="tally_of_runs")]},
        ),
        # In this order: to create a trigger locks the table, so that no run comes in between.
        migrations.RunPython(create_triggers, drop_triggers),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
