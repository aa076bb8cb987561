"""What clients send: encodings, sizes and JSON, right and wrong. Nothing answers 500 and nothing is half done."""

import gzip
import io
import json
import zlib
from typing import Any

import brotli
import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import RequestFactory

from accounts.lib.api_errors import ApiError
from console.http import request_body
from resources.kinds import Kind
from tests.support.api import message_of

TITLE = json.dumps({"title": "Größe"}).encode()
ENCODINGS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "identity": bytes,
    "": bytes,
}


@pytest.fixture
def change(api, ada, make_resource):
    """Send bytes as the change of a dataset's title, and hold that nothing changes unless it is answered with 200."""
    dataset = make_resource(Kind.DATASET, ada, name="prices")
    client = api(ada)

    def send(body, encoding=None, **headers):
        if encoding is not None:
            headers["Content-Encoding"] = encoding
        response = client.put(f"/v2/datasets/{dataset.pk}", body, "application/json", headers=headers)
        dataset.refresh_from_db()
        if response.status_code != 200:
            assert dataset.title == ""
            return response.status_code, response.json()["error"]["type"], message_of(response)
        return 200, dataset.title, ""

    return send


def raw_deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(data) + compressor.flush()


@pytest.mark.parametrize("encoding", ["zstd", "compress", "gzip, br", "gzip,gzip", "*", "x" * 1000, "é"])
def test_an_encoding_that_is_not_supported(change, encoding):
    status, type_, message = change(TITLE, encoding)
    assert (status, type_) == (415, "unsupported-content-encoding")
    assert "Supported: gzip, deflate, br" in message
    assert len(message) < 300


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
@pytest.mark.parametrize("damage", ["plain", "cut", "cut to one", "behind"])
def test_a_body_that_is_not_in_its_encoding(change, encoding, damage):
    whole = ENCODINGS[encoding](TITLE * 50)
    damaged = {
        "plain": TITLE,
        "cut": whole[:-3],
        "cut to one": whole[:1],
        "behind": whole + b"behind",
    }[damage]
    status, type_, message = change(damaged, encoding)
    assert (status, type_) == (400, "invalid-input")
    assert encoding in message


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_checksum_that_is_wrong(change, encoding):
    whole = ENCODINGS[encoding](TITLE)
    damaged = whole[:-6] + bytes(byte ^ 0xFF for byte in whole[-6:])
    assert change(damaged, encoding)[:2] == (400, "invalid-input")


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "identity"])
def test_a_body_that_is_too_large(change, encoding, settings):
    settings.API_MAX_BODY_BYTES = 10_000
    body = json.dumps({"title": "", "more": "x" * 20_000}).encode()
    status, type_, message = change(ENCODINGS[encoding](body), encoding)
    assert (status, type_) == (413, "request-too-large")
    assert "limit: 10000 bytes" in message


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_bomb_does_not_unfold(change, encoding, settings):
    settings.API_MAX_BODY_BYTES = 100_000
    bomb = ENCODINGS[encoding](b"0" * 50_000_000)
    assert len(bomb) < 100_000
    assert change(bomb, encoding)[:2] == (413, "request-too-large")


def test_a_bomb_of_many_small_streams(change, settings):
    settings.API_MAX_BODY_BYTES = 100_000
    assert change(gzip.compress(b" " * 1000) * 2000, "gzip")[:2] == (413, "request-too-large")


@pytest.mark.parametrize("over", [0, 1])
def test_the_limit_is_exact(change, settings, over):
    settings.API_MAX_BODY_BYTES = 2000
    body = json.dumps({"title": "t", "more": ""}).encode()
    body = json.dumps({"title": "t", "more": "x" * (2000 + over - len(body))}).encode()
    assert len(body) == 2000 + over
    for encoding in ("identity", "gzip", "deflate", "br"):
        assert change(ENCODINGS[encoding](body), encoding)[0] == (413 if over else 200), encoding


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "it is empty"),
        (b"  \n", "it is empty"),
        (b"{", "line 1, column 2"),
        (b'{"title": "a",\n "name": }', "line 2, column"),
        (b'{"title": "a"} x', "line 1, column 16"),
        (b'{"title": NaN}', ""),
        (b'{"title": "\\ud800"}', ""),
        (b'{"title": "\xff"}', "not UTF-8 at byte 11"),
        (b'{"title": "\xed\xa0\x80"}', "not UTF-8 at byte 11"),
        ("{}".encode("utf-16"), "not UTF-8 at byte 0"),
        (b"\x00", "line 1, column 1"),
        (b'\xef\xbb\xbf{"title": "a"}', ""),
        (b'{"more": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"more": ' + b'{"a":' * 100_000, "nested too deeply"),
        (b'{"more": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b"--boundary\r\nContent-Disposition: form-data", "line 1, column"),
    ],
)
def test_json_that_is_wrong(change, body, says):
    status, type_, message = change(body)
    assert (status, type_) == (400, "invalid-input")
    assert "not valid JSON" in message
    assert says in message
    assert len(message) < 300


@pytest.mark.parametrize("body", ["[]", "null", '"title"', "5", "true", "[{}]", "1" * 5000, "1e999", "[" * 100_000])
def test_json_that_is_no_object(change, body):
    status, type_, _ = change(body.encode())
    assert status == 400
    assert type_ in ("invalid-value", "invalid-input")


@pytest.mark.parametrize("value", ["5", "[]", "{}", "true", "1e999", "9" * 400, '["a"]'])
def test_a_field_of_the_wrong_type_is_named(change, value):
    status, type_, message = change(f'{{"title": {value}}}'.encode())
    assert (status, type_) == (400, "invalid-value")
    assert '"title"' in message


def test_numbers_of_any_size_in_what_nobody_asked_for(change):
    assert change(b'{"title": "a", "more": ' + b"9" * 4000 + b"}")[0] in (200, 400)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding(change, encoding):
    assert change(ENCODINGS[encoding](TITLE), encoding)[:2] == (200, "Größe")


def test_deflate_without_its_wrapper(change):
    assert change(raw_deflate(TITLE), "deflate")[:2] == (200, "Größe")


def test_gzip_in_several_streams(change):
    assert change(gzip.compress(TITLE[:5]) + gzip.compress(TITLE[5:]), "gzip")[:2] == (200, "Größe")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "", "application/x-www-form-urlencoded", "multipart/form-data", "é"]
)
def test_the_content_type_does_not_matter(api, ada, make_resource, content_type):
    dataset = make_resource(Kind.DATASET, ada)
    response = api(ada).generic("PUT", f"/v2/datasets/{dataset.pk}", TITLE, content_type)
    assert response.json()["data"]["title"] == "Größe"


# What no test client sends


class Wire(io.BytesIO):
    """A body as a server hands it over, which may break before its end."""

    def __init__(self, body: bytes, breaks: bool = False) -> None:
        super().__init__(body)
        self.breaks = breaks

    def read(self, size=-1):
        piece = super().read(size)
        if not piece and self.breaks:
            raise OSError("connection reset")
        return piece


def request_with(body: bytes, breaks: bool = False, **environ: Any) -> WSGIRequest:
    request = RequestFactory().put("/", **environ)
    return WSGIRequest({**request.META, **environ, "wsgi.input": Wire(body, breaks)})


@pytest.mark.parametrize("breaks", [False, True])
def test_a_body_that_ends_before_its_length(breaks):
    with pytest.raises(ApiError) as caught:
        request_body.read(request_with(b"abc", breaks, CONTENT_LENGTH="10"))
    assert (caught.value.status, caught.value.type) == (400, "request-aborted-prematurely")


def test_nothing_beyond_the_length_is_read():
    assert request_body.read(request_with(b"abcdef", CONTENT_LENGTH="3")) == b"abc"


@pytest.mark.parametrize("length", ["", "x", "-5", "1e3"])
def test_a_length_that_is_none(length):
    assert request_body.read(request_with(b"abc", CONTENT_LENGTH=length)) == b""


def test_a_length_that_announces_too_much(settings):
    settings.API_MAX_BODY_BYTES = 10
    with pytest.raises(ApiError) as caught:
        request_body.read(request_with(b"x" * 100, CONTENT_LENGTH="100"))
    assert caught.value.status == 413


def test_chunks():
    chunked: dict[str, Any] = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}
    assert request_body.read(request_with(b"abc" * 50_000, **chunked)) == b"abc" * 50_000


def test_chunks_that_never_end(settings):
    settings.API_MAX_BODY_BYTES = 100_000

    class Endless:
        taken = 0

        def read(self, size):
            self.taken += size
            return b"x" * size

    request = request_with(b"", HTTP_TRANSFER_ENCODING="chunked", **{"wsgi.input_terminated": True})
    request.META["wsgi.input"] = endless = Endless()
    with pytest.raises(ApiError) as caught:
        request_body.read(request)
    assert caught.value.status == 413
    assert endless.taken < 2_000_000


def test_chunks_from_a_server_that_does_not_say_where_they_end():
    with pytest.raises(ApiError) as caught:
        request_body.read(request_with(b"abc", HTTP_TRANSFER_ENCODING="chunked"))
    assert caught.value.status == 411
