"""The model of how many runs there are, so that a list of a million need not count them."""

from django.db import models


class RunCount(models.Model):
    """How many runs of one account, Actor, task and status there are: the sum of `runs` over the rows that name them.

    Triggers of the database write it along with the runs (resources/migrations/0010_run_tally.py), whatever it is that
    changes them. On SQLite, where one connection writes at a time, each group has one row. On PostgreSQL every
    statement adds rows, so that no writer waits for another; `resources/runs/run_counts.py` puts them together. A
    migration that remakes the table of runs, as many do on SQLite, has to create the triggers again.
    """

    owner = models.CharField(max_length=17)
    actor = models.CharField(max_length=17)
    task = models.CharField(max_length=17)
    status = models.CharField(max_length=10)
    runs = models.BigIntegerField()

    class Meta:
        db_table = "resources_runtally"  # triggers write it by this name
        indexes = (
            models.Index(fields=("owner", "actor", "task", "status"), name="tally_of_runs"),
            # Who runs an Actor, and how much (rule 7 of the access model).
            models.Index(fields=("actor", "owner", "status", "runs"), name="tally_of_actor"),
        )

    def __str__(self) -> str:
        return f"{self.runs:+} {self.status} of {self.owner}"
