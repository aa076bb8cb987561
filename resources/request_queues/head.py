"""The head of a queue: what is to be worked on next, looked at or locked for a client.

On PostgreSQL a client takes only rows that no other is just taking, so clients never wait for each other; on
SQLite a transaction that writes has the database for itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.lib.sql import Statement
from accounts.lib.timestamps import from_milliseconds, milliseconds
from resources.request_queues import clock
from resources.request_queues.changing import changing, for_update, rows
from resources.request_queues.clients import Client
from resources.request_queues.structs import HeadRequest


@dataclass(frozen=True, slots=True)
class LockedHead:
    """What a client has locked, and until when.

    `has_locked` says whether anything in the queue is locked, by this client or by another, `had_multiple_clients`
    whether it ever had another one, `modified_at` when this modified the queue; None: it did not.
    """

    requests: list[HeadRequest]
    expires_at: datetime
    has_locked: bool
    had_multiple_clients: bool
    modified_at: datetime | None


def head(queue_id: str, limit: int) -> list[HeadRequest]:
    """Return the first requests that are neither handled nor locked."""
    now = milliseconds(clock.now())
    return [HeadRequest(*row) for row in _HEAD.rows([queue_id, limit, queue_id, now, limit])]


def lock_head(queue_id: str, limit: int, duration: timedelta, *, client: Client) -> LockedHead:
    """Lock the first requests that are neither handled nor locked, for `duration`, and return them.

    No other call gets any of them until they are unlocked or the time is over; then they are where they were.

    Raises:
        QueueGone: when there is no such queue (any more).
    """
    with changing(queue_id, client) as change:
        now = clock.now()
        free = for_update(of_those_free=True)
        _take_off_expired(queue_id, milliseconds(now), free)
        expires_at = milliseconds(now + duration)
        taken = rows(_TAKE.format(lock=free), [queue_id, limit, expires_at, client.owner])
        taken.sort(key=lambda row: row[:2])
        change.head_items_read += len(taken)
        change.touched = bool(taken)
        change.written += len(taken)
        # What is still to be handled and could not be taken is locked, or just being locked, by another client.
        has_locked = bool(taken) or bool(rows(_REMAINS, [queue_id, queue_id]))
    return LockedHead(
        [HeadRequest(*row[2:]) for row in taken],
        from_milliseconds(expires_at),
        has_locked,
        change.had_multiple_clients,
        now if taken else None,
    )


def _take_off_expired(queue_id: str, now: int, free: str) -> None:
    """Make requests whose lock has expired available again; `locked_by` still tells whose it was."""
    rows(_TAKE_OFF.format(lock=free), [queue_id, now])


_FIELDS = "request_id, unique_key, url, method, retry_count"
_OPEN = "FROM resources_queuedrequest WHERE queue_id = %s AND handled_at IS NULL AND lock_expires_at IS NULL"
_HEAD = Statement(
    f"SELECT {_FIELDS} FROM ("
    f"SELECT * FROM (SELECT order_key, id, {_FIELDS} {_OPEN} ORDER BY order_key, id LIMIT %s) AS free UNION ALL "
    f"SELECT * FROM (SELECT order_key, id, {_FIELDS} FROM resources_queuedrequest "
    "WHERE queue_id = %s AND lock_expires_at <= %s) AS expired"
    ") AS head ORDER BY order_key, id LIMIT %s"
)
_TAKE_OFF = (
    "WITH expired AS MATERIALIZED (SELECT id FROM resources_queuedrequest "
    "WHERE queue_id = %s AND lock_expires_at <= %s {lock}) "
    "UPDATE resources_queuedrequest SET lock_expires_at = NULL WHERE id IN (SELECT id FROM expired) RETURNING id"
)
_TAKE = (
    f"WITH taken AS MATERIALIZED (SELECT id {_OPEN} ORDER BY order_key, id LIMIT %s {{lock}}) "
    "UPDATE resources_queuedrequest SET lock_expires_at = %s, locked_by = %s WHERE id IN (SELECT id FROM taken) "
    f"RETURNING order_key, id, {_FIELDS}"
)
_REMAINS = (
    f"SELECT 1 WHERE EXISTS (SELECT 1 {_OPEN}) "
    "OR EXISTS (SELECT 1 FROM resources_queuedrequest WHERE queue_id = %s AND lock_expires_at IS NOT NULL)"
)
