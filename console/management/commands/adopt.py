"""`manage.py adopt`: say that this host has the secret, or the records, of the database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from resources import start_checks

_ADOPT = {"secret": start_checks.adopt_secret, "records": start_checks.adopt_records}
_SAID = {
    "secret": "SECRET_KEY of this host is that of the database. What was encrypted with another one cannot be read; "
    "`manage.py check_data` names it.",
    "records": "The records of the database are where this host keeps them. `manage.py check_data` names what is "
    "missing.",
}


class Command(BaseCommand):
    """Takes over what a start has refused."""

    help = "Have the secret, or the place of the records, of this host be that of the database; starts check both."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which of them."""
        parser.add_argument("what", choices=sorted(_ADOPT))

    def handle(self, *, what: str, **options: Any) -> None:
        """Do it, and say what it means."""
        _ADOPT[what]()
        self.stdout.write(_SAID[what])
