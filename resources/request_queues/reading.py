"""Reading the requests of a queue: one, or page by page in the order of their ids."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from accounts.lib.sql import Statement
from accounts.lib.timestamps import milliseconds
from resources.request_queues import clock
from resources.request_queues.errors import RequestNotFound
from resources.request_queues.identity import looks_like_request_id
from resources.request_queues.structs import StoredRequest

# A page ends early rather than take more memory than this.
MAX_PAGE_BYTES: Final = 16 * 1024 * 1024


class State(StrEnum):
    """How a request stands: each is in one of these."""

    PENDING = "pending"
    LOCKED = "locked"
    HANDLED = "handled"


@dataclass(frozen=True, slots=True)
class RequestPage:
    """A page of requests; `next_after` is the ID after which the next page begins, None at the end."""

    requests: list[StoredRequest]
    next_after: str | None


def get(queue_id: str, request_id: str) -> StoredRequest:
    """Return one request of a queue.

    Raises:
        RequestNotFound: when the queue has no such request.
    """
    row = _GET.row([queue_id, request_id]) if looks_like_request_id(request_id) else None
    if row is None:
        raise RequestNotFound(request_id)
    return _stored(row, milliseconds(clock.now()))


def count_locked(queue_id: str) -> int:
    """Return how many requests of a queue are locked now."""
    ((count,),) = _COUNT_LOCKED.rows([queue_id, milliseconds(clock.now())])
    return int(count)


def page(
    queue_id: str,
    limit: int,
    *,
    after: str = "",
    states: AbstractSet[State] = frozenset(),
    max_bytes: int = MAX_PAGE_BYTES,
) -> RequestPage:
    """Return up to `limit` requests whose ID comes after `after`, in any of `states`, or in any at all.

    Of several states only those that are still to be handled can be asked for together.

    A page takes no more than about `max_bytes`, but has one request at least as long as there is one.
    """
    now = milliseconds(clock.now())
    sizes, requests = _STATEMENTS[frozenset(states)]
    moments = [now] * _MOMENTS[frozenset(states)]
    found = sizes.rows([queue_id, after, *moments, limit + 1])
    count, taken = 0, 0
    while count < min(limit, len(found)) and (count == 0 or taken + found[count][1] <= max_bytes):
        taken += found[count][1]
        count += 1
    if count == 0:
        return RequestPage([], None)
    last: str = found[count - 1][0]
    rows = requests.rows([queue_id, after, *moments, last, count])
    return RequestPage([_stored(row, now) for row in rows], last if count < len(found) else None)


def _stored(row: tuple[Any, ...], now: int) -> StoredRequest:
    request = StoredRequest(*row)
    if request.lock_expires_at is not None and request.lock_expires_at <= now:
        return replace(request, lock_expires_at=None)
    return request


_FIELDS = "request_id, unique_key, url, method, retry_count, handled_at, lock_expires_at, details"
_TABLE = "FROM resources_queuedrequest WHERE queue_id = %s"
_GET = Statement(f"SELECT {_FIELDS} {_TABLE} AND request_id = %s")
_COUNT_LOCKED = Statement(f"SELECT COUNT(*) {_TABLE} AND lock_expires_at > %s")
_CONDITIONS: Final[dict[frozenset[State], str]] = {
    frozenset(): "",
    frozenset({State.PENDING}): "AND handled_at IS NULL AND (lock_expires_at IS NULL OR lock_expires_at <= %s)",
    frozenset({State.LOCKED}): "AND lock_expires_at > %s",
    frozenset({State.PENDING, State.LOCKED}): "AND handled_at IS NULL",
    frozenset({State.HANDLED}): "AND handled_at IS NOT NULL",
}
_MOMENTS = {states: condition.count("%s") for states, condition in _CONDITIONS.items()}
_STATEMENTS = {
    states: (
        Statement(f"SELECT request_id, size {_TABLE} AND request_id > %s {condition} ORDER BY request_id LIMIT %s"),
        Statement(
            f"SELECT {_FIELDS} {_TABLE} AND request_id > %s {condition} AND request_id <= %s "
            "ORDER BY request_id LIMIT %s"
        ),
    )
    for states, condition in _CONDITIONS.items()
}
