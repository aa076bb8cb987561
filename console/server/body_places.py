"""Large bodies: whose turn it is to have one read by a thread, and how much of them is in memory before that."""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class BodyPlaces(Generic[T]):
    """The threads of a process that read large bodies, and what waits for one.

    They go to the client that has the fewest, and of several such ones to that which has waited longest since its
    last turn. One client never has all of them, so that each other one finds a place.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._most_of_one = max(1, count - count // 4)
        self._held: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[T]] = OrderedDict()

    def add(self, client: str, item: T) -> None:
        """Let something of a client wait for its turn."""
        self._waiting.setdefault(client, deque()).append(item)

    def take(self) -> T | None:
        """Give a place to what is next, and return it; None where nothing may have one now."""
        client = min(self._waiting, key=self._held.__getitem__, default=None)
        if client is None or not self._free or self._held[client] >= self._most_of_one:
            return None
        item = self._waiting[client].popleft()
        self._waiting.move_to_end(client)
        self._drop_empty(client)
        self._free -= 1
        self._held[client] += 1
        return item

    def leave(self, client: str) -> None:
        """Give back a place of a client."""
        self._free += 1
        _subtract(self._held, client, 1)

    def remove(self, client: str, item: T) -> None:
        """Let something wait no longer."""
        self._waiting[client].remove(item)
        self._drop_empty(client)

    def is_wanted(self) -> bool:
        """Tell whether anything waits. Safe to call from any thread."""
        return bool(self._waiting)

    def __iter__(self) -> Iterator[T]:
        for items in self._waiting.values():
            yield from items

    def _drop_empty(self, client: str) -> None:
        if not self._waiting[client]:
            del self._waiting[client]


class Memory:
    """How many bytes are kept for each client, and for all together."""

    def __init__(self, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._all = 0
        self._kept: Counter[str] = Counter()

    def take(self, client: str, size: int) -> bool:
        """Take so many bytes more for a client; return False, and take none, where it would be too much."""
        if self._all + size > self._most or self._kept[client] + size > self._most_of_one:
            return False
        self._all += size
        self._kept[client] += size
        return True

    def give_back(self, client: str, size: int) -> None:
        """Give so many bytes back."""
        self._all -= size
        _subtract(self._kept, client, size)


def _subtract(counter: Counter[str], client: str, count: int) -> None:
    counter[client] -= count
    if counter[client] <= 0:
        del counter[client]
