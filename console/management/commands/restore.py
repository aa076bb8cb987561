"""`manage.py restore SOURCE`: a backup into a new place."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.backup import restoring
from console.backup.manifest import BackupError


class Command(BaseCommand):
    """Restores a backup into the DATA_DIR, and with PostgreSQL the database, of the environment."""

    help = "Restore a backup into DATA_DIR (and DATABASE_URL), which must hold nothing."
    # A check may ask the database, and there is none yet.
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where the backup is."""
        parser.add_argument("source", type=Path, metavar="SOURCE")

    def handle(self, *, source: Path, **options: Any) -> None:
        """Restore it.

        Raises:
            CommandError: when it cannot be restored here.
        """
        try:
            backup = restoring.restore(source.absolute())
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Restored the backup of {backup.made_at} into {settings.DATA_DIR}.")
        if backup.bucket:
            self.stdout.write(f"The records of that backup are in the S3 bucket {backup.bucket}; nothing was copied.")
        if backup.missing:
            self.stdout.write(f"{len(backup.missing):,} files of records were missing when the backup was made.")
        self.stdout.write("Next: manage.py migrate, then manage.py check_data.")
