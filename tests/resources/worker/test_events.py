"""The server of events: who may listen, what each listener is told, and what a program cannot do to it."""

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from resources.worker import events
from resources.worker.events import MAX_CONNECTIONS, Channel


@pytest.fixture
def channel() -> Iterator[Channel]:
    """The channel of a program; the server is this test's own."""
    events.close()
    with events.open_channel() as channel:
        yield channel
    events.close()


@contextlib.contextmanager
def listening(channel: Channel) -> Iterator[ClientConnection]:
    """Be a program that listens."""
    with connect(channel.url(by_relay=False), proxy=None) as connection:
        # The server knows of it once it has been told something.
        known = threading.Event()
        while not known.is_set():
            channel.send("known", {})
            with contextlib.suppress(TimeoutError):
                assert json.loads(connection.recv(timeout=0.1))["name"] == "known"
                known.set()
        yield connection


def told(connection: ClientConnection) -> tuple[str, dict]:
    """Return the next event besides those by which `listening` has found out that it is known."""
    while True:
        event = json.loads(connection.recv(timeout=60))
        if event["name"] != "known":
            return event["name"], event["data"]


def wait_until(channel: Channel, holds: Callable[[], bool]) -> None:
    """Wait until something holds that the server's thread brings about, in a minute at the latest."""
    until = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < until
        done = threading.Event()
        channel._server.call(done.set)
        assert done.wait(60)


@pytest.mark.parametrize("path", ["", "/", "/x", "/../{}", "/{}x", "/{}/", "/{}?x", "/%2e%2e/"])
def test_no_other_path_than_that_of_a_program_is_answered(channel, path):
    host, port = channel.address
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://{host}:{port}{path.format(channel.secret)}", proxy=None),
    ):
        pass
    assert refused.value.response.status_code == 404


def test_a_program_that_has_ended_has_no_path_any_more_and_is_disconnected(channel):
    with contextlib.ExitStack() as stack:
        with events.open_channel() as ended:
            url = ended.url(by_relay=False)
            connection = stack.enter_context(listening(ended))
        with pytest.raises(ConnectionClosed):
            told(connection)
    with pytest.raises(InvalidStatus), connect(url, proxy=None):
        pass


def test_a_program_has_so_many_connections_and_no_more(channel):
    with contextlib.ExitStack() as stack:
        for _ in range(MAX_CONNECTIONS):
            stack.enter_context(listening(channel))
        with pytest.raises(InvalidStatus) as refused, connect(channel.url(by_relay=False), proxy=None):
            pass
        assert refused.value.response.status_code == 429


def test_it_listens_on_loopback_only(channel):
    assert channel.address[0] == "127.0.0.1"


def test_each_program_is_told_its_own(channel):
    with events.open_channel() as other, listening(channel) as mine, listening(other) as others:
        other.send("persistState", {"isMigrating": True})
        channel.send("systemInfo", {"cpuCurrentUsage": 1.5})
        assert told(mine) == ("systemInfo", {"cpuCurrentUsage": 1.5})
        assert told(others) == ("persistState", {"isMigrating": True})


def test_all_connections_of_a_program_are_told(channel):
    with listening(channel) as first, listening(channel) as second:
        channel.send("persistState", {})
        assert [told(first), told(second)] == [("persistState", {})] * 2


def test_a_program_that_connects_late_hears_how_it_ends(channel):
    assert not channel.is_connected
    channel.send("systemInfo", {})
    channel.send("aborting", {}, is_last=True)
    with connect(channel.url(by_relay=False), proxy=None) as connection:
        assert told(connection) == ("aborting", {})


def test_a_program_that_says_too_much_is_disconnected_and_no_other_one(channel):
    with events.open_channel() as other, listening(channel) as mine, listening(other) as others:
        mine.send("x" * 100)
        channel.send("one", {})
        assert told(mine) == ("one", {})
        mine.send("x" * 100_000)
        with pytest.raises(ConnectionClosed):
            mine.recv(timeout=60)
        other.send("two", {})
        assert told(others) == ("two", {})


def test_a_program_that_does_not_read_is_disconnected(channel, monkeypatch):
    monkeypatch.setattr(events, "_GIVES_UP_FROM_BYTES", 256 * 1024)
    with socket.create_connection(channel.address) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lines = [f"GET /{channel.secret} HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: Upgrade"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", ""]
        deaf.sendall("\r\n".join(lines).encode())
        assert b"101" in deaf.recv(64)
        wait_until(channel, lambda: channel.is_connected)
        large = {"x": "y" * 1_000_000}
        for _ in range(100):
            channel.send("large", large, is_last=True)
        wait_until(channel, lambda: not channel.is_connected)


def test_by_a_relay_it_has_an_address_inside(channel):
    assert channel.url(by_relay=True) == f"ws://127.76.0.80/{channel.secret}"


def test_the_server_ends_and_another_one_begins(channel):
    events.close()
    channel.send("nothing", {})
    channel.close()
    with events.open_channel() as again, listening(again) as connection:
        again.send("something", {})
        assert told(connection) == ("something", {})


def test_connections_that_do_not_say_what_they_are_for_make_room_for_others(channel):
    with contextlib.ExitStack() as stack:
        half = []
        for _ in range(events._MAX_OPENING + 10):
            half.append(stack.enter_context(socket.create_connection(channel.address, timeout=5)))
            half[-1].sendall(b"GET /half HTTP/1.1\r\nHost: x\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert half[0].recv(1) == b""
        with listening(channel) as connection:
            channel.send("here", {})
            assert told(connection)[0] == "here"
        assert len(channel._server._opening) <= events._MAX_OPENING


def test_what_goes_wrong_in_the_loop_is_logged_once_a_minute(channel, caplog):
    server, done = channel._server, threading.Event()
    for _ in range(100):
        server.call(server._loop.call_exception_handler, {"message": "too many open files"})
    server.call(done.set)
    assert done.wait(60)
    assert len([each for each in caplog.records if "too many open files" in each.getMessage()]) == 1
