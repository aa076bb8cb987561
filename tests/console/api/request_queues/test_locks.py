"""The head of a queue and its locks over HTTP: refusals, then what clients rely on."""

import json
from datetime import timedelta

import pytest

from resources.kinds import Kind
from resources.models import RequestQueue
from resources.request_queues import clock
from tests.support.api import error_of, message_of
from tests.support.queue_stage import NOON, SetClock, request

pytestmark = pytest.mark.django_db


@pytest.fixture
def time(monkeypatch):
    set_clock = SetClock()
    monkeypatch.setattr(clock, "now", set_clock)
    return set_clock


@pytest.fixture
def queue(ada, make_resource, time):
    return make_resource(Kind.REQUEST_QUEUE, ada)


@pytest.fixture
def at(queue):
    return f"/v2/request-queues/{queue.pk}"


@pytest.fixture
def client(api, ada, at):
    client = api(ada)
    batch = [{"uniqueKey": f"https://example.com/{path}", "url": f"https://example.com/{path}"} for path in "abcd"]
    client.post(f"{at}/requests/batch?clientKey=one", json.dumps(batch), content_type="application/json")
    return client


def paths(response):
    return [each["url"][-1] for each in response.json()["data"]["items"]]


def lock(client, at, key="one", **query):
    asked = "&".join(f"{name}={value}" for name, value in {"lockSecs": 60, "clientKey": key, **query}.items())
    return client.post(f"{at}/head/lock?{asked}")


# Refusals


@pytest.mark.parametrize("seconds", ["", "0", "-1", "x", "0.5", "1e9", "NaN", "Infinity", "99999999", "9" * 30])
def test_a_lock_lasts_from_a_second_to_a_year(client, at, seconds):
    responses = [client.post(f"{at}/head/lock?lockSecs={seconds}"), client.post(f"{at}/head/lock")]
    responses.append(client.put(f"{at}/requests/{request('a').id}/lock?lockSecs={seconds}"))
    for response in responses:
        assert error_of(response) == (400, "invalid-value")
        assert '"lockSecs"' in message_of(response)
    assert paths(client.get(f"{at}/head")) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("limit", ["-1", "x", "1.5"])
def test_bad_limits(client, at, limit):
    assert error_of(lock(client, at, limit=limit)) == (400, "invalid-value")
    assert error_of(client.get(f"{at}/head?limit={limit}")) == (400, "invalid-value")


def test_the_lock_of_another_client(client, at):
    lock(client, at, limit=1)
    address = f"{at}/requests/{request('a').id}/lock"
    for key in ("clientKey=two", ""):
        assert error_of(client.put(f"{address}?lockSecs=60&{key}")) == (403, "request-handled-or-locked")
        assert error_of(client.delete(f"{address}?{key}")) == (403, "request-handled-or-locked")
        assert client.post(f"{at}/requests/unlock?{key}").json()["data"] == {"unlockedCount": 0}
    assert paths(lock(client, at, "two")) == ["b", "c", "d"]


# Features


def test_the_head(client, at, queue):
    head = client.get(f"{at}/head?limit=2&clientKey=one").json()["data"]
    assert head["items"] == [
        {
            "id": request(path).id,
            "uniqueKey": f"https://example.com/{path}",
            "url": f"https://example.com/{path}",
            "method": "GET",
            "retryCount": 0,
        }
        for path in "ab"
    ]
    assert (head["limit"], head["hadMultipleClients"]) == (2, False)
    assert head["queueModifiedAt"] == client.get(at).json()["data"]["modifiedAt"]
    assert client.get(f"{at}/head").json()["data"]["limit"] == 100
    assert client.get(f"{at}/head?limit=5000").json()["data"]["limit"] == 1000


def test_the_head_with_locks(client, at, time):
    answer = lock(client, at, limit=2)
    assert answer.status_code == 201
    data = answer.json()["data"]
    assert paths(answer) == ["a", "b"]
    assert {each["lockExpiresAt"] for each in data["items"]} == {"2026-08-01T12:01:00.000Z"}
    expected = {"limit": 2, "lockSecs": 60, "clientKey": "one", "hadMultipleClients": False}
    assert {name: data[name] for name in expected} == expected
    assert data["queueHasLockedRequests"] is True
    assert data["queueModifiedAt"] == "2026-08-01T12:00:00.000Z"
    assert paths(client.get(f"{at}/head")) == ["c", "d"]
    assert lock(client, at, limit=100).json()["data"]["limit"] == 25
    time.move(seconds=60)
    assert paths(lock(client, at, "two")) == ["a", "b", "c", "d"]


def test_a_lock_without_a_client_key(client, api, ben, at, queue, give):
    give(queue, ben, "WRITE")
    data = client.post(f"{at}/head/lock?lockSecs=60").json()["data"]
    assert "clientKey" not in data
    address = f"{at}/requests/{request('a').id}/lock"
    assert error_of(api(ben).delete(address)) == (403, "request-handled-or-locked")
    assert client.put(f"{address}?lockSecs=120").status_code == 200
    assert client.delete(address).status_code == 204
    assert client.post(f"{at}/requests/unlock").json()["data"] == {"unlockedCount": 3}


def test_prolonging_and_deleting_a_lock(client, at, time):
    lock(client, at, limit=2)
    time.move(seconds=30)
    a, b = (f"{at}/requests/{request(path).id}/lock?clientKey=one" for path in "ab")
    prolonged = client.put(f"{a}&lockSecs=90&forefront=true")
    assert prolonged.json()["data"] == {"lockExpiresAt": "2026-08-01T12:02:00.000Z"}
    assert client.delete(f"{b}&forefront=false").status_code == 204
    assert paths(client.get(f"{at}/head")) == ["c", "d", "b"]
    time.now = NOON + timedelta(minutes=2)
    assert paths(client.get(f"{at}/head")) == ["a", "c", "d", "b"]


def test_unlocking_all(client, at):
    lock(client, at, limit=3)
    assert client.post(f"{at}/requests/unlock?clientKey=one").json()["data"] == {"unlockedCount": 3}
    assert paths(client.get(f"{at}/head")) == ["a", "b", "c", "d"]


def test_several_clients_are_noticed_by_what_they_do(client, api, cleo, at, queue):
    """Whoever may only read spoils nothing that a client remembers of the queue, and is no client of it."""
    api().get(f"{at}/head")
    api(cleo).get(f"{at}/requests?clientKey=two")
    assert lock(client, at).json()["data"]["hadMultipleClients"] is False
    assert client.get(f"{at}/head?clientKey=two").json()["data"]["hadMultipleClients"] is True
    assert lock(client, at).json()["data"]["hadMultipleClients"] is True
    assert RequestQueue.objects.get(pk=queue.pk).had_multiple_clients


def test_a_head_without_a_lock_writes_nothing_once_its_client_is_known(client, at, django_assert_num_queries):
    client.get(f"{at}/head?clientKey=one")
    with django_assert_num_queries(3):
        client.get(f"{at}/head?clientKey=one")
