"""`manage.py reset_link ACCOUNT`: a link to choose a new password, where no email can bring it."""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from accounts.administration import manage_accounts
from accounts.management.of_account import AccountCommand
from accounts.models import Account


class Command(AccountCommand):
    """Prints the link alone, so that it can be copied or piped."""

    help = "Print a link by which the user of an account chooses a new password. It works once."

    def act(self, account: Account, options: dict[str, Any]) -> None:
        """Print it.

        Raises:
            CommandError: for a suspended account, whose new password would not sign in.
        """
        if not account.is_active:
            raise CommandError(f"{account.username} is suspended. Restore the account first: restore_account.")
        self.stdout.write(manage_accounts.reset_link(account))
        hours = settings.PASSWORD_RESET_TIMEOUT // 3600
        self.stderr.write(f"The link is for {account.username}, works once, and ends in {hours} hours.")
