"""Clients that send slowly, and a bucket that hangs, hold no connection to the database: others do not notice."""

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, IncompleteRead

import boto3
import pytest

from tests.support.faulty_proxy import FaultyProxy
from tests.support.served import served

CLIENTS = 6
SECONDS = 5.0
OTHERS_SECONDS = 1.0


@pytest.fixture(scope="module")
def bucket():
    """A bucket of moto's, behind a proxy."""
    moto_server = pytest.importorskip("moto.server")
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = server.get_host_and_port()
    keys = {"aws_access_key_id": "only-for-tests", "aws_secret_access_key": "only-for-tests"}
    boto3.client("s3", endpoint_url=f"http://{address[0]}:{address[1]}", region_name="us-east-1", **keys).create_bucket(
        Bucket="records"
    )
    proxy = FaultyProxy(address)
    yield proxy
    proxy.close()
    server.stop()


@pytest.fixture(scope="module")
def run(bucket, tmp_path_factory):
    """A server with a single connection to its database, where that is PostgreSQL."""
    with pytest.MonkeyPatch.context() as patched:
        for name, value in {
            "DATABASE_POOL_SIZE": "1",
            "RECORDS_BUCKET": "records",
            "RECORDS_BUCKET_ENDPOINT": f"http://127.0.0.1:{bucket.port}",
            "RECORDS_BUCKET_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "only-for-tests",
            "AWS_SECRET_ACCESS_KEY": "only-for-tests",
            "AWS_EC2_METADATA_DISABLED": "true",
        }.items():
            patched.setenv(name, value)
        with served(tmp_path_factory.mktemp("served"), ("ada",)) as running:
            yield running


@pytest.fixture
def whole_bucket(bucket):
    yield bucket
    bucket.heal()


def ask(run, method, path, body=None, **headers):
    begun_at = time.monotonic()
    response = run.request(method, path, body, **headers)
    answer = response.read()
    return response.status, time.monotonic() - begun_at, response.headers.get("Retry-After"), answer


def make(run, kind):
    status, _, _, answer = ask(run, "POST", f"/v2/{kind}")
    assert status == 201
    return json.loads(answer)["data"]["id"]


def ask_as_others(run):
    with ThreadPoolExecutor(4) as threads:
        asked = list(threads.map(lambda path: ask(run, "GET", path), ["/v2/datasets", "/v2/users/me"] * 10))
    assert {status for status, *_ in asked} == {200}
    return max(seconds for _, seconds, *_ in asked)


def begin(run, path, method, body):
    """Send the head of a request, and half of its body."""
    connection = HTTPConnection("127.0.0.1", run.port, timeout=60)
    connection.putrequest(method, path)
    connection.putheader("Authorization", f"Bearer {run.tokens['ada']}")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[: len(body) // 2])
    return connection


@pytest.mark.parametrize("kind", ["datasets", "key-value-stores", "request-queues"])
def test_a_body_that_comes_slowly_holds_no_connection(run, whole_bucket, kind):
    id_ = make(run, kind)
    urls = [{"url": f"http://example.com/{number}", "uniqueKey": f"{number:0>4000}"} for number in range(25)]
    path, method = {
        "datasets": (f"/v2/datasets/{id_}/items", "POST"),
        "key-value-stores": (f"/v2/key-value-stores/{id_}/records/a", "PUT"),
        "request-queues": (f"/v2/request-queues/{id_}/requests/batch", "POST"),
    }[kind]
    body = json.dumps(urls).encode()
    assert len(body) > 64 * 1024
    slow = [begin(run, path, method, body) for _ in range(CLIENTS)]
    worst = ask_as_others(run)
    for connection in slow:
        connection.send(body[len(body) // 2 :])
    assert {connection.getresponse().status for connection in slow} <= {200, 201}
    assert worst < OTHERS_SECONDS


@pytest.mark.parametrize("fault", ["swallow", "refuse"])
def test_a_bucket_that_does_not_answer_is_a_503_within_seconds_for_those_who_need_it(run, whole_bucket, fault):
    store = make(run, "key-value-stores")
    path = f"/v2/key-value-stores/{store}/records/a"
    assert ask(run, "PUT", path, b"data", Content_Type="text/plain")[0] == 201
    getattr(whole_bucket, fault)()
    with ThreadPoolExecutor(CLIENTS) as threads:
        puts = [threads.submit(ask, run, "PUT", path, b"new", Content_Type="text/plain") for _ in range(CLIENTS // 2)]
        gets = [threads.submit(ask, run, "GET", path) for _ in range(CLIENTS // 2)]
        worst = ask_as_others(run)
        answers = [each.result() for each in puts + gets]
    assert {(status, retry_after) for status, _, retry_after, _ in answers} == {(503, "2")}
    assert max(seconds for _, seconds, *_ in answers) < SECONDS
    assert worst < OTHERS_SECONDS
    whole_bucket.heal()
    until = time.monotonic() + 15
    while ask(run, "GET", path)[0] == 503:
        assert time.monotonic() < until, "The bucket is back, and is not used."
    status, _, _, answer = ask(run, "GET", path)
    assert (status, answer) in [(200, b"data"), (200, b"new")]  # what was swallowed may arrive later


def test_a_record_that_the_bucket_gives_slowly_holds_no_connection(run, whole_bucket):
    store = make(run, "key-value-stores")
    path = f"/v2/key-value-stores/{store}/records/large"
    data = os.urandom(300_000)
    assert ask(run, "PUT", path, data, Content_Type="application/octet-stream")[0] == 201
    whole_bucket.delay(0.5)
    with ThreadPoolExecutor(CLIENTS) as threads:
        reading = [threads.submit(ask, run, "GET", path) for _ in range(CLIENTS)]
        worst = ask_as_others(run)
        answers = [each.result() for each in reading]
    assert {(status, answer) for status, _, _, answer in answers} == {(200, data)}
    assert worst < OTHERS_SECONDS


def test_an_answer_that_the_bucket_breaks_off_does_not_look_whole(run, whole_bucket):
    store = make(run, "key-value-stores")
    path = f"/v2/key-value-stores/{store}/records/large"
    assert ask(run, "PUT", path, os.urandom(8_000_000), Content_Type="application/octet-stream")[0] == 201
    whole_bucket.delay(0.2)
    response = run.request("GET", path)
    assert response.status == 200
    whole_bucket.refuse()
    with pytest.raises((OSError, IncompleteRead)):
        response.read()
