"""Clients that wait for a run or follow its log, through gunicorn: who is refused, what they get, what they hold."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from tests.support.served import served
from tests.support.waiting_clients import Jobs, ask, request_bytes

SECONDS_AT_MOST = "60"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server with two threads, which judges again as often as it looks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_THREADS", "2")
        with served(
            tmp_path_factory.mktemp("data"), ("ada", "ben"), settings="tests.support.reauthorize_settings"
        ) as server:
            yield server


@pytest.fixture(scope="module")
def jobs(server):
    jobs = Jobs(server)
    yield jobs
    jobs.close()


@pytest.fixture
def run(jobs):
    """A run of ada's that goes on."""
    return jobs.do("make", "ada")


def wait_for(server, run, **options):
    return ask(server, f"/v2/actor-runs/{run}?waitForFinish={SECONDS_AT_MOST}", **options)


def follow(server, run, **options):
    client = ask(server, f"/v2/logs/{run}?stream=1", **options)
    client.read_until(b"\r\n\r\n")
    return client


def give(server, run, who):
    path = f"/v2/actor-runs/{run}/access-rights/{who}"
    assert server.request("PUT", path, json.dumps({"permissions": ["READ"]})).status == 200


def take_away(server, run, who):
    assert server.request("DELETE", f"/v2/actor-runs/{run}/access-rights/{who}").status == 204


def status_of(server, run):
    return server.request("GET", f"/v2/actor-runs/{run}").status


def test_a_stranger_is_refused_at_once(server, run):
    assert wait_for(server, run, who="ben").answer()[0] == 403
    client = ask(server, f"/v2/logs/{run}?stream=1", who="ben")
    assert client.answer()[0] == 403


def test_access_that_is_revoked_ends_a_wait_with_the_refusal(server, run):
    give(server, run, "ben")
    client = wait_for(server, run, who="ben")
    take_away(server, run, "ben")
    status, body = client.answer()
    assert (status, json.loads(body)["error"]["type"]) == (403, "insufficient-permissions")


@pytest.mark.parametrize("version", ["1.1", "1.0"])
def test_access_that_is_revoked_ends_what_is_followed_without_its_end(server, jobs, run, version):
    give(server, run, "ben")
    jobs.do("print", run, "first\n")
    client = follow(server, run, who="ben", version=version)
    client.read_until(b"first\n")
    take_away(server, run, "ben")
    jobs.do("print", run, "secret\n")
    with pytest.raises((EOFError, ConnectionResetError)) as ended:
        client.read_until(b"0\r\n\r\n")
    assert b"secret" not in client.received
    assert (ended.type is ConnectionResetError) is (version == "1.0")


def test_a_run_that_is_deleted_is_not_found(server, jobs, run):
    client = wait_for(server, run)
    jobs.do("delete", run)
    assert client.answer()[0] == 404


def test_more_wait_than_there_are_threads_and_others_are_answered(server, jobs, run):
    clients = [wait_for(server, run) for _ in range(20)]
    followers = [follow(server, run) for _ in range(20)]
    assert status_of(server, run) == 200
    jobs.do("print", run, "line\n")
    for client in followers:
        client.read_until(b"line\n")
    jobs.do("print", run, "last line\n")
    jobs.do("finish", run)
    for client in clients:
        status, body = client.answer()
        assert (status, json.loads(body)["data"]["status"]) == (200, "SUCCEEDED")
    for client in followers:
        assert client.read_until(b"0\r\n\r\n").endswith(b"last line\n\r\n0\r\n\r\n")


def test_what_comes_on_a_connection_after_it_has_waited_is_answered_in_turn(server, jobs, run):
    waiting, following = wait_for(server, run), follow(server, run)
    for client in (waiting, following):
        client.ask(request_bytes(server, f"/v2/actor-runs/{run}"))
    assert status_of(server, run) == 200
    jobs.do("finish", run)
    assert waiting.answer()[0] == 200
    following.read_until(b"0\r\n\r\n")
    for client in (waiting, following):
        status, body = client.answer()
        assert (status, json.loads(body)["data"]["status"]) == (200, "SUCCEEDED")


def test_a_wait_ends_when_its_time_is_over(server, run):
    client = ask(server, f"/v2/actor-runs/{run}?waitForFinish=0.3")
    status, body = client.answer()
    assert (status, json.loads(body)["data"]["status"]) == (200, "RUNNING")


def test_a_server_that_stops_answers_those_who_wait(tmp_path):
    with served(tmp_path, ("ada",)) as server:
        jobs = Jobs(server)
        run = jobs.do("make", "ada")
        jobs.do("print", run, "first\n")
        waiting, following = wait_for(server, run), follow(server, run)
        following.read_until(b"first\n")
        (worker,) = server.workers()
        assert status_of(server, run) == 200
        os.kill(worker, signal.SIGTERM)
        status, body = waiting.answer()
        assert (status, json.loads(body)["data"]["status"]) == (200, "RUNNING")
        assert following.read_until(b"0\r\n\r\n")
        for client in (waiting, following):
            assert client.socket.recv(1) == b""
        jobs.close()


def test_a_client_that_leaves_leaves_nothing_behind(server, jobs, run):
    (worker,) = server.workers()
    descriptors = Path(f"/proc/{worker}/fd")
    before = len([*descriptors.iterdir()])
    clients = [wait_for(server, run) for _ in range(10)] + [follow(server, run) for _ in range(10)]
    assert status_of(server, run) == 200
    for client in clients:
        client.socket.shutdown(socket.SHUT_WR)
    for client in clients:
        while client.socket.recv(65536):
            pass
    assert len([*descriptors.iterdir()]) <= before + 2
