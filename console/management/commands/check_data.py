"""`manage.py check_data`: whether the data is whole."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from console.data_checks import every_check


class Command(BaseCommand):
    """Checks rows and files, counts and bytes, chunks, links and secrets, and lists what is wrong."""

    help = "Check the data: rows and files, counts and bytes, chunks, links, secrets and sessions. Safe at any time."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether files are read."""
        parser.add_argument("--quick", action="store_true", help="look at the sizes of files and do not read them")

    def handle(self, *, quick: bool, **options: Any) -> None:
        """Check everything.

        Raises:
            CommandError: when something is wrong, and where the database still has to be migrated.
        """
        executor = MigrationExecutor(connection)
        if executor.migration_plan(executor.loader.graph.leaf_nodes()):
            raise CommandError("The database has to be migrated first: manage.py migrate")
        count = 0
        for check in every_check(read_files=not quick):
            wrong = 0
            for problem in check.problems():
                wrong += 1
                self.stdout.write(problem)
            self.stdout.write(f"{check.about}: {f'{wrong:,} wrong' if wrong else 'all right'}")
            count += wrong
        if count:
            raise CommandError(f"{count:,} things are wrong.")
