"""Adding, replacing and deleting the requests of a queue."""

from collections.abc import Sequence
from typing import Any

from django.db import connection

from accounts.lib import disk_space
from accounts.lib.timestamps import milliseconds
from resources.request_queues import clock
from resources.request_queues.changing import Change, changing, for_update, marks, rows
from resources.request_queues.clients import Client
from resources.request_queues.errors import RequestNotFound, WrongRequestId
from resources.request_queues.identity import looks_like_request_id
from resources.request_queues.structs import NewRequest, Registered


def add(
    queue_id: str, requests: Sequence[NewRequest], *, client: Client, forefront: bool = False
) -> list[Registered | None]:
    """Add those requests whose unique key is not in the queue yet, all in one transaction.

    Returns what became of each, in the order given; None for one that was there and was deleted at the same moment,
    which can be added again. What is in the queue already stays as it is.

    Raises:
        QueueGone: when there is no such queue (any more).
        OSError: ENOSPC when the disk has no space for something new.
    """
    unique: dict[str, NewRequest] = {}
    for request in requests:
        unique.setdefault(request.id, request)
    with changing(queue_id, client) as change:
        disk_space.check_database(sum(request.size for request in unique.values()))
        added = _insert(queue_id, unique, change, forefront)
        present = _load_handled(queue_id, [id_ for id_ in unique if id_ not in added])
    answers: list[Registered | None] = []
    for request in requests:
        if request.id in added:
            answers.append(Registered(request.id, request.unique_key, was_present=False, was_handled=False))
            added.discard(request.id)
            present[request.id] = request.handled_at is not None  # for the same one later in this batch
        elif request.id in present:
            answers.append(Registered(request.id, request.unique_key, True, present[request.id]))
        else:
            answers.append(None)
    return answers


def replace(
    queue_id: str, request_id: str, request: NewRequest, *, client: Client, forefront: bool = False
) -> Registered:
    """Put `request` in the place of the one with this ID, or add it, and return how that one stood before.

    A handled request loses its lock. One that is not handled goes to the end of the queue, or to its beginning, and
    is free again, unless another client has it locked: then it stays locked, and where it is.

    Raises:
        WrongRequestId: when the unique key makes another ID.
        QueueGone: when there is no such queue (any more).
        OSError: ENOSPC when the disk has no space for something new.
    """
    if request.id != request_id:
        raise WrongRequestId(request_id)
    with changing(queue_id, client) as change:
        disk_space.check_database(request.size)
        # Only a deletion at the same moment can make a second try necessary, and hardly ever a third.
        while True:
            found = rows(_SELECT_ONE + for_update(), [queue_id, request_id])
            if found:
                return _update(request, found[0], change, client, forefront)
            if _insert(queue_id, {request.id: request}, change, forefront):
                return Registered(request.id, request.unique_key, was_present=False, was_handled=False)


def delete(queue_id: str, request_id: str, *, client: Client) -> None:
    """Delete one request, locked or not.

    Raises:
        RequestNotFound: when the queue has no such request.
        QueueGone: when there is no such queue (any more).
    """
    if not delete_many(queue_id, [request_id], client=client):
        raise RequestNotFound(request_id)


def delete_many(queue_id: str, request_ids: Sequence[str], *, client: Client) -> set[str]:
    """Delete the requests with these IDs, and return the IDs of those that were there.

    Raises:
        QueueGone: when there is no such queue (any more).
    """
    with changing(queue_id, client) as change:
        ids = [id_ for id_ in request_ids if looks_like_request_id(id_)]
        if not ids:
            return set()
        doomed = rows(_DELETE.format(ids=marks(len(ids)), lock=for_update()), [queue_id, *ids])
        change.total -= len(doomed)
        change.handled -= sum(handled_at is not None for _, handled_at, _ in doomed)
        change.stored_bytes -= sum(size for _, _, size in doomed)
        change.deleted += len(doomed)
        change.touched = bool(doomed)
    return {request_id for request_id, _, _ in doomed}


def _insert(queue_id: str, unique: dict[str, NewRequest], change: Change, forefront: bool) -> set[str]:
    """Insert those that are not there, row after row in the order of the ids, and return their ids."""
    if not unique:
        return set()
    keys = dict(zip(unique, clock.order_keys(len(unique), forefront=forefront), strict=True))
    values: list[Any] = []
    sizes = {}
    for id_ in sorted(unique):
        request = unique[id_]
        sizes[id_] = request.size
        values += (queue_id, id_, keys[id_], request.handled_at, request.retry_count, sizes[id_])
        values += (request.method, request.unique_key, request.url, request.details)
    inserted = {id_ for (id_,) in rows(_INSERT.format(rows=", ".join([_ROW] * len(unique))), values)}
    change.total += len(inserted)
    change.handled += sum(unique[id_].handled_at is not None for id_ in inserted)
    change.stored_bytes += sum(sizes[id_] for id_ in inserted)
    change.written += len(inserted)
    change.touched = change.touched or bool(inserted)
    return inserted


def _load_handled(queue_id: str, request_ids: list[str]) -> dict[str, bool]:
    """Return whether each of these requests was handled, of those that are there."""
    if not request_ids:
        return {}
    found = rows(_SELECT_HANDLED.format(ids=marks(len(request_ids))), [queue_id, *request_ids])
    return {id_: bool(handled) for id_, handled in found}


def _update(
    request: NewRequest, before: tuple[Any, ...], change: Change, client: Client, forefront: bool
) -> Registered:
    pk, handled_at, lock_expires_at, locked_by, order_key, size = before
    is_locked = lock_expires_at is not None and lock_expires_at > milliseconds(clock.now())
    if request.handled_at is not None:
        place: tuple[Any, ...] = (None, "", order_key)
    elif is_locked and locked_by != client.owner:
        place = (lock_expires_at, locked_by, order_key)
    else:
        place = (None, "", clock.order_keys(1, forefront=forefront)[0])
    new_size = request.size
    values = (request.url, request.method, request.retry_count, request.details, new_size, request.handled_at)
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [*values, *place, pk])
    change.handled += (request.handled_at is not None) - (handled_at is not None)
    change.stored_bytes += new_size - size
    change.written += 1
    change.touched = True
    return Registered(request.id, request.unique_key, was_present=True, was_handled=handled_at is not None)


_ROW = "(%s, %s, %s, %s, NULL, '', %s, %s, %s, %s, %s, %s)"
_INSERT = (
    "INSERT INTO resources_queuedrequest (queue_id, request_id, order_key, handled_at, lock_expires_at, locked_by, "
    "retry_count, size, method, unique_key, url, details) VALUES {rows} "
    "ON CONFLICT (queue_id, request_id) DO NOTHING RETURNING request_id"
)
_SELECT_HANDLED = (
    "SELECT request_id, handled_at IS NOT NULL FROM resources_queuedrequest "
    "WHERE queue_id = %s AND request_id IN ({ids})"
)
_SELECT_ONE = (
    "SELECT id, handled_at, lock_expires_at, locked_by, order_key, size FROM resources_queuedrequest "
    "WHERE queue_id = %s AND request_id = %s "
)
_UPDATE = (
    "UPDATE resources_queuedrequest SET url = %s, method = %s, retry_count = %s, details = %s, size = %s, "
    "handled_at = %s, lock_expires_at = %s, locked_by = %s, order_key = %s WHERE id = %s"
)
_DELETE = (
    "WITH doomed AS MATERIALIZED (SELECT id FROM resources_queuedrequest WHERE queue_id = %s AND request_id IN ({ids}) "
    "ORDER BY request_id {lock}) DELETE FROM resources_queuedrequest WHERE id IN (SELECT id FROM doomed) "
    "RETURNING request_id, handled_at, size"
)
