"""`manage.py load_demo`: add the demo to this database."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from console.demo.loading import CannotLoad, SignIn, load


class Command(BaseCommand):
    """Add the demo: four accounts, real data, and shares of each sort."""

    help = "Add the demo (accounts ada, ben, cleo and dan, with data) to this database, once."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load it and print who can sign in."""
        try:
            people = load(local=is_local())
        except CannotLoad as error:
            raise CommandError(str(error)) from error
        self.stdout.write(table_of(people))


def is_local() -> bool:
    """Tell whether the public URL says that only this machine reaches the server."""
    return urlsplit(settings.PUBLIC_URL).hostname in ("localhost", "127.0.0.1", "::1")


def table_of(people: list[SignIn]) -> str:
    """Return a line for each of the demo's people: username, password, and who they are."""
    return "".join(
        f"  {person.username:6}{person.password or '(printed when the demo was loaded)'}  {person.about}\n"
        for person in people
    )
