"""`manage.py create_account USERNAME --email E --password P`: a verified account, without an email."""

import json
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import AccountGeneralAccess
from accounts.sign_up import sign_up


class Command(BaseCommand):
    """Makes an account and prints one JSON object about it."""

    help = "Make a verified account and print one JSON object with its id, username, email and, when asked, a token."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what the command takes."""
        parser.add_argument("username")
        parser.add_argument("--email", required=True)
        parser.add_argument("--password", required=True)
        parser.add_argument("--general-access", choices=AccountGeneralAccess.values)
        parser.add_argument("--share-runs-with-actor-creators", action="store_true")
        parser.add_argument("--token", action="store_true", help="also make an API token and print it")

    def handle(self, *args: Any, **options: Any) -> None:
        """Make the account, all of it or nothing.

        Raises:
            CommandError: for a username or email that is wrong or taken, and a password that is too weak.
        """
        fields = {"share_runs_with_actor_creators": options["share_runs_with_actor_creators"]}
        if options["general_access"]:
            fields["general_access"] = options["general_access"]
        try:
            account, token = sign_up.create_verified(
                options["username"], options["email"], options["password"], with_token=options["token"], **fields
            )
        except ValidationError as problem:
            raise CommandError(_in_one_line(problem)) from problem
        made = {"id": account.pk, "username": account.username, "email": account.email}
        if token is not None:
            made["token"] = token
        self.stdout.write(json.dumps(made))


def _in_one_line(problem: ValidationError) -> str:
    if hasattr(problem, "error_dict"):
        return " ".join(f"{field}: {' '.join(messages)}" for field, messages in problem.message_dict.items())
    return " ".join(problem.messages)
