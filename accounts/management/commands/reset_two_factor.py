"""`manage.py reset_two_factor ACCOUNT`: for a user who has lost the authenticator app, passkey and recovery codes."""

from typing import Any

from accounts.administration import manage_accounts
from accounts.management.of_account import AccountCommand, counted
from accounts.models import Account


class Command(AccountCommand):
    """Removes the second factors of an account; from then on its password is enough."""

    help = "Remove the authenticator app, passkeys and recovery codes of an account; its password is enough then."

    def act(self, account: Account, options: dict[str, Any]) -> None:
        """Remove them."""
        removed = manage_accounts.reset_two_factor(account)
        if removed:
            self.stdout.write(f"Removed {counted(len(removed), 'second factor')} of {account.username}.")
        else:
            self.stdout.write(f"{account.username} has no second factor; nothing changed.")
