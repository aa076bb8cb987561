"""`manage.py load_demo`: add the demo to this database."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.deployment import exposure
from console.demo.loading import CannotLoad, SignIn, load


class Command(BaseCommand):
    """Add the demo: four accounts, real data, and shares of each sort."""

    help = "Add the demo (accounts ada, ben, cleo and dan, with data) to this database, once."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load it and print who can sign in."""
        try:
            people = load(local=not exposure.exposure_reasons())
        except CannotLoad as error:
            raise CommandError(str(error)) from error
        self.stdout.write(format_people(people))


def format_people(people: list[SignIn]) -> str:
    """Return a line for each of the demo's people: username, password, and who they are."""
    return "".join(
        f"  {person.username:6}{person.password or '(no published password)'}  {person.about}\n" for person in people
    )
