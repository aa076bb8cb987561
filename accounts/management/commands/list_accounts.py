"""`manage.py list_accounts`: all accounts, with what an administrator asks about them."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.administration import manage_accounts
from accounts.administration.manage_accounts import AccountRow
from accounts.lib.timestamps import iso

HEADINGS = ("ID", "Username", "Email", "Verified", "State", "Last sign-in", "API tokens")


class Command(BaseCommand):
    """Print a table of accounts, or one JSON object for each."""

    help = "List all accounts: email, whether it is verified, state, last sign-in and number of API tokens."

    def add_arguments(self, parser: CommandParser) -> None:
        """Add the form for programs."""
        parser.add_argument("--json", action="store_true", help="print one JSON object for each account")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print all of them, the oldest first."""
        for line in (_json if options["json"] else _table)(manage_accounts.list_accounts()):
            self.stdout.write(line)


def _json(rows: list[AccountRow]) -> list[str]:
    return [json.dumps(asdict(row) | {"last_sign_in": _moment(row)}) for row in rows]


def _table(rows: list[AccountRow]) -> list[str]:
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEADINGS))]
    return ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _cells(row: AccountRow) -> tuple[str, ...]:
    verified, state = "yes" if row.is_verified else "no", "active" if row.is_active else "suspended"
    return row.id, row.username, row.email, verified, state, _moment(row) or "never", str(row.tokens)


def _moment(row: AccountRow) -> str | None:
    return iso(row.last_sign_in) if row.last_sign_in else None
