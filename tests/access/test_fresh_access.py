"""A change of any access setting is seen by the very next request, in every worker process.

Gunicorn serves a database of its own with several workers. Every setting goes back and forth, and after each
change several requests at once, each on a new connection, must all see it.
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from apify_client._utils.crypto import create_storage_content_signature

from tests.support.migrated import migrate

ROOT = Path(__file__).parents[2]
WORKERS = 3
READS_AFTER_A_CHANGE = 8
TIMES = 40
FEWER_TIMES = 20
DAY = 24 * 60 * 60


@dataclass
class Server:
    """The server, and the process that changes what has no HTTP call."""

    port: int
    other: subprocess.Popen[str]
    readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(4))

    def change(self, *what):
        """Have the other process change something, and return its answer."""
        assert self.other.stdin is not None
        assert self.other.stdout is not None
        self.other.stdin.write(json.dumps(what) + "\n")
        self.other.stdin.flush()
        return json.loads(self.other.stdout.readline())

    def ask(self, method: str, path: str, token: str | None = None, body: object = None) -> tuple[int, bytes]:
        """Make one request on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def read_all(self, path: str, token: str | None = None) -> list[int]:
        """Return the statuses of several requests that were made at once."""
        asked = [self.readers.submit(self.ask, "GET", path, token) for _ in range(READS_AFTER_A_CHANGE)]
        return [request.result()[0] for request in asked]


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The environment of both processes, with a database of their own, of the sort that the tests run on."""
    data = tmp_path_factory.mktemp("data")
    environment = {**os.environ, "DATA_DIR": str(data), "DEMO": "0", "SECRET_KEY": secrets.token_hex(32)}
    environment["DJANGO_SETTINGS_MODULE"] = "console.settings"
    environment["LOOKUP_MISSES"] = "1000000"  # a name that is closed half of the time is asked for very often
    url = os.environ.get("DATABASE_URL")
    if not url:
        yield environment
        return
    psycopg = pytest.importorskip("psycopg")
    name = f"latchkey_fresh_{secrets.token_hex(4)}"
    with psycopg.connect(url, autocommit=True) as database:
        database.execute(f"CREATE DATABASE {name}")
        try:
            yield {**environment, "DATABASE_URL": urlsplit(url)._replace(path=f"/{name}").geturl()}
        finally:
            database.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def server(environment, tmp_path_factory) -> Iterator[Server]:
    def python(*arguments: str, **options: Any) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, **options)

    migrate(environment)
    log = tmp_path_factory.mktemp("log") / "access.log"
    # The socket listens before the server does, so the first request waits for it and nobody has to try again.
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening, log.open("w") as output:
        fd = listening.fileno()
        command = ["-m", "gunicorn", "--config", "python:console.server.gunicorn_config", "--bind", f"fd://{fd}"]
        command += ["--workers", str(WORKERS), "--access-logfile", "-", "--access-logformat", "worker=%(p)s"]
        serving = python(*command, pass_fds=[fd], stdout=output)
        other = python("-m", "tests.support.other_process", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            made = Server(listening.getsockname()[1], other)
            assert made.ask("GET", "/healthz")[0] == 200
            yield made
        finally:
            for process in (serving, other):
                process.terminate()
                process.wait(30)
    served = re.findall(r"worker=\D*(\d+)", log.read_text())
    assert len(served) > 1000
    assert len(set(served)) == WORKERS, "the requests did not reach every worker"


@pytest.fixture(scope="module")
def world(server) -> dict[str, str]:
    """Ada with a dataset, Ben, and a token for each."""
    server.change("make", "ada")
    server.change("make", "ben")
    found = {name: server.change("token", name)["text"] for name in ("ada", "ben")}
    return {**found, "id": server.change("dataset", "ada", "prices")}


@pytest.fixture
def level(server, world) -> Callable[[str], None]:
    """Set the level of the dataset itself, by the API."""

    def change(value: str) -> None:
        path = f"/v2/datasets/{world['id']}"
        assert server.ask("PUT", path, world["ada"], {"generalAccess": value})[0] == 200

    return change


def stale(server, path, token, changes, times=TIMES) -> int:
    """Go back and forth between changes and count the answers that are not what the last change says."""
    wrong = 0
    for _ in range(times):
        for change, expected in changes:
            change()
            wrong += sum(status != expected for status in server.read_all(path, token))
    return wrong


def items(world) -> str:
    return f"/v2/datasets/{world['id']}/items?limit=1"


@pytest.mark.parametrize("reader", [None, "ben"])
def test_the_level_of_the_resource(server, world, level, reader):
    changes = [(lambda: level("RESTRICTED"), 403), (lambda: level("ANYONE_WITH_ID_CAN_READ"), 200)]
    assert stale(server, items(world), world.get(reader), changes) == 0


def test_the_level_by_name(server, world, level):
    changes = [(lambda: level("ANYONE_WITH_ID_CAN_READ"), 404), (lambda: level("ANYONE_WITH_NAME_CAN_READ"), 200)]
    assert stale(server, "/v2/datasets/ada~prices/items", None, changes) == 0


def test_the_level_of_the_account(server, world, level):
    level("FOLLOW_USER_SETTING")
    changes = [
        (lambda: server.change("level", "ada", "RESTRICTED"), 403),
        (lambda: server.change("level", "ada", "ANYONE_WITH_ID_CAN_READ"), 200),
    ]
    assert stale(server, items(world), None, changes) == 0


def test_a_grant(server, world, level):
    level("RESTRICTED")
    right = f"/v2/datasets/{world['id']}/access-rights/ben"

    def grant():
        assert server.ask("PUT", right, world["ada"], {"permissions": ["READ"]})[0] == 200

    def revoke():
        assert server.ask("DELETE", right, world["ada"])[0] == 204

    assert stale(server, items(world), world["ben"], [(grant, 200), (revoke, 403)]) == 0


def test_a_token(server, world, level):
    level("ANYONE_WITH_ID_CAN_READ")
    wrong = 0
    for _ in range(TIMES):
        made = server.change("token", "ben")
        wrong += sum(status != 200 for status in server.read_all(items(world), made["text"]))
        server.change("revoke", made["id"])
        wrong += sum(status != 401 for status in server.read_all(items(world), made["text"]))
    assert wrong == 0


def test_an_account(server, world, level):
    level("ANYONE_WITH_ID_CAN_READ")
    changes = [
        (lambda: server.change("deactivate", "ben", False), 401),
        (lambda: server.change("deactivate", "ben", True), 200),
    ]
    assert stale(server, items(world), world["ben"], changes) == 0


@pytest.fixture(scope="module")
def shared(server, world) -> dict[str, str]:
    """Ada's Actor with a build and a task, and closed runs of it: Ada's, Ada's of the task, and Ben's."""
    actor = server.change("actor", "ada", "scraper")
    task = server.change("task", "ada", actor)
    return {
        "actor": actor,
        "build": server.change("build", actor),
        "task": task,
        "run": server.change("run", "ada", actor),
        "run_of_task": server.change("run", "ada", actor, task),
        "run_of_ben": server.change("run", "ben", actor),
    }


@pytest.fixture
def publish(server, world, shared) -> Iterator[Callable[[bool], None]]:
    """Publish the Actor or take that back, by the API; it ends as it began."""

    def change(is_public: bool) -> None:
        assert server.ask("PUT", f"/v2/actors/{shared['actor']}", world["ada"], {"isPublic": is_public})[0] == 200

    yield change
    change(False)


@pytest.mark.parametrize("reader", [None, "ben"])
@pytest.mark.parametrize(("path", "closed"), [("actors/{actor}", 404), ("actor-builds/{build}", 403)])
def test_publishing_an_actor(server, world, shared, publish, path, closed, reader):
    changes = [(lambda: publish(True), 200), (lambda: publish(False), closed)]
    assert stale(server, f"/v2/{path.format(**shared)}", world.get(reader), changes, FEWER_TIMES) == 0


def test_sharing_runs_with_the_creators_of_public_actors(server, world, shared, publish):
    publish(True)
    run = f"/v2/actor-runs/{shared['run_of_ben']}"
    changes = [
        (lambda: server.change("shares_runs", "ben", True), 200),
        (lambda: server.change("shares_runs", "ben", False), 403),
    ]
    assert stale(server, run, world["ada"], changes, FEWER_TIMES) == 0


def test_unpublishing_ends_what_is_shared_with_the_creator(server, world, shared, publish):
    server.change("shares_runs", "ben", True)
    changes = [(lambda: publish(True), 200), (lambda: publish(False), 403)]
    assert stale(server, f"/v2/actor-runs/{shared['run_of_ben']}", world["ada"], changes, FEWER_TIMES) == 0
    server.change("shares_runs", "ben", False)


@pytest.mark.parametrize(
    ("granted", "run"), [("actors/{actor}", "run"), ("actor-tasks/{task}", "run_of_task")], ids=["actor", "task"]
)
def test_the_owners_runs(server, world, shared, granted, run):
    """What changes is one permission of a grant that stays."""
    right = f"/v2/{granted.format(**shared)}/access-rights/ben"

    def give(*permissions: str) -> None:
        assert server.ask("PUT", right, world["ada"], {"permissions": permissions})[0] == 200

    changes = [(lambda: give("READ", "VIEW_OWNER_RUNS"), 200), (lambda: give("READ"), 403)]
    assert stale(server, f"/v2/actor-runs/{shared[run]}", world["ben"], changes, FEWER_TIMES) == 0
    assert server.ask("DELETE", right, world["ada"])[0] == 204


def test_the_run_of_an_issue(server, world, shared, publish):
    publish(True)  # so that Ben can write an issue
    path = f"/v2/actors/{shared['actor']}/issues"
    status, answer = server.ask("POST", path, world["ben"], {"title": "Prices missing"})
    assert status == 201
    issue = f"{path}/{json.loads(answer)['data']['id']}"

    def attach(run: str | None) -> None:
        assert server.ask("PUT", issue, world["ben"], {"runUrl": run})[0] == 200

    changes = [(lambda: attach(shared["run_of_ben"]), 200), (lambda: attach(None), 403)]
    assert stale(server, f"/v2/actor-runs/{shared['run_of_ben']}", world["ada"], changes, FEWER_TIMES) == 0


def by_link(world, signature) -> str:
    return f"{items(world)}&signature={signature}"


def test_a_link(server, world, level):
    level("RESTRICTED")
    wrong = 0
    for _ in range(FEWER_TIMES):
        made = server.change("link", "ada", world["id"], 14 * DAY)
        wrong += sum(status != 200 for status in server.read_all(by_link(world, made["signature"])))
        server.change("revoke_link", made["id"])
        wrong += sum(status != 403 for status in server.read_all(by_link(world, made["signature"])))
    assert wrong == 0


def test_the_key_of_links(server, world, level):
    """The key that a client gets signs at once, and no more once it is turned."""
    level("RESTRICTED")
    wrong, keys = 0, set()
    for _ in range(FEWER_TIMES):
        key = json.loads(server.ask("GET", f"/v2/datasets/{world['id']}", world["ada"])[1])["data"][
            "urlSigningSecretKey"
        ]
        keys.add(key)
        path = by_link(world, create_storage_content_signature(world["id"], key))
        wrong += sum(status != 200 for status in server.read_all(path))
        server.change("turn_key", world["id"])
        wrong += sum(status != 403 for status in server.read_all(path))
    assert wrong == 0
    assert len(keys) == FEWER_TIMES


def test_the_cap_of_the_account_on_links(server, world, level):
    """A lower cap ends a link that would live longer, for good, whatever the cap is later."""
    level("RESTRICTED")
    wrong = 0
    for _ in range(FEWER_TIMES):
        made = server.change("link", "ada", world["id"], 10 * DAY)
        wrong += sum(status != 200 for status in server.read_all(by_link(world, made["signature"])))
        server.change("cap", "ada", 7)
        wrong += sum(status != 403 for status in server.read_all(by_link(world, made["signature"])))
        server.change("cap", "ada", None)
        wrong += sum(status != 403 for status in server.read_all(by_link(world, made["signature"])))
    assert wrong == 0


def test_the_access_of_the_maker_of_a_link(server, world, level):
    level("RESTRICTED")
    right = f"/v2/datasets/{world['id']}/access-rights/ben"

    def give() -> None:
        assert server.ask("PUT", right, world["ada"], {"permissions": ["READ"]})[0] == 200

    def take() -> None:
        assert server.ask("DELETE", right, world["ada"])[0] == 204

    give()
    server.change("reader_links", "ada", True)
    made = server.change("link", "ben", world["id"], 14 * DAY)
    changes = [(take, 403), (give, 200)]
    assert stale(server, by_link(world, made["signature"]), None, changes, FEWER_TIMES) == 0
    take()
