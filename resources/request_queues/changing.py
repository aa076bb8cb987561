"""One change of a queue: a transaction that begins with the queue's row and ends with its counters."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from resources.request_queues import clients, clock
from resources.request_queues.clients import Client
from resources.request_queues.errors import QueueGone


@dataclass(slots=True)
class Change:
    """What a transaction does to the counters of a queue; `touched` says that it did anything to its requests.

    `had_multiple_clients` is what the queue says, this client included.
    """

    had_multiple_clients: bool
    total: int = 0
    handled: int = 0
    stored_bytes: int = 0
    written: int = 0
    deleted: int = 0
    head_items_read: int = 0
    touched: bool = False


@contextmanager
def changing(queue_id: str, client: Client) -> Iterator[Change]:
    """Open a transaction on a queue; what is counted in the given `Change` is saved at its end, with the rest or not.

    Raises:
        QueueGone: when there is no such queue (any more).
    """
    with transaction.atomic():
        found = rows(_ENTER[connection.vendor], [queue_id])
        if not found:
            raise QueueGone(queue_id)
        change = Change(clients.note(queue_id, client, *found[0]))
        yield change
        if change.touched:
            _save(queue_id, change)


def rows(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Run a statement that gives rows."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def marks(count: int) -> str:
    """Return `count` placeholders for a list."""
    return ", ".join(["%s"] * count)


def for_update(*, of_those_free: bool = False) -> str:
    """Return what makes a SELECT lock its rows, where a database locks rows: all, or those that no one else has."""
    if not connection.features.has_select_for_update_skip_locked:
        return ""
    return "FOR UPDATE SKIP LOCKED" if of_those_free else "FOR UPDATE"


def _save(queue_id: str, change: Change) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            _SAVE,
            [
                change.total,
                change.handled,
                change.stored_bytes,
                change.written,
                change.deleted,
                change.head_items_read,
                queue_id,
            ],
        )
        cursor.execute(_SAVE_MODIFIED, [connection.ops.adapt_datetimefield_value(clock.now()), queue_id])


_STATE = "SELECT client_key, had_multiple_clients FROM resources_requestqueue WHERE resource_ptr_id = %s"
# Shared with all other writers, and against a deletion of the queue.
_ENTER = {"sqlite": _STATE, "postgresql": f"{_STATE} FOR KEY SHARE"}
_SAVE = (
    "UPDATE resources_requestqueue SET total_count = total_count + %s, handled_count = handled_count + %s, "
    "stored_bytes = stored_bytes + %s, write_count = write_count + %s, delete_count = delete_count + %s, "
    "head_item_read_count = head_item_read_count + %s WHERE resource_ptr_id = %s"
)
_SAVE_MODIFIED = "UPDATE resources_resource SET modified_at = %s WHERE id = %s"
