"""`manage.py rotate_secret`: a new secret for the server, and what is encrypted is encrypted with it, in two steps."""

import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.deployment.running_processes import processes_without
from console.encrypted_columns import COLUMNS
from console.server import secret_keys
from resources import start_checks
from resources.runs.tokens import end_derived_from

_ENDS_WITH_FALLBACKS = (
    "the tokens of runs that have gone on since (a reboot gives them new ones), "
    "browser sessions that were not used since (users sign in again), links to reset passwords and to verify emails, "
    "and pre-signed URLs that were made with an older secret, but for those that the console lists"
)
_LATER = "When what was signed has had its time (14 days for links of the server)"
_UNTIL_THEN = "Nothing ends until then: sessions, links and pre-signed URLs hold as long as the fallback is there."
_BY_ENVIRONMENT = "take the old secret out of SECRET_KEY_FALLBACKS, and restart the server and every worker"


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
            CommandError: when the secret or its fallbacks are given by the environment, which a command cannot change,
                when a running process does not know the secret that the step needs, and when something cannot be read.
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
        from_environment = bool(os.environ.get("SECRET_KEY"))
        upcoming = "" if from_environment else secret_keys.next_secret(settings.DATA_DIR)
        self._demand(processes_without(upcoming or settings.SECRET_KEY), "cannot read what the new secret encrypts")
        if upcoming:
            settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = secret_keys.rotate(settings.DATA_DIR)
            self.stdout.write("The next secret is the one of now, and the one of before is a fallback.")
        self._encrypt_anew()
        if from_environment:
            last = f"Next: {_LATER.lower()}, {_BY_ENVIRONMENT}."
        else:
            last = (
                "1. Restart the server and every worker, so that they write with the secret of now; they read it "
                f"already.\n2. {_LATER}, run rotate_secret --drop-fallbacks."
            )
        self.stdout.write(f"{last} It ends what was signed before: {_ENDS_WITH_FALLBACKS}.\n{_UNTIL_THEN}")

    def _demand(self, others: list[str], what: str) -> None:
        if others:
            raise CommandError(
                f"Nothing was changed: {', '.join(others)} {what}. Restart the server and every worker, and run this "
                "again. One that was killed on another machine counts for five minutes."
            )

    def _drop(self) -> None:
        self._demand(processes_without(settings.SECRET_KEY, to_write=True), "still write with another secret")
        self._encrypt_anew()
        ended = end_derived_from([str(secret) for secret in settings.SECRET_KEY_FALLBACKS])
        dropped = secret_keys.drop_fallbacks(settings.DATA_DIR)
        noun = "fallback" if dropped == 1 else "fallbacks"
        self.stdout.write(f"{dropped} {noun} dropped.")
        if ended:
            self.stdout.write(
                f"Tokens of runs that go on, made with an older secret, that have ended: {ended:,}. What these runs "
                "ask of the API is refused until they are rebooted, which gives them new ones."
            )
        if os.environ.get("SECRET_KEY_FALLBACKS"):
            raise CommandError(
                "SECRET_KEY_FALLBACKS is given by the environment, which a command cannot change, so what it names "
                f"still holds. Where it is set, {_BY_ENVIRONMENT}. It ends what was signed before: "
                f"{_ENDS_WITH_FALLBACKS}."
            )
        self.stdout.write("Restart the server and the workers.")
        self.stdout.write(f"This ends what was signed before: {_ENDS_WITH_FALLBACKS}.")

    def _encrypt_anew(self) -> None:
        """Encrypt everything with the secret of now.

        Raises:
            CommandError: when something cannot be read.
        """
        count = sum(column.encrypt_anew() for column in COLUMNS)
        start_checks.adopt_secret()
        self.stdout.write(f"{count:,} values are encrypted with the secret of now.")
        if unreadable := _unreadable():
            raise CommandError(
                f"{unreadable:,} others cannot be read and stay as they are; `manage.py check_data` names them. No "
                "fallback was dropped. If their secret is missing, add the old secret to SECRET_KEY_FALLBACKS, and run "
                "this again."
            )


def _unreadable() -> int:
    """Return how many encrypted values cannot be read."""
    return sum(1 for column in COLUMNS for _ in column.unreadable())
