"""The whole server is killed in the midst of its work, again and again.

What was acknowledged is there afterwards, nothing is half there, and what an unfinished write has left behind is
cleaned away. Each life of the server ends when so many requests have been answered, a number that is drawn with a
seed; several threads keep it busy until then, so that there is always something under way.
"""

import json
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from http.client import HTTPException
from itertools import count, groupby
from operator import itemgetter

import pytest

from tests.support.killable_server import Connection, Server, account_with_token, killable_server
from tests.support.migrated import migrate

ROUNDS = 20
FEWEST, MOST = 20, 70
KEYS_OF_EACH = 4
IN_A_BATCH = 25
LOCK = 300


@dataclass
class Life:
    """One life of the server: how long it is, and what has been answered in it."""

    server: Server
    token: str
    length: int
    answered: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def acknowledged(self) -> None:
        """Count one answer; the last one is the death of the server."""
        with self.lock:
            self.answered += 1
            if self.answered == self.length:
                self.server.kill()

    def work(self, *workers: Callable[[Connection], Iterator[None]]) -> None:
        """Have the workers ask one request after the other, each on its own connection, until nobody answers."""

        def run(worker: Callable[[Connection], Iterator[None]]) -> None:
            connection = Connection(self.server.port, self.token)
            try:
                for _ in worker(connection):
                    self.acknowledged()
            except (OSError, HTTPException):
                assert self.answered >= self.length, "the server failed before it was killed"
            finally:
                connection.close()

        with ThreadPoolExecutor(len(workers)) as threads:
            for done in [threads.submit(run, worker) for worker in workers]:
                done.result()


class Pushes:
    """Batches of items that are pushed into one dataset: small ones, and some that take several chunks."""

    def __init__(self, dataset: str, chance: random.Random) -> None:
        self.path = f"datasets/{dataset}"
        self.chance = chance
        self.numbers = count()
        self.acknowledged: set[int] = set()

    def push(self, connection: Connection) -> Iterator[None]:
        while True:
            number, size = next(self.numbers), self.chance.choice((1, 3, 40, 1500))
            items = [{"batch": number, "at": at, "of": size, "text": f"item {at} " * 20} for at in range(size)]
            status, _, _ = connection.ask("POST", f"{self.path}/items", json.dumps(items).encode())
            assert status == 201
            self.acknowledged.add(number)
            yield

    def check(self, connection: Connection) -> None:
        _, headers, body = connection.ask("GET", f"{self.path}/items")
        items = json.loads(body)
        batches = [
            (number, [(each["at"], each["of"], each["text"]) for each in batch])
            for number, batch in groupby(items, itemgetter("batch"))
        ]
        found = Counter(number for number, _ in batches)
        assert set(found.values()) <= {1}
        assert self.acknowledged <= found.keys()
        for _, batch in batches:
            assert batch == [(at, len(batch), f"item {at} " * 20) for at in range(len(batch))]
        about = connection.json("GET", self.path)
        assert about["itemCount"] == about["cleanItemCount"] == len(items)
        assert headers["x-apify-pagination-total"] == str(len(items))
        middle = len(items) // 2
        page = connection.ask("GET", f"{self.path}/items?desc=1&offset={middle}&limit=2000")[2]
        assert json.loads(page) == items[::-1][middle : middle + 2000]
        self.acknowledged = set(found)


class Records:
    """Records that are written over and over, and deleted now and then, by one writer with keys of its own."""

    def __init__(self, store: str, name: str, chance: random.Random) -> None:
        self.path = f"key-value-stores/{store}"
        self.name = name
        self.chance = chance
        self.there: dict[str, tuple[bytes | None, str | None]] = {}
        self.under_way: tuple[str, bytes | None] | None = None

    def write(self, connection: Connection) -> Iterator[None]:
        for number in count():
            key = f"{self.name}-{self.chance.randrange(KEYS_OF_EACH)}"
            body = None if self.chance.random() < 0.1 else self._body(number)
            self.under_way = key, body
            path = f"{self.path}/records/{key}"
            method = "DELETE" if body is None else "PUT"
            status, headers, _ = connection.ask(method, path, body, **{"Content-Type": "text/plain"})
            assert status == (204 if body is None else 201)
            self.there[key] = body, headers.get("etag")
            self.under_way = None
            yield

    def _body(self, number: int) -> bytes:
        text = sha256(f"{self.name} {number} {self.chance.random()}".encode()).hexdigest().encode()
        return text * self.chance.choice((1, 20, 4000, 20_000))

    def check(self, connection: Connection, sizes: dict[str, int]) -> None:
        for key in [f"{self.name}-{at}" for at in range(KEYS_OF_EACH)]:
            old, old_etag = self.there.get(key, (None, None))
            self._check(connection, key, old, old_etag, sizes.get(key))

    def _check(
        self, connection: Connection, key: str, old: bytes | None, old_etag: str | None, listed: int | None
    ) -> None:
        """One record is the old one or the new one, and whatever is said of it is said of that one."""
        path = f"{self.path}/records/{key}"
        status, headers, found = connection.ask("GET", path)
        if status == 404:
            body, etag = None, None
        else:
            assert status == 200
            body, etag = found, headers["etag"]
            assert headers["content-length"] == str(len(body))
            assert connection.ask("GET", path, **{"If-None-Match": etag})[0] == 304
        new = self.under_way[1] if self.under_way and self.under_way[0] == key else old
        assert body in (old, new), key
        assert (etag == old_etag) is (body == old)
        assert listed == (None if body is None else len(body))
        self.there[key] = body, etag


class Requests:
    """Requests that are added in batches, locked at the head, and marked as handled, in one queue."""

    def __init__(self, queue: str) -> None:
        self.path = f"request-queues/{queue}"
        self.numbers = count()
        self.added: set[int] = set()
        self.handled: dict[str, str] = {}
        self.locked: dict[str, list[str]] = {}

    def add(self, connection: Connection) -> Iterator[None]:
        while True:
            number = next(self.numbers)
            batch = [self._request(number, at) for at in range(IN_A_BATCH)]
            added = connection.json("POST", f"{self.path}/requests/batch", batch)
            assert len(added["processedRequests"]) == IN_A_BATCH
            self.added.add(number)
            yield

    def work(self, client: str) -> Callable[[Connection], Iterator[None]]:
        """Return a worker that fetches requests and handles them, or gives them up."""

        def work(connection: Connection) -> Iterator[None]:
            while True:
                who = f"clientKey={client}"
                locked = connection.json("POST", f"{self.path}/head/lock?lockSecs={LOCK}&limit=3&{who}")["items"]
                yield
                for at, each in enumerate(locked):
                    path = f"{self.path}/requests/{each['id']}"
                    if at == 2:
                        assert connection.ask("DELETE", f"{path}/lock?{who}")[0] == 204
                    else:
                        body = {"uniqueKey": each["uniqueKey"], "url": each["url"], "handledAt": "2026-08-01T12:00:00Z"}
                        connection.json("PUT", f"{path}?{who}", body)
                        self.handled[each["id"]] = each["uniqueKey"]
                    yield

        return work

    def check(self, connection: Connection, clients: list[str]) -> None:
        found = self._every_request(connection)
        keys = Counter(each["uniqueKey"] for each in found)
        assert set(keys.values()) <= {1}
        numbers = {int(key.split("-")[0]) for key in keys}
        assert keys.keys() == {self._key(number, at) for number in numbers for at in range(IN_A_BATCH)}
        assert self.added <= numbers
        handled = {each["id"]: each["uniqueKey"] for each in found if "handledAt" in each}
        assert self.handled.items() <= handled.items()
        about = connection.json("GET", self.path)
        assert about["totalRequestCount"] == len(found)
        assert about["handledRequestCount"] == len(handled)
        assert about["pendingRequestCount"] == len(found) - len(handled)
        self._check_head(connection, clients, {each["id"] for each in found} - handled.keys())
        self.added, self.handled = numbers, handled

    def _check_head(self, connection: Connection, clients: list[str], pending: set[str]) -> None:
        """What was locked by workers that are no more is handed out again, and nothing that is handled is."""
        for client in clients:
            connection.json("POST", f"{self.path}/requests/unlock?clientKey={client}")
        head = [each["id"] for each in connection.json("GET", f"{self.path}/head?limit=1000")["items"]]
        assert len(head) == len(set(head)) == min(1000, len(pending))
        assert set(head) <= pending

    def _every_request(self, connection: Connection) -> list[dict]:
        found, cursor = [], ""
        while True:
            page = connection.json("GET", f"{self.path}/requests?limit=700{cursor}")
            found += page["items"]
            if "nextCursor" not in page:
                return found
            cursor = f"&cursor={page['nextCursor']}"

    def _request(self, number: int, at: int) -> dict[str, str]:
        return {"uniqueKey": self._key(number, at), "url": f"https://example.com/{number}/{at}"}

    def _key(self, number: int, at: int) -> str:
        return f"{number}-{at}"


@pytest.fixture
def server(tmp_path) -> Iterator[Server]:
    with killable_server(tmp_path) as server:
        migrate(server.environment)
        yield server


def sizes_in(connection: Connection, store: str) -> dict[str, int]:
    """Return the size of each record that the store lists."""
    return {each["key"]: each["size"] for each in connection.json("GET", f"key-value-stores/{store}/keys")["items"]}


def test_what_was_acknowledged_outlives_the_server_and_nothing_is_half_there(server):
    chance = random.Random(20)
    token = account_with_token(server, "ada")
    server.start()
    connection = Connection(server.port, token)
    kinds = ("datasets", "key-value-stores", "request-queues")
    dataset, store, queue = (connection.json("POST", kind)["id"] for kind in kinds)
    pushes, requests = Pushes(dataset, random.Random(1)), Requests(queue)
    writers = [Records(store, f"writer{at}", random.Random(at)) for at in range(2)]
    clients = ["one", "two"]

    for _ in range(ROUNDS):
        life = Life(server, token, chance.randint(FEWEST, MOST))
        unfinished = Connection(server.port, token)
        unfinished.begin(f"key-value-stores/{store}/records/never", 1 << 20, b"half" * (1 << 17))
        life.work(
            pushes.push, *(each.write for each in writers), requests.add, *(requests.work(each) for each in clients)
        )
        server.wait_until_dead()
        unfinished.close()
        connection.close()
        server.start()
        connection = Connection(server.port, token)
        pushes.check(connection)
        sizes = sizes_in(connection, store)
        for each in writers:
            each.check(connection, sizes)
        assert "never" not in sizes
        about = connection.json("GET", f"key-value-stores/{store}")
        assert about["stats"]["storageBytes"] == sum(sizes.values())
        requests.check(connection, clients)

    assert pushes.acknowledged
    assert requests.handled
    sizes = sizes_in(connection, store)
    server.environment["RECORDS_WAIT_HOURS"] = "1e-9"
    server.manage("clean_records")  # what was replaced and deleted; what interrupted writes left is too young yet
    assert len(server.records) > len(sizes), "no write was interrupted"
    server.manage("clean_records", "--older-than", "0")
    assert len(server.records) == len(sizes)
    for each in writers:
        each.check(connection, sizes)
    connection.close()
