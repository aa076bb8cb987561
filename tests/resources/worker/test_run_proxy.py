"""The proxy of a run: whom it refuses, where it leads, what it passes on, and that it ends with the run."""

import base64
import contextlib
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, HTTPResponse

import pytest

from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Run
from resources.runs.proxy_password import make_proxy_password
from resources.sandbox.bubblewrap import Isolation
from resources.sandbox.network import upstreams
from resources.worker import execute_run, run_proxy
from tests.support.crawled_site import Proxy, Site, serving
from tests.support.work_stage import started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks_often")]

SHARED = Isolation(on=False)


@contextlib.contextmanager
def proxy_of(account) -> Iterator[run_proxy.RunProxy]:
    with run_proxy.open_proxy(Run(owner_id=account.pk), SHARED) as proxy:
        yield proxy


@pytest.fixture
def site() -> Iterator[Site]:
    with serving(site := Site("127.0.0.1", 0)):
        yield site


@pytest.fixture
def upstream(settings) -> Iterator[Proxy]:
    """A proxy that the deployment names for the group LOCAL."""
    with serving(proxy := Proxy("127.0.0.1", 0)):
        settings.PROXIES = upstreams.parse_all("", [f"LOCAL=http://them:theirs@127.0.0.1:{proxy.server_port}"])
        yield proxy


def authorization(proxy: run_proxy.RunProxy, username: str = "auto", password: str | None = None) -> dict[str, str]:
    words = f"{username}:{proxy.plan.password if password is None else password}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(words.encode()).decode()}"}


def ask(proxy: run_proxy.RunProxy, url: str, headers: dict[str, str], method="GET", body=None) -> tuple[int, str]:
    """Ask for a URL by a proxy, and return the status and the body."""
    connection = HTTPConnection(proxy.plan.host, proxy.plan.port, timeout=30)
    with contextlib.closing(connection):
        connection.request(method, url, body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def say(proxy: run_proxy.RunProxy, words: bytes) -> HTTPResponse:
    """Send what no client does, and return the answer; the body is read."""
    with socket.create_connection((proxy.plan.host, proxy.plan.port), timeout=30) as connection:
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        answer = HTTPResponse(connection)
        answer.begin()
        answer.read()
        return answer


# What is refused


@pytest.mark.parametrize(
    "given",
    [
        lambda proxy: {},
        lambda proxy: authorization(proxy, password=""),
        lambda proxy: authorization(proxy, password="x" + proxy.plan.password[1:]),
        lambda proxy: {"Proxy-Authorization": f"Bearer {proxy.plan.password}"},
        lambda proxy: {"Proxy-Authorization": "Basic ???"},
        lambda proxy: {"Authorization": authorization(proxy)["Proxy-Authorization"]},
    ],
)
@pytest.mark.parametrize("method", ["GET", "CONNECT"])
def test_without_the_password_nothing_is_passed_on(ada, site, given, method):
    with proxy_of(ada) as proxy:
        where = site.url if method == "GET" else f"127.0.0.1:{site.server_port}"
        assert ask(proxy, where, given(proxy), method)[0] == 407
        assert proxy.take_notice() == ""
    assert not site.asked


def test_the_password_of_another_account_is_none(ada, cleo, site):
    with proxy_of(ada) as proxy:
        assert ask(proxy, site.url, authorization(proxy, password=make_proxy_password(cleo.pk)))[0] == 407
    assert not site.asked


def test_the_proxy_is_gone_when_the_run_is(ada):
    with proxy_of(ada) as proxy:
        address = (proxy.plan.host, proxy.plan.port)
        held = socket.create_connection(address, timeout=30)
    with held, contextlib.suppress(ConnectionResetError):
        assert held.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, timeout=30)


def test_a_group_that_is_not_named_is_refused(ada, site, upstream):
    with proxy_of(ada) as proxy:
        status, body = ask(proxy, site.url, authorization(proxy, "groups-RESIDENTIAL,session-a"))
    assert (status, body) == (403, "This server has no proxy group RESIDENTIAL.\n")
    assert not upstream.asked


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "localhost", "LocalHost.", "a.localhost", "[::1]"),
        *("[::ffff:10.0.0.1]", "10.0.0.1", "169.254.169.254", "192.168.1.1", "[fd00::1]", "[fe80::1%25lo]", "0"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "CONNECT"])
def test_an_address_that_is_not_public_is_not_asked_of_the_proxy_of_the_server(ada, site, upstream, host, method):
    where = f"http://{host}:{site.server_port}/" if method == "GET" else f"{host}:{site.server_port}"
    with proxy_of(ada) as proxy:
        assert ask(proxy, where, authorization(proxy), method)[0] == 403
    assert not upstream.asked


@pytest.mark.parametrize(
    "words",
    [
        b"nonsense\r\n\r\n",
        b"GET http://\r\n\r\n",
        b"GET ftp://a.test/ HTTP/1.1\r\n\r\n",
        b"GET http://a.test:99999/ HTTP/1.1\r\n\r\n",
        b"GET http://[::1/ HTTP/1.1\r\n\r\n",
        b"G\tT http://a.test/ HTTP/1.1\r\n\r\n",
        b"CONNECT a.test HTTP/1.1\r\n\r\n",
        b"GET http://a.test/ HTTP/1.1\r\nA\n: b\r\n\r\n",
        b"GET http://a.test/ HTTP/1.1\r\n folded\r\n\r\n",
        b"GET http://a.test/ HTTP/1.1\r\nA: " + 70_000 * b"a",
        b"GET http://a.test/ HTTP/1.1\r\nA: half",
        b"GET http://\xff/ HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_is_answered_with_400(ada, words):
    with proxy_of(ada) as proxy:
        assert say(proxy, words).status == 400


def test_what_cannot_be_reached_is_said_to_be_so(ada):
    with socket.create_server(("127.0.0.1", 0)) as unused, proxy_of(ada) as proxy:
        port = unused.getsockname()[1]
        unused.close()
        status, body = ask(proxy, f"http://127.0.0.1:{port}/", authorization(proxy))
    assert (status, body) == (502, f"127.0.0.1:{port} cannot be reached from this run: Connection refused.\n")


@pytest.mark.parametrize(
    ("url", "groups"),
    [
        ("https://proxy.test:80", []),
        ("socks5://proxy.test", []),
        ("http://", []),
        ("http://proxy.test/path", []),
        ("http://proxy.test:0x50", []),
        ("", ["http://proxy.test"]),
        ("", ["A B=http://proxy.test"]),
        ("", ["A+B=http://proxy.test"]),
        ("", ["A="]),
    ],
)
def test_settings_that_name_no_proxy_are_refused(url, groups):
    with pytest.raises(ValueError, match="PROXY_"):
        upstreams.parse_all(url, groups)


# What is passed on


def test_without_a_proxy_of_the_server_it_asks_directly_and_the_log_says_so_once(ada, site):
    with proxy_of(ada) as proxy:
        assert ask(proxy, f"{site.url}page-1", authorization(proxy, "groups-RESIDENTIAL"))[0] == 200
        assert ask(proxy, f"{site.url}page?a=b", authorization(proxy))[0] == 200
        assert (proxy.take_notice(), proxy.take_notice()) == (run_proxy.DIRECTLY, "")
        assert ask(proxy, site.url, authorization(proxy))[0] == 200
        assert proxy.take_notice() == ""
    assert site.asked == {"/page-1": 1, "/page?a=b": 1, "/": 1}


def answer_once(listening: socket.socket) -> bytes:
    """Answer one request, keep the connection open as long as it is not closed, and return all that came by it."""
    listening.settimeout(30)
    connection, _ = listening.accept()
    with connection:
        connection.settimeout(30)
        received = b""
        while b"the body" not in received:
            received += connection.recv(1000) or pytest.fail(received.decode())
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        with contextlib.suppress(ConnectionError):
            while more := connection.recv(1000):
                received += more
        return received


def read_until(connection: socket.socket, end: bytes) -> bytes:
    received = b""
    while not received.endswith(end):
        received += connection.recv(1000) or pytest.fail(received.decode())
    return received


def test_a_request_is_passed_on_without_what_is_for_the_proxy_and_no_other_after_it(ada):
    """The next request on the same connection may be for another host, and must not reach this one."""
    with socket.create_server(("127.0.0.1", 0)) as listening, proxy_of(ada) as proxy, ThreadPoolExecutor() as pool:
        answering = pool.submit(answer_once, listening)
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        lines = [f"POST http://{host}/a HTTP/1.1", f"Host: {host}", "Content-Length: 8", "X-Mine: 1", "X-Kept: 2"]
        lines += ["Connection: keep-alive, X-Mine", *(": ".join(each) for each in authorization(proxy).items()), "", ""]
        with socket.create_connection((proxy.plan.host, proxy.plan.port), timeout=30) as client:
            client.sendall("\r\n".join(lines).encode() + b"the bodyGET http://other.test/ HTTP/1.1\r\n\r\n")
            answer = read_until(client, b"hello")
        received = answering.result(30)
    assert b"100 Continue" in answer
    assert answer.endswith(b"Content-Length: 5\r\nConnection: close\r\n\r\nhello")
    assert received.decode().split("\r\n") == [
        *("POST /a HTTP/1.1", f"Host: {host}", "Content-Length: 8", "X-Kept: 2", "Connection: close", "", "the body")
    ]


def test_a_body_in_chunks_is_passed_on_as_it_comes(ada):
    with socket.create_server(("127.0.0.1", 0)) as listening, proxy_of(ada) as proxy, ThreadPoolExecutor() as pool:
        answering = pool.submit(answer_once, listening)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        body = iter([b"a" * 100_000, b"\r\n", b"the body"])
        asked = pool.submit(ask, proxy, url, authorization(proxy), "POST", body)
        assert asked.result(30) == (200, "hello")
        assert answering.result(30).count(b"a" * 100) == 1000


def test_by_connect_anything_is_passed_on_both_ways(ada):
    with socket.create_server(("127.0.0.1", 0)) as listening, proxy_of(ada) as proxy, ThreadPoolExecutor() as pool:
        answering = pool.submit(answer_once, listening)
        host = f"127.0.0.1:{listening.getsockname()[1]}"
        login = authorization(proxy)["Proxy-Authorization"]
        with socket.create_connection((proxy.plan.host, proxy.plan.port), timeout=30) as client:
            client.sendall(f"CONNECT {host} HTTP/1.1\r\nProxy-Authorization: {login}\r\n\r\n\0early ".encode())
            read_until(client, b"200 Connection established\r\n\r\n")
            client.sendall(b"the body")
            assert read_until(client, b"hello").startswith(b"HTTP/1.1 100 Continue")
        assert answering.result(30) == b"\0early the body"


@pytest.mark.parametrize(
    ("username", "ports"),
    [
        ("auto", {1}),
        ("session-a", {1}),
        ("groups-B", {2}),
        ("groups-C,session-a,country-CZ", {3, 4}),
        ("groups-B+C", {2, 3, 4}),
        ("groups-A+B", {2}),
    ],
)
def test_the_username_says_which_proxy_is_used_and_a_session_stays_with_one(username, ports):
    named = [f"{group}=http://proxy.test:{port}" for group, port in (("B", 2), ("C", 3), ("C", 4))]
    found = upstreams.parse_all("http://proxy.test:1", named)
    chosen = {upstreams.choose(found, username).port for _ in range(200)}
    assert chosen <= ports
    assert len(chosen) == (1 if "session" in username else len(ports))


def test_without_a_proxy_for_all_any_of_the_groups_is_used():
    found = upstreams.parse_all("", ["B=http://proxy.test:2", "C=http://proxy.test:3"])
    assert {upstreams.choose(found, "auto").port for _ in range(200)} == {2, 3}


def test_the_status_is_told_as_the_sdks_ask_for_it(ada, settings):
    settings.PROXIES = upstreams.parse_all("", ["LOCAL=http://127.0.0.1:1"])
    with proxy_of(ada) as proxy:
        url = f"{proxy.variables()['APIFY_PROXY_STATUS_URL']}/?format=json"
        well = json.loads(ask(proxy, url, authorization(proxy, "groups-LOCAL,session-a"))[1])
        other = json.loads(ask(proxy, url, authorization(proxy, "groups-OTHER"))[1])
        without_password = json.loads(ask(proxy, url, {})[1])
        direct = json.loads(ask(proxy, "/?format=json", {})[1])
    assert well == {"connected": True, "connectionError": None, "isManInTheMiddle": False}
    assert (other["connected"], other["connectionError"]) == (False, "This server has no proxy group OTHER.")
    assert not without_password["connected"]
    assert not direct["connected"]


USES_ITS_PROXY = """
import asyncio, json, os
import impit
from apify import Actor

async def main():
    async with Actor:
        given = await Actor.get_input()
        proxy = await Actor.create_proxy_configuration(groups=given.get("groups"))
        found = {}
        for url in given["urls"]:
            async with impit.AsyncClient(proxy=await proxy.new_url("s1")) as client:
                answer = await client.get(url)
                found[url] = answer.status_code
        print(json.dumps(found), flush=True)

asyncio.run(main())
"""


def found_by(run: Run) -> dict[str, int]:
    (line,) = [line for line in read_text(run.pk).splitlines() if " {" in line] or pytest.fail(read_text(run.pk))
    found: dict[str, int] = json.loads(line.partition(" ")[2])
    return found


def test_the_sdk_finds_the_proxy_of_its_group_in_a_run_that_shares_the_network(
    transactional_db, live_server, settings, ada, site, upstream
):
    settings.PUBLIC_URL, settings.RUN_NETWORK = live_server.url, "shared"
    settings.PROXIES = upstreams.parse_all("", [f"PUBLIC=http://them:theirs@127.0.0.1:{upstream.server_port}"])
    url = f"http://site.test:{site.server_port}/page-1"
    upstream.hosts[f"site.test:{site.server_port}"] = f"127.0.0.1:{site.server_port}"
    given = json.dumps({"groups": ["PUBLIC"], "urls": [url]}).encode()
    run = started(ada, {"main.py": USES_ITS_PROXY}, input=given, memory_mbytes=1024)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)
    assert found_by(run) == {url: 200}
    assert upstream.logins == {"them:theirs"}
    assert run_proxy.DIRECTLY not in read_text(run.pk)
