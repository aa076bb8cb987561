"""Locks of requests: the client that holds one prolongs and releases it."""

from datetime import datetime, timedelta

from accounts.lib.timestamps import from_milliseconds, milliseconds
from resources.request_queues import clock
from resources.request_queues.changing import changing, for_update, rows
from resources.request_queues.clients import Client
from resources.request_queues.errors import NotLockedByClient, RequestNotFound
from resources.request_queues.identity import looks_like_request_id


def prolong(
    queue_id: str, request_id: str, duration: timedelta, *, client: Client, forefront: bool = False
) -> datetime:
    """Let a client's lock end in `duration` from now, and return that moment; the request then is last, or first.

    A lock that has expired can still be prolonged, as long as no other client has taken the request.

    Raises:
        RequestNotFound: when the queue has no such request.
        NotLockedByClient: when the client does not hold its lock.
        QueueGone: when there is no such queue (any more).
    """
    with changing(queue_id, client) as change:
        expires_at = milliseconds(clock.now() + duration)
        order_key = clock.order_keys(1, forefront=forefront)[0]
        _check_id(request_id)
        if not rows(_PROLONG, [expires_at, order_key, queue_id, request_id, client.owner]):
            _load_expiry(queue_id, request_id)
            raise NotLockedByClient(request_id)
        change.touched = True
        change.written += 1
    return from_milliseconds(expires_at)


def unlock(queue_id: str, request_id: str, *, client: Client, forefront: bool = False) -> None:
    """Take a client's lock off a request, which then is last, or first. Where there is no lock, nothing is done.

    Raises:
        RequestNotFound: when the queue has no such request.
        NotLockedByClient: when another client holds the lock.
        QueueGone: when there is no such queue (any more).
    """
    with changing(queue_id, client) as change:
        order_key = clock.order_keys(1, forefront=forefront)[0]
        _check_id(request_id)
        if rows(_UNLOCK, [order_key, queue_id, request_id, client.owner]):
            change.touched = True
            return
        expires_at = _load_expiry(queue_id, request_id)
        if expires_at is not None and expires_at > milliseconds(clock.now()):
            raise NotLockedByClient(request_id)


def unlock_all(queue_id: str, *, client: Client) -> int:
    """Take all of a client's locks off, and return how many there were; each request stays where it is.

    Raises:
        QueueGone: when there is no such queue (any more).
    """
    with changing(queue_id, client) as change:
        now = milliseconds(clock.now())
        held = rows(_SELECT_HELD + for_update(), [queue_id, client.owner])
        if held:
            rows(_UNLOCK_ALL, [queue_id, client.owner])
            change.touched = True
    return sum(expires_at > now for (expires_at,) in held)


def unlock_for_everybody(queue_id: str, *, client: Client) -> int:
    """Release the locks of all clients, and return how many there were; each request stays where it is.

    For a queue whose workers have died. What a living worker works on may be given to another one as well.

    Raises:
        QueueGone: when there is no such queue (any more).
    """
    with changing(queue_id, client) as change:
        now = milliseconds(clock.now())
        held = rows(_SELECT_LOCKED + for_update(), [queue_id])
        if held:
            rows(_UNLOCK_LOCKED, [queue_id])
            change.touched = True
    return sum(expires_at > now for (expires_at,) in held)


def _check_id(request_id: str) -> None:
    if not looks_like_request_id(request_id):
        raise RequestNotFound(request_id)


def _load_expiry(queue_id: str, request_id: str) -> int | None:
    """Return when the lock of a request expires, in milliseconds since 1970; None where there is none."""
    found = rows(_SELECT, [queue_id, request_id])
    if not found:
        raise RequestNotFound(request_id)
    expires_at: int | None = found[0][0]
    return expires_at


_SELECT = "SELECT lock_expires_at FROM resources_queuedrequest WHERE queue_id = %s AND request_id = %s"
_PROLONG = (
    "UPDATE resources_queuedrequest SET lock_expires_at = %s, order_key = %s "
    "WHERE queue_id = %s AND request_id = %s AND locked_by = %s AND handled_at IS NULL RETURNING id"
)
_UNLOCK = (
    "UPDATE resources_queuedrequest SET lock_expires_at = NULL, locked_by = '', order_key = %s "
    "WHERE queue_id = %s AND request_id = %s AND locked_by = %s AND lock_expires_at IS NOT NULL RETURNING id"
)
_LOCKED = "queue_id = %s AND lock_expires_at IS NOT NULL"
_HELD = f"{_LOCKED} AND locked_by = %s"
_SELECT_LOCKED = f"SELECT lock_expires_at FROM resources_queuedrequest WHERE {_LOCKED} ORDER BY request_id "
_SELECT_HELD = f"SELECT lock_expires_at FROM resources_queuedrequest WHERE {_HELD} ORDER BY request_id "
_TAKE_OFF = "UPDATE resources_queuedrequest SET lock_expires_at = NULL, locked_by = ''"
_UNLOCK_LOCKED = f"{_TAKE_OFF} WHERE {_LOCKED} RETURNING id"
_UNLOCK_ALL = f"{_TAKE_OFF} WHERE {_HELD} RETURNING id"
