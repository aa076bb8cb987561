"""`manage.py backup TARGET`: a consistent backup while everything runs."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from console.backup import making
from console.backup.manifest import BackupError, Manifest

_LISTED = 20


class Command(BaseCommand):
    """Makes a backup and says what is in it, and what is not."""

    help = (
        "Make a backup in TARGET, a new directory, while the server and the workers run: the database first, then the "
        "files of records that it names, and the server's secret where it is kept in DATA_DIR."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take where the backup goes."""
        parser.add_argument("target", type=Path, metavar="TARGET")

    def handle(self, *, target: Path, **options: Any) -> None:
        """Make it.

        Raises:
            CommandError: when it cannot be made, and when files are missing that the database names.
        """
        try:
            made = making.make(target.absolute())
        except BackupError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"The database and {made.record_count:,} records ({made.record_bytes:,} bytes): {target}")
        self.stdout.write(said_of_records(made))
        self.stdout.write(said_of_secret(made))
        if made.missing:
            shown = "\n".join(f"  {name}" for name in made.missing[:_LISTED])
            raise CommandError(
                f"{len(made.missing):,} files that the database names were missing or had another size:\n{shown}"
            )


def said_of_records(made: Manifest) -> str:
    """Return a sentence about the files of records."""
    if made.bucket:
        return (
            f"The records are in the S3 bucket {made.bucket} and are NOT in the backup. Copy the bucket within "
            "RECORDS_WAIT_HOURS, or turn on its versioning: until then it has every file that the backup names."
        )
    return "The files of the records are in the backup."


def said_of_secret(made: Manifest) -> str:
    """Return a sentence about the server's secret."""
    if made.has_secret:
        return "The backup HOLDS the server's secret: keep it as safe as the server. (Only its owner can read it.)"
    return (
        "The server's secret is NOT in the backup: it is given by SECRET_KEY. Keep it, and SECRET_KEY_FALLBACKS, "
        "elsewhere; without it the secrets in the backup cannot be read."
    )
