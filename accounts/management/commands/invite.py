"""`manage.py invite EMAIL`: a link by which the user of an email makes an account."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.sign_up import invitations


class Command(BaseCommand):
    """Prints the link alone, so that it can be copied or piped."""

    help = "Print a link by which the user of an email makes an account. It works once, for 14 days."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the email."""
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the invitation; one of the same email that is open ends.

        Raises:
            CommandError: for an email that is none or has an account, and where sign-up is closed.
        """
        try:
            invitation, link = invitations.create(options["email"])
        except invitations.CannotInvite as error:
            raise CommandError(str(error)) from error
        self.stdout.write(link)
        self.stderr.write(
            f"The link is for {invitation.email}, works once, and ends on {invitation.expires_at:%Y-%m-%d}. "
            "The email counts as verified by it, so send it nowhere else."
        )
