"""`manage.py verify_email ACCOUNT`: count an email as verified, where no email can bring the link."""

from typing import Any

from django.core.management.base import CommandError

from accounts.administration import manage_accounts
from accounts.management.of_account import AccountCommand
from accounts.models import Account


class Command(AccountCommand):
    """For an administrator who knows that the email is the user's."""

    help = "Count the email of an account as verified. Be sure that it is the user's: grants to this email reach it."

    def act(self, account: Account, options: dict[str, Any]) -> None:
        """Verify it.

        Raises:
            CommandError: when another account has verified the same email.
        """
        try:
            changed = manage_accounts.verify_email(account)
        except manage_accounts.EmailTaken as error:
            raise CommandError(str(error)) from error
        done = f"Verified {account.email}" if changed else f"{account.email} was verified before; nothing changed"
        self.stdout.write(f"{done} ({account.username}).")
