"""`manage.py suspend_account ACCOUNT`: stop everything that an account does, and keep everything that it owns."""

from typing import Any

from accounts.management.of_account import AccountCommand, counted
from accounts.models import Account
from sharing import suspension


class Command(AccountCommand):
    """Suspends an account and says what stops."""

    for_organizations = True
    help = "Suspend an account: it cannot sign in, and its API tokens, runs, schedules, webhooks and links stop."

    def act(self, account: Account, options: dict[str, Any]) -> None:
        """Suspend it."""
        ended = suspension.suspend(account)
        if ended is None:
            self.stdout.write(f"{account.username} was suspended before; nothing changed.")
            return
        paused = suspension.paused_by_suspension(account)
        self.stdout.write(
            f"Suspended {account.username} ({account.email}).\n"
            f"Ended: {counted(ended.sessions, 'session')}; aborted: {counted(ended.runs, 'run')}, "
            f"{counted(ended.builds, 'build')}.\n"
            f"Stopped until restore_account: sign-in, emails to the account, {counted(paused.tokens, 'API token')}, "
            f"{counted(paused.schedules, 'schedule')}, {counted(paused.webhooks, 'webhook')}, "
            f"{counted(paused.links, 'pre-signed link')} that it made, and all links signed with its keys.\n"
            "Unchanged: what the account owns, its general access, and what is shared with whom."
        )
