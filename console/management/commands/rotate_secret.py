"""`manage.py rotate_secret`: a new secret for the server, and what is encrypted is encrypted with it, in two steps."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.running_processes import processes_without
from console import secret_keys
from console.encrypted_columns import COLUMNS

_ENDS_WITH_FALLBACKS = (
    "browser sessions (users sign in again), links to reset passwords and to verify emails, and pre-signed URLs that "
    "were made with an older secret"
)


class Command(BaseCommand):
    """Makes the next secret; then, in a second step, uses it and encrypts everything with it."""

    help = (
        "Make the next secret for the server, which the server and the workers can read with after a restart. Then "
        "--reencrypt uses it, and encrypts anew what is encrypted. The one of now becomes a fallback, so that what was "
        "signed with it still holds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take which step it is."""
        steps = parser.add_mutually_exclusive_group()
        steps.add_argument(
            "--reencrypt",
            action="store_true",
            help="use the next secret, which every running server and worker must know, and encrypt everything with it",
        )
        steps.add_argument(
            "--drop-fallbacks",
            action="store_true",
            help="make no new secret, and forget those of before: what was signed with them ends",
        )

    def handle(self, *, reencrypt: bool, drop_fallbacks: bool, **options: Any) -> None:
        """Do one step.

        Raises:
            CommandError: when the secret is given by the environment, which a command cannot change, and when a
                running process does not know the secret that the step needs.
        """
        if drop_fallbacks:
            self._drop()
        elif reencrypt:
            self._reencrypt()
        elif os.environ.get("SECRET_KEY"):
            raise CommandError(
                "SECRET_KEY is given by the environment, so no new secret was made. 1. Add a new secret to "
                "SECRET_KEY_FALLBACKS, and restart the server and the workers. 2. Set SECRET_KEY to it and "
                "SECRET_KEY_FALLBACKS to the old one, and restart them again. 3. Run rotate_secret --reencrypt."
            )
        else:
            secret_keys.make_next(settings.DATA_DIR)
            self.stdout.write(
                "The next secret is made. Nothing uses it yet, and nothing changes.\n"
                "1. Restart the server and every worker, so that they can read what is written with it.\n"
                "2. Run rotate_secret --reencrypt."
            )

    def _reencrypt(self) -> None:
        given = bool(os.environ.get("SECRET_KEY"))
        upcoming = "" if given else secret_keys.next_secret(settings.DATA_DIR)
        self._demand(processes_without(upcoming or settings.SECRET_KEY), "cannot read what the new secret encrypts")
        if upcoming:
            settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret_keys.turn(settings.DATA_DIR)
            self.stdout.write("The next secret is the one of now, and the one of before is a fallback.")
        self._encrypt_anew()
        self.stdout.write(
            "1. Restart the server and every worker, so that they write with the secret of now; they read it already.\n"
            "2. When what was signed has had its time (14 days for links of the server), run "
            f"rotate_secret --drop-fallbacks. It ends what was signed before: {_ENDS_WITH_FALLBACKS}.\n"
            "Nothing ends until then: sessions, links and pre-signed URLs hold as long as the fallback is there."
        )

    def _demand(self, others: list[str], what: str) -> None:
        if others:
            raise CommandError(
                f"Nothing was changed: {', '.join(others)} {what}. Restart the server and every worker, and run this "
                "again. One that was killed on another machine counts for five minutes."
            )

    def _drop(self) -> None:
        self._demand(processes_without(settings.SECRET_KEY, to_write=True), "still write with another secret")
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
