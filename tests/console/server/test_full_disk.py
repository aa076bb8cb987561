"""A disk of 30 MB that becomes full: what is new is refused, what is there can be read and deleted, which makes space.

The server is as it comes: of so small a disk it keeps a fifth back.
"""

import json
import os
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from tests.support.deployment import empty_database, host, manage
from tests.support.served import served

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
MEGABYTE = 1024 * 1024
SIZE = 30 * MEGABYTE
KEPT_BACK = SIZE // 5
ON_POSTGRESQL = bool(os.environ.get("DATABASE_URL"))


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", tmp_path], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "--lazy", tmp_path], check=True)


@pytest.fixture
def run(small_disk, monkeypatch):
    monkeypatch.delenv("DISK_RESERVE_MBYTES", raising=False)
    with served(small_disk, ("ada",)) as running:
        yield running


def free(directory) -> int:
    status = os.statvfs(directory)
    return status.f_bavail * status.f_frsize


def ask(run, method, path, body=None, **headers):
    response = run.request(method, f"/v2/{path}", body, **headers)
    return response.status, response.read()


def make(run, kind):
    return json.loads(ask(run, "POST", kind)[1])["data"]["id"]


def fill(run, method, path_for, body, **headers):
    """Save until it is refused; return the last number that was saved, and the refusal."""
    for number in range(200):
        status, answer = ask(run, method, path_for(number), body, **headers)
        if status >= 400:
            return number - 1, (status, json.loads(answer)["error"]["type"])
    pytest.fail("The disk is never full.")


def until_it_says(run, words):
    """Wait until /readyz says this of the space; what it says is remembered for a moment."""
    until = time.monotonic() + 10
    while True:
        checks = json.loads(run.request("GET", "/readyz").read())["checks"]
        if words in checks["space"].get("why", "ok"):
            return
        assert time.monotonic() < until, checks


def test_records_are_refused_before_the_disk_is_full_and_there_is_space_when_one_is_deleted(run, small_disk):
    store, small = make(run, "key-value-stores"), make(run, "datasets")
    data = os.urandom(3 * MEGABYTE)
    until_it_says(run, "ok")

    def path_for(number):
        return f"key-value-stores/{store}/records/{number}"

    last, refused = fill(run, "PUT", path_for, data, Content_Type="text/plain")
    assert last > 3
    assert refused == (507, "insufficient-storage")
    assert free(small_disk) > KEPT_BACK - 2 * MEGABYTE
    fill(run, "PUT", lambda number: path_for(f"small-{number}"), data[:100_000], Content_Type="text/plain")
    until_it_says(run, "is full")
    assert ask(run, "GET", path_for(last)) == (200, data)
    pushed = ask(run, "POST", f"datasets/{small}/items", b'{"a": 1}', Content_Type="application/json")[0]
    assert pushed == (201 if ON_POSTGRESQL else 507)
    assert ask(run, "DELETE", path_for(last))[0] == 204
    until_it_says(run, "nearly full")
    assert ask(run, "PUT", path_for(last), data, Content_Type="text/plain")[0] == 201
    assert ask(run, "GET", path_for(0)) == (200, data)
    for number in range(last + 1):
        assert ask(run, "DELETE", path_for(number))[0] == 204


@pytest.mark.skipif(ON_POSTGRESQL, reason="the database")
def test_what_is_deleted_from_the_database_is_space_for_what_is_new(run, small_disk):
    dataset, other = make(run, "datasets"), make(run, "datasets")
    items = json.dumps([{"text": os.urandom(MEGABYTE).hex()}]).encode()

    def path_for(number):
        return f"datasets/{dataset}/items"

    last, refused = fill(run, "POST", path_for, items, Content_Type="application/json")
    assert last > 3
    assert refused == (507, "insufficient-storage")
    smaller = json.dumps([{"text": os.urandom(30_000).hex()}]).encode()
    fill(run, "POST", path_for, smaller, Content_Type="application/json")
    assert free(small_disk) > KEPT_BACK - MEGABYTE
    assert ask(run, "POST", "datasets")[0] in (201, 507)  # it needs less than the items
    assert ask(run, "POST", f"datasets/{other}/items", smaller, Content_Type="application/json")[0] == 507
    assert ask(run, "GET", f"datasets/{dataset}/items?limit=1")[0] == 200
    assert ask(run, "DELETE", f"datasets/{dataset}")[0] == 204
    assert ask(run, "POST", f"datasets/{other}/items", items, Content_Type="application/json")[0] == 201


@pytest.mark.skipif(ON_POSTGRESQL, reason="the database")
@pytest.mark.parametrize("clients", [1, 6])
def test_the_largest_pushes_leave_what_is_kept_back(run, small_disk, clients):
    """What is pushed is in the log of SQLite first, and then in its file: a push takes its size twice."""
    dataset = make(run, "datasets")
    path, items = f"datasets/{dataset}/items", json.dumps([{"text": os.urandom(4 * MEGABYTE).hex()}]).encode()

    def push(_):
        return ask(run, "POST", path, items, Content_Type="application/json")[0]

    with ThreadPoolExecutor(clients) as pool:
        answers = list(pool.map(push, range(12)))
    assert set(answers) == {201, 507}
    assert free(small_disk) > KEPT_BACK - MEGABYTE
    assert ask(run, "GET", f"{path}?limit=1")[0] == 200
    assert ask(run, "DELETE", f"datasets/{dataset}")[0] == 204
    dataset = make(run, "datasets")
    items = json.dumps([{"text": os.urandom(MEGABYTE).hex()}]).encode()
    assert ask(run, "POST", f"datasets/{dataset}/items", items, Content_Type="application/json")[0] == 201


@pytest.mark.skipif(ON_POSTGRESQL, reason="the database")
def test_a_log_stops_where_the_space_begins_that_is_kept_back(run, small_disk):
    source = {"name": "main.py", "format": "TEXT", "content": ""}
    version = {"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": [source]}
    made = json.loads(ask(run, "POST", "actors", json.dumps({"name": "loud", "versions": [version]}))[1])["data"]
    path = f"actors/{made['id']}/builds?version=0.1"
    builds = [json.loads(ask(run, "POST", path)[1])["data"]["id"] for _ in range(2)]
    prints = f"""from resources.logs.writing import append
for build in {builds}:
    for _ in range(70):
        append(build, (b"x" * 199 + b"\\n") * 1000)
"""
    run.manage("shell", "--no-imports", "-c", prints)
    assert free(small_disk) > KEPT_BACK - MEGABYTE
    whole, cut = (ask(run, "GET", f"logs/{build}")[1] for build in builds)
    assert len(whole) == 14 * 1000 * 1000
    assert cut.count(b"x\n") > 0
    assert cut.endswith(b"ACTOR: The server's disk is full; what is printed is left out until there is space again.\n")
    assert cut.count(b"disk is full") == 1
    assert ask(run, "DELETE", f"actors/{made['id']}")[0] == 204
    assert make(run, "datasets")


def test_a_first_start_has_room_on_it(small_disk):
    """The migrations, and an account: what they take beside the data must not be more than there is."""
    with empty_database() as url:
        fresh = host(small_disk, url)
        assert manage(fresh, "migrate").returncode == 0
        made = manage(fresh, "create_account", "ada", "--email", "ada@example.com", "--password", "correct horse")
        assert made.returncode == 0, made.stderr
    assert free(small_disk) > SIZE // 2


def test_where_something_else_has_taken_the_last_byte_reading_works_and_nothing_is_a_bug(run, small_disk):
    store = make(run, "key-value-stores")
    path = f"key-value-stores/{store}/records/a"
    assert ask(run, "PUT", path, b"data", Content_Type="text/plain")[0] == 201
    ballast = small_disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while file.write(bytes(64 * 1024)):
            pass
    assert free(small_disk) < 64 * 1024
    assert ask(run, "GET", path) == (200, b"data")
    assert ask(run, "PUT", path, b"new", Content_Type="text/plain")[0] == 507
    assert ask(run, "GET", "users/me")[0] == 200
    ballast.unlink()
    assert ask(run, "GET", path) == (200, b"data")
    assert ask(run, "DELETE", path)[0] == 204
