"""`manage.py list_invitations`: every invitation, and what has become of it."""

from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from accounts.models import Invitation
from accounts.sign_up import invitations


class Command(BaseCommand):
    """Prints a line for each invitation."""

    help = "List all invitations: email, state, and when they end or have ended."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them, the newest first."""
        for invitation in invitations.list_invitations():
            self.stdout.write(f"{invitation.email}  {_state(invitation)}")


def _state(invitation: Invitation) -> str:
    if invitation.used_at:
        return f"used on {invitation.used_at:%Y-%m-%d} by the account {invitation.account_id}"
    if invitation.revoked_at:
        return f"revoked on {invitation.revoked_at:%Y-%m-%d}"
    over = invitation.expires_at <= timezone.now()
    return f"{'ended' if over else 'open until'} {invitation.expires_at:%Y-%m-%d}"
