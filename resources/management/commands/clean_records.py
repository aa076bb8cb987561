"""`manage.py clean_records`: deletes the files that no record names, once they are old enough."""

from argparse import ArgumentParser
from datetime import timedelta
from itertools import chain
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from resources.records import discarding
from resources.records.cleaning import clean

_DEFAULT_HOURS = 24.0


class Command(BaseCommand):
    """Deletes files that no record names. Safe at any time, also while records are being written.

    A file of a record that was replaced or deleted waits for RECORDS_WAIT_HOURS, also where `--older-than` is less.
    """

    help = (
        "Delete the files of records that no record names: what interrupted writes have left behind, and what was "
        "replaced or deleted some hours ago (RECORDS_WAIT_HOURS)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take how old a file must be, and whether to delete at all."""
        parser.add_argument(
            "--older-than",
            type=float,
            default=_DEFAULT_HOURS,
            metavar="HOURS",
            help="leave files alone that were written to more recently, %(default)s hours unless given; "
            "a shorter time may make a write fail that is under way, and never loses one that was acknowledged",
        )
        parser.add_argument("--dry-run", action="store_true", help="only list the files")

    def handle(self, *, older_than: float, dry_run: bool, verbosity: int, **options: Any) -> None:
        """Delete, and say what."""
        if not 0 <= older_than < timedelta.max.total_seconds() / 3600:
            raise CommandError("--older-than must be a number of hours from 0 on.")
        count = 0
        now = timezone.now()
        waited = discarding.delete_waited(discarding.end_of_wait(now), only_look=dry_run)
        for name in chain(waited, clean(now - timedelta(hours=older_than), only_look=dry_run)):
            count += 1
            if dry_run or verbosity > 1:
                self.stdout.write(name)
        self.stdout.write(f"{count} file{'' if count == 1 else 's'} {'to delete' if dry_run else 'deleted'}.")
