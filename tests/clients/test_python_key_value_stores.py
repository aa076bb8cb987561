"""The Python client, unchanged, with key-value stores: everything that its methods for them do."""

import asyncio
import contextlib
import gzip
import io
import random
from collections.abc import Iterator
from typing import Any
from urllib.request import urlopen

import pytest
from apify_client import ApifyClient
from apify_client.errors import ApifyApiError, ConflictError, ForbiddenError, InvalidRequestError, UnauthorizedError

from resources.kinds import Kind
from tests.clients.either import run_apart
from tests.support.served import Served, served

LARGE = random.Random(1).randbytes(1_000_000)


@pytest.fixture
def ada_client(cast, client_of):
    return client_of(cast["ada"])


@pytest.fixture
def store(ada_client):
    return ada_client.key_value_store(ada_client.key_value_stores().get_or_create(name="things").id)


@pytest.fixture
def restricted(store):
    store.update(general_access="RESTRICTED")
    return store


# Refusals


def test_nobody_and_a_stranger(cast, client_of, restricted):
    id_ = restricted.get().id
    with pytest.raises(UnauthorizedError):
        client_of().key_value_stores().list()
    for client in (client_of(), client_of(cast["cleo"])):
        theirs = client.key_value_store(id_)
        for call in (theirs.get, theirs.list_keys, lambda one=theirs: one.get_record("KEY")):
            with pytest.raises(ForbiddenError) as caught:
                call()
            assert caught.value.type == "insufficient-permissions"
        with pytest.raises(ApifyApiError):
            theirs.set_record("KEY", 5)
    assert list(restricted.iterate_keys()) == []


@pytest.mark.parametrize("key", [".", "..", ""])
def test_what_a_client_sends_for_a_key_that_is_no_key_leaves_the_store(store, key):
    """The client normalizes the URL, so the server never sees the key."""
    store.set_record("KEY", 5)
    for call in (store.delete_record, store.get_record, store.record_exists, lambda text: store.set_record(text, 1)):
        with contextlib.suppress(ApifyApiError, ValueError):
            call(key)
    assert [each.key for each in store.iterate_keys()] == ["KEY"]


def test_a_reader_may_not_write(cast, client_of, give, make_resource):
    things = make_resource(Kind.KEY_VALUE_STORE, cast["ada"], general_access="RESTRICTED")
    give(things, cast["ben"])
    bens = client_of(cast["ben"]).key_value_store(things.pk)
    assert bens.get().url_signing_secret_key is None
    for call in (lambda: bens.set_record("KEY", 5), lambda: bens.delete_record("KEY"), bens.delete):
        with pytest.raises(ForbiddenError):
            call()


def test_what_cannot_be(ada_client, store):
    with pytest.raises(InvalidRequestError) as caught:
        store.set_record("a/b", "x")
    assert caught.value.type == "invalid-record-key"
    other = ada_client.key_value_store(ada_client.key_value_stores().get_or_create().id)
    with pytest.raises(ConflictError):
        other.update(name="things")


def test_what_is_not_there(ada_client, store):
    assert store.get_record("nothing") is None
    assert store.get_record_as_bytes("nothing") is None
    assert not store.record_exists("nothing")
    with store.stream_record("nothing") as streamed:
        assert streamed is None
    store.delete_record("nothing")
    assert ada_client.key_value_store("x" * 17).get() is None


# Everything


def test_the_collection(ada_client, store, settings):
    made = store.get()
    assert str(made.console_url) == f"{settings.PUBLIC_URL}/storage/key-value-stores/{made.id}"
    collection = ada_client.key_value_stores()
    assert collection.get_or_create(name="things").id == made.id
    unnamed = collection.get_or_create(schema={"collections": {"posts": {"keyPrefix": "post-"}}})
    assert unnamed.schema_ == {"collections": {"posts": {"keyPrefix": "post-"}}}
    assert [each.id for each in collection.list().items] == [made.id]
    page = collection.list(unnamed=True, desc=True, limit=1)
    assert (page.total, [each.id for each in page.items]) == (2, [unnamed.id])


def test_update_and_delete(ada_client, store):
    changed = store.update(name="other", title="All of it", general_access="ANYONE_WITH_NAME_CAN_READ")
    assert (changed.name, changed.general_access) == ("other", "ANYONE_WITH_NAME_CAN_READ")
    assert ada_client.key_value_store("ada/other").get().id == changed.id
    store.delete()
    assert store.get() is None


@pytest.mark.parametrize(
    ("value", "read", "content_type"),
    [
        ({"n": [1, "é", None]}, {"n": [1, "é", None]}, "application/json; charset=utf-8"),
        (["x" * 5000], ["x" * 5000], "application/json; charset=utf-8"),
        (5, 5, "application/json; charset=utf-8"),
        ("é" * 10, "é" * 10, "text/plain; charset=utf-8"),
        ("é" * 10_000, "é" * 10_000, "text/plain; charset=utf-8"),
        (b"\x00\xff", b"\x00\xff", "application/octet-stream"),
        (LARGE, LARGE, "application/octet-stream"),
        (b"", b"", "application/octet-stream"),
    ],
)
@pytest.mark.parametrize("compression", ["gzip", "brotli"])
def test_values(cast, options, token_of, compression, value, read, content_type):
    client = ApifyClient(token_of(cast["ada"]), **options, compression=compression)
    store = client.key_value_store(client.key_value_stores().get_or_create(name="things").id)
    store.set_record("KEY", value)
    assert store.get_record("KEY") == {"key": "KEY", "value": read, "content_type": content_type}
    assert store.record_exists("KEY")
    store.delete_record("KEY")
    assert not store.record_exists("KEY")


def test_types_and_encodings_of_ones_own(store):
    store.set_record("html", "<p>é</p>", content_type="text/html; charset=utf-8")
    assert store.get_record("html")["value"] == "<p>é</p>"
    store.set_record("packed", gzip.compress(LARGE), content_type="image/png", content_encoding="gzip")
    assert store.get_record_as_bytes("packed") == {"key": "packed", "value": LARGE, "content_type": "image/png"}
    assert store.get_record_as_bytes("html")["value"] == "<p>é</p>".encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    """A server that takes bodies without a length, which that of the other tests does not."""
    with served(tmp_path_factory.mktemp("data"), ("ada",)) as run:
        yield run


@pytest.mark.filterwarnings("ignore:Streaming a request body is experimental")
def test_streams(server, tmp_path):
    client = ApifyClient(server.tokens["ada"], api_url=server.url, max_retries=1)
    store = client.key_value_store(client.key_value_stores().get_or_create().id)
    path = tmp_path / "large"
    path.write_bytes(LARGE)
    with path.open("rb") as file:
        store.set_record("file", file)
    store.set_record("chunks", (LARGE[at : at + 10_000] for at in range(0, len(LARGE), 10_000)))
    store.set_record("memory", io.BytesIO(LARGE), content_type="image/png")
    for key in ("file", "chunks", "memory"):
        with store.stream_record(key) as streamed:
            assert b"".join(streamed["value"].iter_bytes()) == LARGE


def test_keys(store):
    for n in range(25):
        store.set_record(f"key-{n:02}", "x" * n)
    store.set_record("other", 1)
    page = store.list_keys(limit=10, prefix="key-")
    assert (page.count, page.is_truncated, page.next_exclusive_start_key) == (10, True, "key-09")
    assert page.items[3].size == 3
    assert [each.key for each in store.iterate_keys(prefix="key-", chunk_size=7)] == [f"key-{n:02}" for n in range(25)]
    assert [each.key for each in store.iterate_keys(limit=3, exclusive_start_key="key-23")] == ["key-24", "other"]


def test_public_urls_open_what_they_are_for(store, live_server, settings):
    settings.PUBLIC_URL = live_server.url
    store.set_record("KEY", "content")
    with urlopen(store.get_record_public_url("KEY")) as answer:
        assert answer.read() == b"content"
    with urlopen(store.create_keys_public_url(limit=1)) as answer:
        assert b'"KEY"' in answer.read()
    with urlopen(str(store.list_keys().items[0].record_public_url)) as answer:
        assert answer.read() == b"content"


def test_all_of_it_asynchronously(cast, async_client_of):
    client = async_client_of(cast["ada"])

    async def use() -> dict[str, Any]:
        store = client.key_value_store((await client.key_value_stores().get_or_create(name="things")).id)
        await store.update(title="All of it", general_access="RESTRICTED")
        await asyncio.gather(*(store.set_record(f"key-{n}", {"n": n}) for n in range(10)))
        await store.set_record("bytes", LARGE)
        await store.delete_record("key-9")
        async with store.stream_record("bytes") as streamed:
            read = b"".join([piece async for piece in streamed["value"].aiter_bytes()])
        seen = {
            "large": read == LARGE,
            "keys": [each.key async for each in store.iterate_keys(prefix="key-", chunk_size=4)],
            "page": [each.key for each in (await store.list_keys(limit=1)).items],
            "record": await store.get_record("key-3"),
            "bytes": (await store.get_record_as_bytes("key-3"))["value"],
            "exists": [await store.record_exists("key-3"), await store.record_exists("key-9")],
            "nothing": await store.get_record("key-9"),
            "stores": [each.name for each in (await client.key_value_stores().list()).items],
            "url": "/records/key-3" in await store.get_record_public_url("key-3"),
        }
        await store.delete()
        return seen | {"gone": await store.get()}

    assert run_apart(use()) == {
        "large": True,
        "keys": [f"key-{n}" for n in range(9)],
        "page": ["bytes"],
        "record": {"key": "key-3", "value": {"n": 3}, "content_type": "application/json; charset=utf-8"},
        "bytes": b'{"n": 3}',
        "exists": [True, False],
        "nothing": None,
        "stores": ["things"],
        "url": True,
        "gone": None,
    }
