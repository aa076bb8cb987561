"""The requests of a queue over HTTP: who may not, what is not valid, then how they are added, read and deleted."""

import gzip
import json

import brotli
import pytest

from console.api.request_queues.client_keys import client_from_request
from resources import storages
from resources.kinds import Kind
from resources.models import QueuedRequest, RequestQueue
from tests.support.api import error_of, message_of, send
from tests.support.queue_stage import request

pytestmark = pytest.mark.django_db
A = {"uniqueKey": "https://example.com/a", "url": "https://example.com/a"}
ID = request("a").id
DEFAULTS = {"method": "GET", "retryCount": 0, "headers": {}, "userData": {}, "noRetry": False}


@pytest.fixture
def queue(ada, make_resource):
    return make_resource(Kind.REQUEST_QUEUE, ada)


@pytest.fixture
def at(queue):
    return f"/v2/request-queues/{queue.pk}"


# Refusals


def test_writing_needs_write_and_reading_read(api, ada, ben, cleo, queue, at, give):
    give(queue, ben)
    put_access = {"generalAccess": "RESTRICTED"}
    assert send(api(ada), "put", at, put_access).status_code == 200
    for method, path, body in (
        ("post", "/requests", A),
        ("put", f"/requests/{ID}", A),
        ("delete", f"/requests/{ID}", ""),
        ("post", "/requests/batch", [A]),
        ("delete", "/requests/batch", [{"id": ID}]),
        ("post", "/head/lock?lockSecs=60", ""),
        ("put", f"/requests/{ID}/lock?lockSecs=60", ""),
        ("delete", f"/requests/{ID}/lock", ""),
        ("post", "/requests/unlock", ""),
    ):
        assert error_of(send(api(), method, at + path, body)) == (401, "token-not-provided")
        assert error_of(send(api(cleo), method, at + path, body)) == (403, "insufficient-permissions")
        response = send(api(ben), method, at + path, body)
        assert error_of(response) == (403, "insufficient-permissions")
        assert "WRITE" in message_of(response)
    for path in ("/requests", f"/requests/{ID}", "/head"):
        assert error_of(api().get(at + path)) == (403, "insufficient-permissions")
        assert error_of(api(cleo).get(at + path)) == (403, "insufficient-permissions")
    assert api(ben).get(f"{at}/requests").status_code == 200
    assert not QueuedRequest.objects.exists()


NOT_VALID = [
    ({}, "uniqueKey"),
    ({"url": "https://example.com"}, "uniqueKey"),
    ({"uniqueKey": "a"}, "url"),
    ({**A, "url": ""}, "url"),
    ({**A, "url": None}, "url"),
    ({**A, "url": 5}, "url"),
    ({**A, "url": "x" * 32_769}, "url"),
    ({**A, "url": "https://example.com/\x00"}, "url"),
    ({**A, "uniqueKey": ""}, "uniqueKey"),
    ({**A, "uniqueKey": "\x00"}, "uniqueKey"),
    ({**A, "uniqueKey": "."}, "uniqueKey"),
    ({**A, "uniqueKey": ".."}, "uniqueKey"),
    ({**A, "uniqueKey": ["a"]}, "uniqueKey"),
    ({**A, "method": "get"}, "method"),
    ({**A, "method": "BREW"}, "method"),
    ({**A, "method": 1}, "method"),
    ({**A, "retryCount": -1}, "retryCount"),
    ({**A, "retryCount": 1.5}, "retryCount"),
    ({**A, "retryCount": "1"}, "retryCount"),
    ({**A, "retryCount": 10**30}, "retryCount"),
    ({**A, "payload": 5}, "payload"),
    ({**A, "payload": ["a"]}, "payload"),
    ({**A, "headers": "a"}, "headers"),
    ({**A, "headers": []}, "headers"),
    ({**A, "userData": "a"}, "userData"),
    ({**A, "userData": True}, "userData"),
    ({**A, "noRetry": "yes"}, "noRetry"),
    ({**A, "errorMessages": "a"}, "errorMessages"),
    ({**A, "errorMessages": [1]}, "errorMessages"),
    ({**A, "loadedUrl": 1}, "loadedUrl"),
    ({**A, "handledAt": "yesterday"}, "handledAt"),
    ({**A, "handledAt": "2026-01-01T00:00:00"}, "handledAt"),
    ({**A, "handledAt": "0001-01-01T00:00:00+14:00"}, "handledAt"),
    ({**A, "handledAt": "9999-12-31T23:59:59-14:00"}, "handledAt"),
    ({**A, "handledAt": True}, "handledAt"),
]


@pytest.mark.parametrize("id_", ["", ".", ".."])
def test_an_id_that_no_url_can_end_with_is_refused(api, ada, at, id_):
    client, body = api(ada), {**A, "id": id_}
    for method, path, sent in (("post", "/requests", body), ("post", "/requests/batch", [A, body])):
        assert error_of(send(client, method, at + path, sent)) == (400, "invalid-value")
    assert error_of(send(client, "put", f"{at}/requests/{ID}", body)) == (400, "id-does-not-match")
    assert not QueuedRequest.objects.exists()


@pytest.mark.parametrize(("body", "field"), NOT_VALID)
def test_a_request_that_is_not_valid_is_refused_by_the_name_of_its_field(api, ada, at, body, field):
    client = api(ada)
    for method, path, sent, before in (
        ("post", "/requests", body, ""),
        ("put", f"/requests/{ID}", body, ""),
        ("post", "/requests/batch", [A, body], "[1]."),
    ):
        response = send(client, method, at + path, sent)
        assert error_of(response) == (400, "invalid-value")
        assert f'of "{before}{field}' in message_of(response)
    assert not QueuedRequest.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nothing",
        "{",
        b"\xff",
        '{"url": "\\ud800"}',
        '{"url": "\\udc00x"}',
        "[" * 100_000,
        '{"url": "\x00"}',
        b"\x00",
    ],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [("post", "/requests"), ("put", f"/requests/{ID}"), ("post", "/requests/batch"), ("delete", "/requests/batch")],
)
def test_what_is_no_json_is_refused(api, ada, at, method, path, body):
    status, type_ = error_of(send(api(ada), method, at + path, body))
    assert (status, type_) in ((400, "invalid-input"), (400, "invalid-value"))
    assert not QueuedRequest.objects.exists()


@pytest.mark.parametrize("body", [{}, '"text"', 5, None, [1], ["text"], [None], [[]]])
def test_what_is_no_batch_is_refused(api, ada, at, body):
    for method in ("post", "delete"):
        assert error_of(send(api(ada), method, f"{at}/requests/batch", body)) == (400, "invalid-value")


def test_a_batch_has_25_requests_at_most(api, ada, at):
    many = [{"uniqueKey": str(n), "url": "https://example.com"} for n in range(26)]
    for method in ("post", "delete"):
        assert error_of(send(api(ada), method, f"{at}/requests/batch", many)) == (400, "invalid-value")
    assert not QueuedRequest.objects.exists()
    assert send(api(ada), "post", f"{at}/requests/batch", many[:25]).status_code == 201


def test_a_batch_to_delete_must_say_what(api, ada, at):
    response = send(api(ada), "delete", f"{at}/requests/batch", [{"id": ID}, {}])
    assert error_of(response) == (400, "invalid-value")
    assert '"[1]"' in message_of(response)
    for line in ({"id": 5}, {"uniqueKey": 5}, {"id": "x", "uniqueKey": A["uniqueKey"]}):
        assert error_of(send(api(ada), "delete", f"{at}/requests/batch", [line])) == (400, "invalid-value")


def test_a_body_that_is_too_large(api, ada, at, settings):
    settings.API_MAX_BODY_BYTES = 1000
    body = {**A, "userData": {"text": "x" * 1000}}
    assert error_of(send(api(ada), "post", f"{at}/requests", body)) == (413, "request-too-large")
    packed = gzip.compress(json.dumps(body).encode())
    response = send(api(ada), "post", f"{at}/requests", packed, headers={"Content-Encoding": "gzip"})
    assert error_of(response) == (413, "request-too-large")
    assert not QueuedRequest.objects.exists()


def test_ids_that_do_not_match(api, ada, at):
    for path, body in ((ID, {**A, "id": "other"}), ("other", A), ("%00", A), ("x" * 500, A)):
        assert error_of(send(api(ada), "put", f"{at}/requests/{path}", body)) == (400, "id-does-not-match")
    assert not QueuedRequest.objects.exists()


@pytest.mark.parametrize("id_", ["other", "%00", "%ED%A0%80", "é", "x" * 500, "..", "'"])
def test_requests_that_there_are_not(api, ada, at, id_):
    client = api(ada)
    for response in (
        client.get(f"{at}/requests/{id_}"),
        client.delete(f"{at}/requests/{id_}"),
        client.put(f"{at}/requests/{id_}/lock?lockSecs=60"),
        client.delete(f"{at}/requests/{id_}/lock"),
    ):
        assert error_of(response) == (404, "record-not-found")


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "limit=1e3",
        "filter=handled",
        "filter=locked,",
        "cursor=%00",
        "cursor=a-b",
        "exclusiveStartId=é",
    ],
)
def test_lists_that_there_are_not(api, ada, at, query):
    assert error_of(api(ada).get(f"{at}/requests?{query}")) == (400, "invalid-value")


@pytest.mark.parametrize("query", ["cursor=a&exclusiveStartId=b", "filter=locked&exclusiveStartId=b"])
def test_parameters_that_do_not_go_together(api, ada, at, query):
    assert error_of(api(ada).get(f"{at}/requests?{query}")) == (400, "parameters-mismatched")


@pytest.mark.parametrize("key", ["x" * 33, "%00"])
def test_a_client_key_has_32_characters_at_most(api, ada, at, key):
    client = api(ada)
    for response in (
        client.get(f"{at}/head?clientKey={key}"),
        client.get(f"{at}/requests?clientKey={key}"),
        client.post(f"{at}/head/lock?lockSecs=60&clientKey={key}"),
        client.post(f"{at}/requests/unlock?clientKey={key}"),
        send(client, "post", f"{at}/requests?clientKey={key}", A),
        client.delete(f"{at}/requests/{ID}?clientKey={key}"),
    ):
        assert error_of(response) == (400, "invalid-client-key")


def test_forefront_is_true_or_false(api, ada, at):
    assert error_of(send(api(ada), "post", f"{at}/requests?forefront=maybe", A)) == (400, "invalid-value")


def test_a_queue_that_goes_away_meanwhile(api, ada, queue, at, monkeypatch):
    client = api(ada)

    def delete_first(request):
        storages.delete(queue, by=ada.principal)
        return client_from_request(request)

    monkeypatch.setattr("console.api.request_queues.requests.client_from_request", delete_first)
    assert error_of(send(client, "post", f"{at}/requests", A)) == (404, "record-not-found")


# Features


def test_add_get_replace_delete(api, ada, at):
    client = api(ada)
    full = {
        **A,
        "method": "POST",
        "payload": '{"a": 1}',
        "headers": {"X-A": "b"},
        "userData": {"label": "DETAIL", "deep": {"n": [1, 2.50, None]}},
        "retryCount": 2,
        "noRetry": True,
        "errorMessages": ["one", "two"],
        "loadedUrl": "https://example.com/loaded",
    }
    added = send(client, "post", f"{at}/requests", full)
    assert added.status_code == 201
    assert added.json()["data"] == {
        "requestId": ID,
        "uniqueKey": A["uniqueKey"],
        "wasAlreadyPresent": False,
        "wasAlreadyHandled": False,
    }
    assert client.get(f"{at}/requests/{ID}").json()["data"] == {"id": ID, **full}
    handled = send(client, "put", f"{at}/requests/{ID}", {**A, "id": ID, "handledAt": "2026-08-01T14:00:00.5+02:00"})
    assert handled.status_code == 200
    assert handled.json()["data"]["wasAlreadyHandled"] is False
    again = client.get(f"{at}/requests/{ID}").json()["data"]
    assert again == {"id": ID, **A, **DEFAULTS, "handledAt": "2026-08-01T12:00:00.500Z"}
    assert send(client, "post", f"{at}/requests", A).json()["data"]["wasAlreadyHandled"] is True
    deleted = client.delete(f"{at}/requests/{ID}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get(f"{at}/requests/{ID}").status_code == 404


def test_what_is_only_kept_comes_back_byte_by_byte(api, ada, at):
    kept = b'{"big":123456789012345678901234567890,"x":1.10,"\\u0000":"\\ud83d\\ude00","e":1e400}'
    body = b'{"uniqueKey":"https://example.com/a","url":"https://example.com/a","userData":' + kept + b"}"
    assert send(api(ada), "post", f"{at}/requests", body).status_code == 201
    assert b'"userData":' + kept in api(ada).get(f"{at}/requests/{ID}").content
    assert b'"userData":' + kept in api(ada).get(f"{at}/requests").content


def test_null_is_like_not_there_and_what_is_unknown_is_not_kept(api, ada, at):
    names = (
        "method",
        "payload",
        "headers",
        "userData",
        "retryCount",
        "noRetry",
        "errorMessages",
        "handledAt",
        "loadedUrl",
    )
    body = {**A, **dict.fromkeys(names), "lockExpiresAt": "2099-01-01T00:00:00Z", "orderKey": 1}
    assert send(api(ada), "post", f"{at}/requests", body).status_code == 201
    kept = api(ada).get(f"{at}/requests/{ID}").json()["data"]
    assert kept == {"id": ID, **A, **DEFAULTS}


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("br", brotli.compress)])
def test_bodies_come_compressed(api, ada, at, encoding, pack):
    packed = pack(json.dumps([A]).encode())
    response = send(api(ada), "post", f"{at}/requests/batch", packed, headers={"Content-Encoding": encoding})
    assert response.status_code == 201
    assert QueuedRequest.objects.get().request_id == ID


def test_batches(api, ada, queue, at):
    client = api(ada)
    send(client, "post", f"{at}/requests", A)
    b = {"uniqueKey": "b", "url": "https://example.com/b"}
    answer = send(client, "post", f"{at}/requests/batch?forefront=true", [b, A, b]).json()["data"]
    assert [each["wasAlreadyPresent"] for each in answer["processedRequests"]] == [False, True, True]
    assert answer["unprocessedRequests"] == []
    head = client.get(f"{at}/head").json()["data"]["items"]
    assert [each["uniqueKey"] for each in head] == ["b", A["uniqueKey"]]
    gone = send(client, "delete", f"{at}/requests/batch", [{"id": ID}, {"uniqueKey": "b"}, {"id": "%00"}])
    assert gone.status_code == 200
    assert [sorted(each) for each in gone.json()["data"]["processedRequests"]] == [["id"], ["id", "uniqueKey"], ["id"]]
    assert RequestQueue.objects.get(pk=queue.pk).total_count == 0
    assert send(client, "post", f"{at}/requests/batch", []).json()["data"]["processedRequests"] == []


def test_a_request_that_could_not_be_added_is_given_back(api, ada, at, monkeypatch):
    send(api(ada), "post", f"{at}/requests", A)
    monkeypatch.setattr("resources.request_queues.writing._load_handled", lambda *_: {})
    answer = send(api(ada), "post", f"{at}/requests/batch", [A]).json()["data"]
    assert answer == {"processedRequests": [], "unprocessedRequests": [{**A, "method": "GET"}]}
    assert error_of(send(api(ada), "post", f"{at}/requests", A)) == (429, "rate-limit-exceeded")


def test_lists_page_by_cursor_and_by_id(api, ada, at):
    client = api(ada)
    batch = [{"uniqueKey": str(n), "url": f"https://example.com/{n}"} for n in range(25)]
    send(client, "post", f"{at}/requests/batch", batch)
    for parameter in ("cursor", "exclusiveStartId"):
        found, place = [], ""
        while place is not None:
            page = client.get(f"{at}/requests?limit=10&{parameter}={place}").json()["data"]
            assert page["limit"] == 10
            assert page.get(parameter) == (place or None)
            found += [each["uniqueKey"] for each in page["items"]]
            place = page.get("nextCursor")
        assert sorted(found) == sorted(str(n) for n in range(25))
        assert len(found) == 25
    assert client.get(f"{at}/requests").json()["data"]["limit"] == 10_000


def test_states_in_lists(api, ada, at):
    client = api(ada)
    batch = [{"uniqueKey": str(n), "url": f"https://example.com/{n}"} for n in range(3)]
    send(client, "post", f"{at}/requests/batch", [*batch, {**A, "handledAt": "2026-08-01T12:00:00Z"}])
    locked = client.post(f"{at}/head/lock?lockSecs=60&limit=1").json()["data"]["items"][0]

    def found(states):
        items = client.get(f"{at}/requests?filter={states}").json()["data"]["items"]
        return sorted(each["uniqueKey"] for each in items)

    assert found("locked") == ["0"]
    assert found("pending") == ["1", "2"]
    assert found("locked,pending") == found("pending,locked") == ["0", "1", "2"]
    assert len(found("")) == 4
    listed = client.get(f"{at}/requests?filter=locked").json()["data"]["items"][0]
    assert listed["lockExpiresAt"] == locked["lockExpiresAt"]
    assert client.get(f"{at}/requests/{locked['id']}").json()["data"]["lockExpiresAt"] == locked["lockExpiresAt"]


def test_a_queue_is_reached_by_its_name_too(api, ada, queue):
    queue.name = "shop"
    queue.save()
    assert send(api(ada), "post", "/v2/request-queues/ada~shop/requests", A).status_code == 201
    assert api(ada).get("/v2/request-queues/~shop/head").json()["data"]["items"][0]["id"] == ID
