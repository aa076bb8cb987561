"""A disk that becomes full: what is new is refused, what is there can be read and deleted, which makes space again."""

import json
import os
import subprocess
import time
from contextlib import suppress

import pytest

from tests.support.served import served

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a file system")
MEGABYTE = 1024 * 1024
SIZE, KEPT_BACK = 60 * MEGABYTE, 12 * MEGABYTE
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
    monkeypatch.setenv("DISK_RESERVE_MBYTES", str(KEPT_BACK // MEGABYTE))
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
    assert last > 4
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
    assert free(small_disk) > 0
    assert ask(run, "POST", "datasets")[0] == 507
    assert ask(run, "GET", f"datasets/{dataset}/items?limit=1")[0] == 200
    assert ask(run, "DELETE", f"datasets/{dataset}")[0] == 204
    assert ask(run, "POST", f"datasets/{other}/items", items, Content_Type="application/json")[0] == 201


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
