"""`manage.py restore_account ACCOUNT`: let a suspended account be used again."""

from typing import Any

from accounts.management.of_account import AccountCommand, counted
from accounts.models import Account
from sharing import suspension


class Command(AccountCommand):
    """Restores an account and says what works again."""

    for_organizations = True
    help = "Restore a suspended account. Sessions that ended and runs that were aborted do not come back."

    def act(self, account: Account, options: dict[str, Any]) -> None:
        """Restore it."""
        if not suspension.restore(account):
            self.stdout.write(f"{account.username} is not suspended; nothing changed.")
            return
        works = suspension.paused_by_suspension(account)
        self.stdout.write(
            f"Restored {account.username} ({account.email}).\n"
            f"Works again: sign-in, emails to the account, {counted(works.tokens, 'API token')}, "
            f"{counted(works.schedules, 'schedule')} (from their next times on), {counted(works.webhooks, 'webhook')}, "
            f"{counted(works.links, 'pre-signed link')}, and links signed with its keys.\n"
            "Not restored: the sessions that ended, and the runs and builds that were aborted."
        )
