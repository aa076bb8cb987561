"""Who works on a queue: told apart by the key that a client gives, and otherwise by the account."""

from dataclasses import dataclass
from typing import Final

from django.db import connection

# What is kept of a client that gives no key: each of its calls counts as another client's.
_KEYLESS: Final = ""


@dataclass(frozen=True, slots=True)
class Client:
    """Who calls: an account (None: anonymous), and the key of one of its clients, if it gives one."""

    account_id: str | None
    key: str | None = None

    @property
    def owner(self) -> str:
        """Whose the locks are: the key's; without a key, the account's."""
        return f"account:{self.account_id}" if self.key is None else f"key:{self.key}"


def note(queue_id: str, client: Client, known_key: str | None, had_multiple: bool) -> bool:
    """Keep the first client of a queue, or that there was another one since; return whether there was.

    `known_key` and `had_multiple` are what was last seen at the queue. Both change once at most, so an old view of
    them costs a statement and never the truth.
    """
    if had_multiple or (client.key is not None and client.key == known_key):
        return had_multiple
    with connection.cursor() as cursor:
        if client.key is None:
            cursor.execute(_NOTE_KEYLESS, [_KEYLESS, queue_id])
        else:
            cursor.execute(_NOTE, [client.key, client.key, queue_id])
        row = cursor.fetchone()
    return True if row is None else bool(row[0])


_NOTE = (
    "UPDATE resources_requestqueue SET had_multiple_clients = (client_key IS NOT NULL AND client_key <> %s), "
    "client_key = COALESCE(client_key, %s) WHERE resource_ptr_id = %s AND NOT had_multiple_clients "
    "RETURNING had_multiple_clients"
)
_NOTE_KEYLESS = (
    "UPDATE resources_requestqueue SET had_multiple_clients = (client_key IS NOT NULL), "
    "client_key = COALESCE(client_key, %s) WHERE resource_ptr_id = %s AND NOT had_multiple_clients "
    "RETURNING had_multiple_clients"
)
