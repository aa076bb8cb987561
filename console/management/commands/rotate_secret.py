"""`manage.py rotate_secret`: a new secret for the server, and what was encrypted with the old one encrypted anew."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from console import secret_keys
from console.encrypted_columns import COLUMNS

_ENDS_WITH_FALLBACKS = (
    "browser sessions (users sign in again), links to reset passwords and to verify emails, and pre-signed URLs that "
    "were made with an older secret"
)


class Command(BaseCommand):
    """Makes a new secret, keeps the old one as a fallback, and encrypts everything with the new one."""

    help = (
        "Make a new secret for the server, and keep the one of now as a fallback, so that what was signed with it "
        "still holds. Encrypt anew what is encrypted. Restart the server and the workers afterwards."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what is done besides, or instead."""
        parser.add_argument(
            "--drop-fallbacks",
            action="store_true",
            help="make no new secret, and forget those of before: what was signed with them ends",
        )

    def handle(self, *, drop_fallbacks: bool, **options: Any) -> None:
        """Turn the secret, or finish turning it.

        Raises:
            CommandError: when the secret is given by the environment, which a command cannot change.
        """
        if drop_fallbacks:
            self._drop()
        elif os.environ.get("SECRET_KEY"):
            self._encrypt_anew()
            raise CommandError(
                "SECRET_KEY is given by the environment, so no new secret was made. Set SECRET_KEY to a new secret and "
                "SECRET_KEY_FALLBACKS to the old one, restart everything, and run this again: what is encrypted was "
                "just encrypted with the SECRET_KEY of now."
            )
        else:
            settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret_keys.turn(settings.DATA_DIR)
            self.stdout.write("There is a new secret, and the one of before is a fallback.")
            self._encrypt_anew()
            self.stdout.write(
                "Restart the server and the workers NOW: until then they cannot read what is encrypted anew. Nothing "
                "ends: sessions, links and pre-signed URLs hold as long as the fallback is there.\n"
                "When what was signed has had its time (14 days for links of the server), run "
                f"rotate_secret --drop-fallbacks. It ends what was signed before: {_ENDS_WITH_FALLBACKS}."
            )

    def _drop(self) -> None:
        self._encrypt_anew()
        if unreadable := _unreadable():
            raise CommandError(f"{unreadable} of the encrypted values cannot be read; no fallback was dropped.")
        dropped = secret_keys.drop_fallbacks(settings.DATA_DIR)
        noun = "fallback" if dropped == 1 else "fallbacks"
        self.stdout.write(f"{dropped} {noun} dropped. Restart the server and the workers.")
        self.stdout.write(f"This ends what was signed before: {_ENDS_WITH_FALLBACKS}.")
        if os.environ.get("SECRET_KEY_FALLBACKS"):
            self.stdout.write("SECRET_KEY_FALLBACKS is given by the environment: unset it there.")

    def _encrypt_anew(self) -> None:
        count = sum(column.encrypt_anew() for column in COLUMNS)
        self.stdout.write(f"{count:,} values are encrypted with the secret of now.")
        if unreadable := _unreadable():
            self.stdout.write(f"{unreadable:,} others cannot be read; `manage.py check_data` names them.")


def _unreadable() -> int:
    """Return how many encrypted values cannot be read."""
    return sum(1 for column in COLUMNS for _ in column.unreadable())
