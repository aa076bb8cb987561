"""Pushing items and reading them over HTTP. What transformations and formats do is held by the tests of the content."""

import gzip
import json

import brotli
import pytest
import zstandard

from resources.datasets import statistics
from resources.datasets.reading import open_items
from resources.datasets.writing import DatasetGone
from resources.kinds import Kind
from resources.models import Dataset, DatasetStatistics
from resources.usage.read_counter import reads
from sharing import grants
from sharing.permissions import Permission
from tests.support.api import error_of, message_of

ITEMS = [{"n": n, "#debug": "x", "tag": "ä"} for n in range(10)]


def body_of(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def prices(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")


@pytest.fixture
def push(api, ada, prices):
    client = api(ada)

    def send(body, **headers):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(f"/v2/datasets/{prices.pk}/items", data, "application/json", headers=headers)

    return send


@pytest.fixture
def get(api, ada, prices):
    client = api(ada)
    return lambda query="": client.get(f"/v2/datasets/{prices.pk}/items?{query}")


# Refusals


def test_those_who_may_not(api, ben, cleo, prices):
    grants.grant(prices, ben, Permission.READ, by=prices.owner.principal)
    url = f"/v2/datasets/{prices.pk}/items"
    for method in ("get", "head"):
        assert getattr(api(), method)(url).status_code == 403
        assert getattr(api(cleo), method)(url).status_code == 403
        assert getattr(api(cleo), method)("/v2/datasets/ada~prices/items").status_code == 404
    assert error_of(api().post(url, "[{}]", "application/json")) == (401, "token-not-provided")
    for reader in (ben, cleo):
        assert error_of(api(reader).post(url, "[{}]", "application/json")) == (403, "insufficient-permissions")
    assert error_of(api(cleo).get(f"/v2/datasets/{prices.pk}/statistics")) == (403, "insufficient-permissions")
    prices.refresh_from_db()
    assert (prices.item_count, prices.write_count) == (0, 0)


def test_a_scope_to_read_reads_and_pushes_nothing(api, ada, prices):
    scoped = api(ada, scope=[{"kind": "dataset", "permissions": ["READ"], "resourceId": prices.pk}])
    url = f"/v2/datasets/{prices.pk}/items"
    assert scoped.get(url).status_code == 200
    assert error_of(scoped.post(url, "[{}]", "application/json")) == (403, "insufficient-permissions")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"5",
        b'"x"',
        b"null",
        b'[{"a": 1}, 5]',
        b'[{"a": 1}',
        b'[{"a": 1}]]',
        b"[{},]",
        b'{"a": NaN}',
        b'{"a": "\xff"}',
        b'[{"a": 1}, ' + b"[" * 50_000,
        b'[{"a": 1}, {"b": ' + b"[" * 50_000 + b"]" * 50_000 + b"}]",
        b"\x00",
    ],
)
def test_items_that_are_wrong_leave_nothing_behind(push, prices, body):
    response = push(body)
    assert error_of(response) == (400, "invalid-input")
    assert len(message_of(response)) < 500
    prices.refresh_from_db()
    assert (prices.item_count, prices.write_count, prices.stored_bytes) == (0, 0, 0)
    assert not prices.chunks.exists()


def test_items_that_are_too_large(push, prices, settings):
    settings.API_MAX_BODY_BYTES = 1000
    body = json.dumps(ITEMS * 10).encode()
    for data, encoding in ((body, "identity"), (gzip.compress(body), "gzip"), (brotli.compress(body), "br")):
        assert error_of(push(data, **{"Content-Encoding": encoding})) == (413, "request-too-large")
    assert error_of(push(body, **{"Content-Encoding": "zstd"})) == (415, "unsupported-content-encoding")
    prices.refresh_from_db()
    assert prices.item_count == 0


@pytest.mark.parametrize(
    "query",
    [
        *(f"{name}={value}" for name in ("offset", "limit") for value in ("-1", "NaN", "1e3", "x", "%00", "%D9%A1")),
        *(f"{name}=maybe" for name in ("desc", "clean", "skipEmpty", "skipHidden", "bom", "attachment")),
        "format=exe",
        "format=JSON",
        "delimiter=ab",
        "outputFields=a",
        "fields=a,b&outputFields=c",
    ],
)
def test_a_parameter_that_makes_no_sense(get, push, query):
    push(ITEMS)
    response = get(query)
    assert error_of(response) == (400, "invalid-value")
    assert any(f'"{part.partition("=")[0]}"' in message_of(response) for part in query.split("&"))


@pytest.mark.parametrize("number", ["9007199254740993", "9" * 30, "9" * 5000])
@pytest.mark.parametrize(("name", "expected"), [("offset", []), ("limit", ITEMS)])
def test_huge_numbers(get, push, name, number, expected):
    push(ITEMS)
    response = get(f"{name}={number}")
    assert (response.status_code, response.json()) == (200, expected)


def test_a_dataset_that_goes_while_it_is_asked_for(get, push, prices, monkeypatch):
    push(ITEMS)
    monkeypatch.setattr("console.api.datasets.items.reads.add", lambda _: None)

    def delete_first(*args, **kwargs):
        Dataset.objects.all().delete()
        return open_items(*args, **kwargs)

    monkeypatch.setattr("console.api.datasets.items.open_items", delete_first)
    assert error_of(get()) == (404, "record-not-found")


@pytest.mark.parametrize("step", ["_saved", "scan", "_count", "_save"])
def test_a_dataset_that_goes_while_its_statistics_are_taken(api, ada, push, prices, monkeypatch, step):
    push(ITEMS)
    taken = getattr(statistics, step)

    def delete_first(*args, **kwargs):
        Dataset.objects.filter(pk=prices.pk).delete()
        return taken(*args, **kwargs)

    monkeypatch.setattr(statistics, step, delete_first)
    assert error_of(api(ada).get(f"/v2/datasets/{prices.pk}/statistics")) == (404, "record-not-found")
    assert not DatasetStatistics.objects.exists()


# Features


def test_push_and_read(push, get, prices, settings):
    pushed = push(ITEMS)
    assert (pushed.status_code, pushed.json()) == (201, {})
    assert pushed["Location"] == f"{settings.PUBLIC_URL}/v2/datasets/{prices.pk}/items"
    assert push({"n": 10}).status_code == 201
    response = get()
    assert json.loads(body_of(response)) == [*ITEMS, {"n": 10}]
    assert response["Content-Type"] == "application/json; charset=utf-8"
    assert response["Content-Length"] == str(len(response.content))


@pytest.mark.parametrize("address", ["id", "~prices", "ada~prices", "ADA~prices"])
def test_by_id_and_by_name(api, ada, push, prices, address):
    push(ITEMS)
    response = api(ada).get(f"/v2/datasets/{prices.pk if address == 'id' else address}/items")
    assert json.loads(response.content) == ITEMS


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_push_compressed(push, get, encoding):
    body = json.dumps(ITEMS).encode()
    data = gzip.compress(body) if encoding == "gzip" else brotli.compress(body)
    assert push(data, **{"Content-Encoding": encoding}).status_code == 201
    assert json.loads(get().content) == ITEMS


def test_an_empty_push_adds_nothing(push, get, prices):
    assert push([]).status_code == 201
    assert json.loads(get().content) == []
    prices.refresh_from_db()
    assert prices.item_count == 0


@pytest.mark.parametrize(
    ("query", "expected", "headers"),
    [
        ("", ITEMS, ("10", "0", "999999999999", "10", "false")),
        ("offset=2&limit=3", ITEMS[2:5], ("10", "2", "3", "3", "false")),
        ("offset=2&limit=3&desc=1", ITEMS[7:4:-1], ("10", "2", "3", "3", "true")),
        ("offset=20", [], ("10", "20", "999999999999", "0", "false")),
        ("limit=1&limit=2", ITEMS[:2], ("10", "0", "2", "2", "false")),
        ("clean=1&limit=1", [{"n": 0, "tag": "ä"}], ("10", "0", "1", "1", "false")),
        ("fields=n&limit=2", [{"n": 0}, {"n": 1}], ("10", "0", "2", "2", "false")),
        ("omit=n,tag&limit=1", [{"#debug": "x"}], ("10", "0", "1", "1", "false")),
    ],
)
def test_pages(push, get, query, expected, headers):
    push(ITEMS)
    response = get(query)
    assert json.loads(body_of(response)) == expected
    names = ("Total", "Offset", "Limit", "Count", "Desc")
    assert tuple(response[f"X-Apify-Pagination-{name}"] for name in names) == headers


def test_head(api, ada, push, prices):
    push(ITEMS)
    response = api(ada).head(f"/v2/datasets/{prices.pk}/items?limit=3")
    assert (response.status_code, body_of(response)) == (200, b"")
    assert response["X-Apify-Pagination-Total"] == "10"
    assert response["X-Apify-Pagination-Count"] == "3"
    assert "Content-Length" not in response


@pytest.mark.parametrize(
    ("query", "content_type", "starts"),
    [
        ("format=json", "application/json; charset=utf-8", b'[{"n": 0, "#debug": "x", '),
        ("format=jsonl", "application/jsonl; charset=utf-8", b'{"n": 0, "#debug": "x", '),
        ("format=csv", "text/csv; charset=utf-8", b"\xef\xbb\xbfn,#debug,tag\r\n0,x,"),
        ("format=csv&bom=0&delimiter=%3B", "text/csv; charset=utf-8", b"n;#debug;tag\r\n0;x;"),
        ("format=json&bom=1", "application/json; charset=utf-8", b'\xef\xbb\xbf[{"n": 0, '),
    ],
)
def test_formats(push, get, query, content_type, starts):
    push(ITEMS)
    response = get(query)
    body = body_of(response)
    assert response["Content-Type"] == content_type
    assert body.startswith(starts)


def test_a_strangers_content_is_never_a_page_of_ours(push, get):
    push([{"html": "<script>alert(1)</script>"}])
    for query in ("", "format=csv", "format=jsonl", "limit=1"):
        response = get(query)
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert "html" not in response["Content-Type"]


def test_attachment(push, get, prices):
    push(ITEMS)
    assert "Content-Disposition" not in get()
    assert get("attachment=1&format=csv")["Content-Disposition"] == 'attachment; filename="prices.csv"'
    Dataset.objects.filter(pk=prices.pk).update(name=None)
    assert get("attachment=true")["Content-Disposition"] == f'attachment; filename="{prices.pk}.json"'


def test_large_answers_stream(push, get):
    for _ in range(8):
        push([{"n": n, "text": "x" * 1000} for n in range(1000)])
    response = get()
    assert response.streaming
    body = body_of(response)
    assert len(json.loads(body)) == 8000
    assert response["Content-Length"] == str(len(body))
    response = get("offset=1")
    assert response.streaming
    assert len(json.loads(body_of(response))) == 7999
    assert "Content-Length" not in response


@pytest.fixture
def long(push):
    for number in range(8):
        push([{"n": n, "text": f"{number} " * 500} for n in range(1000)])


@pytest.mark.parametrize(
    ("accepted", "query"),
    [
        *[(accepted, "") for accepted in ("", "gzip, br", "zstd;q=0", "identity;q=0", "*", "zstandard")],
        ("zstd", "attachment=1"),
        ("zstd", "format=xlsx"),
        ("zstd", "limit=1"),
    ],
)
def test_a_long_answer_is_not_packed_unless_that_is_asked_for_and_of_use(api, ada, prices, long, accepted, query):
    response = api(ada).get(f"/v2/datasets/{prices.pk}/items?{query}", headers={"Accept-Encoding": accepted})
    head = api(ada).head(f"/v2/datasets/{prices.pk}/items?{query}", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in response
    assert "Content-Encoding" not in head
    if accepted != "zstd":
        assert head.get("Content-Length") == response.get("Content-Length") is not None
    body_of(response)


@pytest.mark.parametrize("accepted", ["zstd", "gzip, deflate, br, zstd", "gzip;q=1, ZSTD ; q=0.5"])
@pytest.mark.parametrize(
    "query", ["", "format=jsonl", "format=csv", "format=csv&escapeFormulas=1", "offset=1", "desc=1"]
)
def test_a_long_answer_is_packed_for_a_client_that_takes_zstd(api, ada, prices, long, get, accepted, query):
    address = f"/v2/datasets/{prices.pk}/items?{query}"
    response = api(ada).get(address, headers={"Accept-Encoding": accepted})
    assert (response["Content-Encoding"], response["Vary"]) == ("zstd", "Accept-Encoding")
    assert "Content-Length" not in response
    packed, plain = body_of(response), body_of(get(query))
    with zstandard.ZstdDecompressor().stream_reader(packed) as reader:
        assert reader.read() == plain
    assert len(packed) < len(plain) / 10
    head = api(ada).head(address, headers={"Accept-Encoding": accepted})
    assert (head["Content-Encoding"], head["Vary"]) == ("zstd", "Accept-Encoding")
    assert "Content-Length" not in head


def test_a_long_answer_that_breaks_is_no_whole_one_for_a_client_that_takes_zstd(api, ada, prices, long):
    response = api(ada).get(f"/v2/datasets/{prices.pk}/items", headers={"Accept-Encoding": "zstd"})
    pieces = iter(response.streaming_content)
    packed = next(pieces)
    Dataset.objects.filter(pk=prices.pk).delete()
    with pytest.raises(DatasetGone):
        packed += b"".join(pieces)
    decoder = zstandard.ZstdDecompressor().decompressobj()
    decoder.decompress(packed)
    assert not decoder.eof


@pytest.mark.parametrize("query", ["", "format=jsonl", "bom=1", "format=jsonl&bom=1&desc=1", "limit=1", "format=csv"])
@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_head_tells_the_length_where_it_is_known(api, ada, prices, push, get, query, count):
    if count:
        push([{"n": n, "text": "ä"} for n in range(count)])
    announced = api(ada).head(f"/v2/datasets/{prices.pk}/items?{query}").get("Content-Length")
    assert announced == (None if "csv" in query or ("limit" in query and count > 1) else str(len(get(query).content)))


def test_counters_and_statistics(api, ada, push, get, prices):
    push([{"price": 3, "name": None}, {"price": 5}, {}])
    data = api(ada).get(f"/v2/datasets/{prices.pk}").json()["data"]
    assert (data["itemCount"], data["cleanItemCount"]) == (3, 2)
    assert data["fields"] == ["price", "name"]
    assert data["stats"]["writeCount"] > 0
    assert data["stats"]["storageBytes"] > 0
    fields = api(ada).get(f"/v2/datasets/{prices.pk}/statistics").json()["data"]["fieldStatistics"]
    assert (fields["price"]["min"], fields["price"]["max"]) == (3, 5)
    assert fields["name"]["nullCount"] == 1
    get()
    reads.flush()
    prices.refresh_from_db()
    assert prices.read_count >= 2


# Costs


def test_a_page_costs_check_and_page_and_a_token_one_more(api, push, prices, django_assert_num_queries, ada):
    push(ITEMS)
    Dataset.objects.filter(pk=prices.pk).update(general_access="ANYONE_WITH_NAME_CAN_READ")
    client = api(ada)
    for address in (prices.pk, "ada~prices"):
        with django_assert_num_queries(2):
            assert api().get(f"/v2/datasets/{address}/items?limit=20").status_code == 200
        with django_assert_num_queries(3):
            assert client.get(f"/v2/datasets/{address}/items?limit=20").status_code == 200
