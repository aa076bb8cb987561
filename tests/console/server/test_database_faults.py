"""A PostgreSQL that is cut off, silent or away costs its clients seconds, and is used again as soon as it is there."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest

from tests.support.faulty_proxy import faulty_database
from tests.support.killable_server import new_database
from tests.support.served import served

pytestmark = pytest.mark.skipif(not os.environ.get("DATABASE_URL"), reason="the database")
SECONDS = 5.0
CLIENTS = 40
PATHS = ("/v2/datasets", "/v2/users/me", "/settings", "/healthz", "/store")
WELL = {200, 302}  # pages have a cookie of a session that has ended, and send to the sign-in


@pytest.fixture(scope="module")
def deployment(tmp_path_factory):
    with new_database(os.environ["DATABASE_URL"]) as direct, faulty_database(direct) as (proxy, url):
        data: Path = tmp_path_factory.mktemp("served")
        with served(data, ("ada",), database_url=url) as run:
            run.manage("collectstatic", "--noinput")
            yield proxy, run


@pytest.fixture
def proxy(deployment):
    yield deployment[0]
    deployment[0].heal()


@pytest.fixture
def ask(deployment):
    """Return what asks for an address, and gives the status, whether it names when to try again, and the seconds."""
    run = deployment[1]
    headers = {"Authorization": f"Bearer {run.tokens['ada']}", "Cookie": f"sessionid={'a' * 32}"}

    def get(path):
        connection = HTTPConnection("127.0.0.1", run.port, timeout=60)
        begun_at = time.monotonic()
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, response.headers.get("Retry-After") is not None, time.monotonic() - begun_at

    return get


def ask_all(ask, paths=PATHS):
    with ThreadPoolExecutor(CLIENTS) as threads:
        return list(threads.map(ask, [path for path in paths for _ in range(CLIENTS // len(paths))]))


def until_well(ask):
    begun_at = time.monotonic()
    while ask("/v2/users/me")[0] != 200:
        assert time.monotonic() - begun_at < 30, "The database is back, and is not used."
    return time.monotonic() - begun_at


@pytest.mark.parametrize("fault", ["swallow", "refuse", "delay"])
def test_a_database_that_is_away_is_a_503_within_seconds(ask, proxy, fault):
    assert {status for status, _, _ in ask_all(ask)} <= WELL
    getattr(proxy, fault)(*([30.0] if fault == "delay" else []))
    answers = ask_all(ask) + ask_all(ask, (*PATHS, "/readyz"))
    living = ask_all(ask, ("/livez",))
    assert {status for status, _, _ in living} == {200}
    assert max(seconds for _, _, seconds in living) < 1
    assert {(status, says_when) for status, says_when, _ in answers} == {(503, True)}
    assert max(seconds for _, _, seconds in answers) < SECONDS
    proxy.heal()
    until_well(ask)
    assert {status for status, _, _ in ask_all(ask)} <= WELL


def test_a_database_that_has_restarted_fails_no_request(ask, proxy):
    assert {status for status, _, _ in ask_all(ask)} <= WELL
    for _ in range(5):
        assert proxy.cut() > 0
        assert {status for status, _, _ in ask_all(ask)} <= WELL


def test_connections_that_were_forgotten_on_the_way_fail_no_request(ask, proxy):
    assert {status for status, _, _ in ask_all(ask)} <= WELL
    proxy.forget()
    answers = ask_all(ask)
    assert {status for status, _, _ in answers} <= WELL
    assert max(seconds for _, _, seconds in answers) < SECONDS
