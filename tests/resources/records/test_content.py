"""Encodings undone in pieces, keys, schemas and archives, without HTTP: what is refused first."""

import gzip
import io
import random
import tracemalloc
import zipfile
import zlib
from datetime import timedelta

import brotli
import pytest
from django.utils import timezone

from accounts.lib.content_encodings import ENCODINGS, Undecodable, UnpacksTooLarge, canonical, decoded
from resources.kinds import Kind
from resources.records import discarding, reading, writing
from resources.records.archive import zip_archive
from resources.records.collections import UnknownCollection, checked_schema, collection_keys
from resources.records.keys import InvalidKey, KeyFilter, can_be_key, check_key
from resources.storages import InvalidSchema

STORE = "abcdefghijklmnopq"
TEXT = b"".join(b"%d: latchkey, " % n for n in range(40_000))
LIMIT = 10_000_000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    "br": brotli.compress(TEXT, quality=4),
}


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def unpack(data: bytes, encoding: str, size: int = 1000, limit: int = LIMIT) -> bytes:
    return b"".join(decoded(cut(data, size), encoding, limit=limit))


# Encodings


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_is_not_in_its_encoding(encoding):
    for wrong in (b"plainly not", PACKED[encoding][:-9], PACKED[encoding][:300], b"\xff" * 5000):
        with pytest.raises(Undecodable):
            unpack(wrong, encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_follows_the_end(encoding):
    with pytest.raises(Undecodable):
        unpack(PACKED[encoding] + b"something else", encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_bomb_is_cut_off_where_it_gets_too_large_and_never_whole_in_memory(encoding):
    bomb = {
        "gzip": lambda data: gzip.compress(data, 9),
        "deflate": lambda data: zlib.compress(data, 9),
        "br": lambda data: brotli.compress(data, quality=5),
    }[encoding](bytes(60_000_000))
    tracemalloc.start()
    try:
        pieces = (len(piece) for piece in decoded([bomb], encoding, limit=50_000_000))
        with pytest.raises(UnpacksTooLarge):
            max(pieces)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("size", [2, 7, 1000, 10_000_000])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_any_cut_comes_out_the_same(encoding, size):
    assert unpack(PACKED[encoding], encoding, size) == TEXT


def test_exactly_the_limit_is_no_bomb():
    assert unpack(PACKED["gzip"], "gzip", limit=len(TEXT)) == TEXT
    with pytest.raises(UnpacksTooLarge):
        unpack(PACKED["gzip"], "gzip", limit=len(TEXT) - 1)


def test_bare_deflate_and_gzip_in_several_streams():
    assert unpack(raw_deflate(TEXT), "deflate") == TEXT
    assert unpack(gzip.compress(b"one") + gzip.compress(b"two") + bytes(20), "gzip", 5) == b"onetwo"
    assert unpack(b"", "gzip") == b""


def test_names_of_encodings():
    assert [canonical(name) for name in ("GZIP", " x-gzip ", "identity", "", "br")] == ["gzip", "gzip", "", "", "br"]
    assert [canonical(name) for name in ("zstd", "gzip, br", "compress", "gzip\x00")] == [None] * 4


# Keys


@pytest.mark.parametrize(
    "key",
    ["", ".", "..", "a/b", "../a", "a\\b", "a b", "a\x00", "é", "\ud800", "a\n", "x" * 257, "a%2Fb", "a~b", '"', "*"],
)
def test_what_cannot_be_a_key(key):
    assert not can_be_key(key)
    with pytest.raises(InvalidKey, match="256 characters"):
        check_key(key, STORE)


def test_what_can_be_a_key():
    for key in ("INPUT", "x" * 256, "!-_.'()", "...", ".a", "a..b", "0.0.other-store"):
        check_key(key, STORE)


@pytest.mark.parametrize("key", [f"0.0.{STORE}", f"0.1800000000000.{STORE}", f"..{STORE}", f"r.1.{STORE}"])
def test_a_key_that_spells_what_is_signed_for_content(key):
    with pytest.raises(InvalidKey, match="signature"):
        check_key(key, STORE)
    check_key(key, STORE[::-1])


@pytest.mark.parametrize("prefix", ["a/", "\x00", "\ud800", "é", "x" * 257])
def test_a_prefix_that_no_key_can_have_matches_nothing(prefix):
    assert KeyFilter((prefix,)).matches_nothing
    assert not KeyFilter(("",)).matches_nothing


# Schemas


@pytest.mark.parametrize(
    "schema",
    [
        b"5",
        b"[]",
        b"{",
        b'{"collections": []}',
        b'{"collections": {"a": {}}}',
        b'{"collections": {"a": {"key": "k", "keyPrefix": "p"}}}',
        b'{"collections": {"a": {"key": 5}}}',
        b'{"x": "\\ud800"}',
        b'{"x": "\xff"}',
        b'{"x": "\x00"}',
        b'{"x": "' + b"x" * 100_000 + b'"}',
        b"[" * 90_000,
    ],
)
def test_what_is_no_schema(schema):
    with pytest.raises(InvalidSchema):
        checked_schema(schema)


def test_collections_of_a_schema():
    schema = checked_schema(b'{"title": "x", "collections": {"one": {"key": "K"}, "many": {"keyPrefix": "p-"}}}')
    assert collection_keys(schema, "one").exact == "K"
    assert collection_keys(schema, "many").prefixes == ("p-",)
    for text, name in ((schema, "other"), ("", "one")):
        with pytest.raises(UnknownCollection):
            collection_keys(text, name)


# Archives


def archive_of(store_id: str) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(zip_archive(reading.every_record(store_id)))))


@pytest.fixture
def store(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada)


@pytest.mark.django_db
def test_an_archive_of_nothing(store):
    assert archive_of(store.pk).namelist() == []


@pytest.mark.django_db
def test_an_archive_has_every_record_unpacked_and_what_cannot_be_as_it_is(store):
    large = random.Random(1).randbytes(300_000)
    writing.write(store.pk, "broken", [b"not gzip"], content_type="text/plain", content_encoding="gzip")
    writing.write(store.pk, "cut", [PACKED["br"][:-50]], content_type="text/plain", content_encoding="br")
    writing.write(store.pk, "empty", [], content_type="text/plain")
    writing.write(store.pk, "image", [large], content_type="image/png")
    for encoding, packed in PACKED.items():
        writing.write(store.pk, encoding, [packed], content_type="text/plain", content_encoding=encoding)

    archive = archive_of(store.pk)

    assert archive.testzip() is None
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "br": TEXT,
        "broken as stored.gz": b"not gzip",
        "cut as stored.br": PACKED["br"][:-50],
        "deflate": TEXT,
        "empty": b"",
        "gzip": TEXT,
        "image": large,
    }
    assert archive.getinfo("image").compress_type == zipfile.ZIP_STORED
    assert archive.getinfo("gzip").compress_size < len(TEXT) / 2


@pytest.mark.django_db(transaction=True)
def test_an_archive_takes_what_is_there_when_its_turn_comes(store):
    for key in ("a", "b", "c"):
        writing.write(store.pk, key, [b"old"], content_type="text/plain")
    records = list(reading.every_record(store.pk))
    writing.write(store.pk, "b", [b"new"], content_type="text/plain")
    writing.delete(store.pk, "c")
    list(discarding.delete_waited(timezone.now() + timedelta(days=1)))  # the wait for backups is over

    archive = zipfile.ZipFile(io.BytesIO(b"".join(zip_archive(records))))

    assert {name: archive.read(name) for name in archive.namelist()} == {"a": b"old", "b": b"new"}


@pytest.mark.django_db
def test_an_archive_is_written_in_constant_memory(store):
    piece = random.Random(2).randbytes(100_000)
    writing.write(store.pk, "large", (piece for _ in range(300)), content_type="application/octet-stream")
    tracemalloc.start()
    try:
        size = sum(map(len, zip_archive(reading.every_record(store.pk))))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 30_000_000
    assert peak < 3_000_000
