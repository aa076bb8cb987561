"""`manage.py end_sessions ACCOUNT`: sign an account out everywhere, and end its API tokens."""

from typing import Any

from django.core.management.base import CommandParser

from accounts.administration import manage_accounts
from accounts.management.of_account import AccountCommand, counted
from accounts.models import Account


class Command(AccountCommand):
    """Ends sessions and tokens; the account can sign in again and make new ones."""

    for_organizations = True
    help = "End all sessions and all API tokens of an account, those of its runs too."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the choice to leave the tokens."""
        super().add_arguments(parser)
        parser.add_argument("--keep-tokens", action="store_true", help="end the sessions only")

    def act(self, account: Account, options: dict[str, Any]) -> None:
        """End them."""
        ended, revoked = manage_accounts.end_sessions(account, keep_tokens=options["keep_tokens"])
        said = f"Ended {counted(ended, 'session')} and {counted(revoked, 'API token')} of {account.username}."
        self.stdout.write(said)
