"""`manage.py revoke_invitation EMAIL`: end an invitation that was not used yet."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.sign_up import invitations


class Command(BaseCommand):
    """Ends the open invitation of an email."""

    help = "End the open invitation of an email; its link makes no account any more."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the email."""
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """End it.

        Raises:
            CommandError: when there is none.
        """
        if not invitations.revoke(options["email"]):
            raise CommandError(f"There is no open invitation of {options['email']!r}.")
        self.stdout.write(f"Revoked the invitation of {options['email']}.")
