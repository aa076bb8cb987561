"""What the commands about one account have in common."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.administration import manage_accounts
from accounts.models import Account


class AccountCommand(BaseCommand):
    """A command whose first argument names an account; of a person, unless it is `for_organizations` too."""

    for_organizations = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the account."""
        parser.add_argument("account", help="a user ID, username or email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Find the account, and do what the command does with it.

        Raises:
            CommandError: when there is no such account, and for an organization where the command is about signing in.
        """
        try:
            account = manage_accounts.find(options["account"])
        except manage_accounts.NoAccount as error:
            raise CommandError(str(error)) from error
        if account.is_organization and not self.for_organizations:
            raise CommandError(f"{account.username} is an organization, and does not sign in. Name a member of it.")
        self.act(account, options)

    def act(self, account: Account, options: dict[str, Any]) -> None:
        """Do it, and print what was done."""
        raise NotImplementedError


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: "1 run", "2 runs"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
