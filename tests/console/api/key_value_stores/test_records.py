"""Records over HTTP: refusals and hostile input first, then bytes in and out with everything that HTTP says of them."""

import gzip
import io
import random
import zipfile
import zlib
from datetime import timedelta

import brotli
import pytest
from django.utils import timezone
from django.utils.http import http_date
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.lib.content_encodings import UnpacksTooLarge
from resources.kinds import Kind
from resources.models import KeyValueStore, Record
from resources.records import discarding, writing
from tests.support.api import error_of

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = b"Latchkey keeps what it is given. " * 3000
PACKED = {"gzip": gzip.compress(TEXT), "deflate": zlib.compress(TEXT), "br": brotli.compress(TEXT, quality=4)}


def body_of(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.fixture
def store(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada, name="things")


@pytest.fixture
def url(store):
    return f"/v2/key-value-stores/{store.pk}/records"


@pytest.fixture
def client(api, ada):
    return api(ada)


@pytest.fixture
def digits(client, url):
    """Return the address of the record `0123456789`."""
    client.put(f"{url}/digits", b"0123456789", "text/plain")
    return f"{url}/digits"


def kept(client, url) -> list[tuple[str, bytes]]:
    keys = client.get(f"{url[: -len('/records')]}/keys").json()["data"]["items"]
    return [(item["key"], body_of(client.get(f"{url}/{item['key']}"))) for item in keys]


# Refusals

CHANGED = (412, "concurrent-update-detected")
HOSTILE_KEYS = [
    "%00",
    "a%00b",
    "%FF",
    "%ED%A0%80",
    "%C3%A9",
    "a%20b",
    "..",
    ".",
    "%2e%2e",
    "%2E%2E%2F%2E%2E%2Fsecret-key",
    "../../secret-key",
    "a%2Fb",
    "a/b",
    "a%5Cb",
    "a%0dX-Header:%20x",
    "a%22b",
    "x" * 257,
    "%25",
    "a%3Fb",
]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_hostile_keys(client, url, key):
    assert error_of(client.put(f"{url}/{key}", b"x", "text/plain")) == (400, "invalid-record-key")
    assert error_of(client.post(f"{url}/{key}", b"x", "text/plain")) == (400, "invalid-record-key")
    assert error_of(client.delete(f"{url}/{key}")) == (400, "invalid-record-key")
    assert error_of(client.get(f"{url}/{key}")) == (404, "record-not-found")
    assert client.head(f"{url}/{key}").status_code == 404
    assert not Record.objects.exists()


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text(min_size=1, max_size=300).filter(lambda key: "\n" not in key and not key.endswith("/")))
def test_any_text_as_a_key_is_kept_or_refused(client, url, key):
    quoted = "".join(f"%{byte:02X}" for byte in key.encode("utf-8", "surrogatepass"))
    answer = client.put(f"{url}/{quoted}", b"x", "text/plain")
    assert answer.status_code in (201, 400)
    assert client.get(f"{url}/{quoted}").status_code == (200 if answer.status_code == 201 else 404)


def test_a_key_that_spells_what_is_signed_for_content(client, url, store):
    for key in (f"0.0.{store.pk}", f"0.1800000000000.{store.pk}"):
        assert error_of(client.put(f"{url}/{key}", b"x", "text/plain")) == (400, "invalid-record-key")
    assert client.put(f"{url}/0.0.x{store.pk}", b"x", "text/plain").status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text",
        "text/",
        "/plain",
        "text/plain\x01",
        "te xt/plain",
        "text/plä",
        "text/" + "x" * 300,
        "a/b, c/d",
    ],
)
def test_content_types_that_are_none(client, url, content_type):
    answer = client.generic("PUT", f"{url}/KEY", b"x", content_type)
    assert error_of(answer) == (400, "invalid-content-type-header")
    assert not Record.objects.exists()


@pytest.mark.parametrize("encoding", ["zstd", "gzip, br", "compress", "x" * 5000])
def test_encodings_that_are_not_known(client, url, encoding):
    answer = client.put(f"{url}/KEY", b"x", "text/plain", headers={"Content-Encoding": encoding})
    assert error_of(answer) == (415, "unsupported-content-encoding")
    assert not Record.objects.exists()


def test_too_large(client, url, digits, settings):
    settings.API_MAX_RECORD_BYTES = 10
    assert error_of(client.put(digits, b"x" * 11, "text/plain")) == (413, "request-too-large")
    assert client.put(digits, b"9876543210", "text/plain").status_code == 201
    assert kept(client, url) == [("digits", b"9876543210")]


def test_a_body_that_ends_before_its_announced_length(client, url, digits):
    cut_short = {"CONTENT_LENGTH": "1000", "wsgi.input": io.BytesIO(b"half")}
    answer = client.put(digits, b"half", "text/plain", **cut_short)
    assert error_of(answer) == (400, "request-aborted-prematurely")
    assert kept(client, url) == [("digits", b"0123456789")]


def test_a_body_without_an_end(client, url):
    answer = client.put(f"{url}/KEY", b"x", "text/plain", headers={"Transfer-Encoding": "chunked"})
    assert error_of(answer) == (411, "invalid-header")


@pytest.mark.parametrize("query", ["attachment=2", "attachment=%00", "disposition=x", "disposition="])
def test_parameters_that_cannot_be(client, digits, query):
    assert error_of(client.get(f"{digits}?{query}")) == (400, "invalid-value")


def test_what_is_not_there(client, url, digits):
    assert error_of(client.get(f"{url}/nothing")) == (404, "record-not-found")
    assert client.head(f"{url}/nothing").status_code == 404
    assert client.delete(f"{url}/nothing").status_code == 204
    assert client.delete(digits).status_code == 204
    assert error_of(client.get(digits)) == (404, "record-not-found")
    assert KeyValueStore.objects.get().delete_count == 1


def test_a_store_that_goes_while_a_record_comes(client, url, monkeypatch):
    def gone(*args, **kwargs):
        raise writing.StoreGone

    monkeypatch.setattr(writing, "write", gone)
    monkeypatch.setattr(writing, "delete", gone)
    assert error_of(client.put(f"{url}/KEY", b"x", "text/plain")) == (404, "record-not-found")
    assert error_of(client.delete(f"{url}/KEY")) == (404, "record-not-found")


HEADERS = [
    "Range",
    "If-Range",
    "If-Match",
    "If-None-Match",
    "If-Modified-Since",
    "If-Unmodified-Since",
    "Accept-Encoding",
]


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    "value", ["", "é", "\x00", "x" * 8000, ",;,=", "bytes=", "bytes=-", "bytes=a-b", '"', 'W/"', "q=1;q=2", "9" * 400]
)
def test_headers_that_make_no_sense(client, url, digits, header, value):
    client.put(f"{url}/packed", PACKED["gzip"], "text/plain", headers={"Content-Encoding": "gzip"})
    for address in (digits, f"{url}/packed"):
        for method in ("get", "head", "delete"):
            answer = getattr(client, method)(address, headers={"Range": "bytes=0-3", header: value})
            assert answer.status_code in (200, 204, 206, 304, 404, 412, 416)


# In and out


@pytest.mark.parametrize(
    ("content_type", "shown"),
    [
        ("text/plain; charset=iso-8859-2", True),
        ("application/json", True),
        ("image/png", True),
        ("TEXT/PLAIN", True),
        ("text/html; charset=utf-8", False),
        ("image/svg+xml", False),
        ("application/xhtml+xml", False),
        ("text/xml", False),
        ("application/pdf", False),
        ("application/javascript", False),
        ("application/octet-stream", False),
        ('x-odd/type; a="b"', False),
    ],
)
def test_the_type_is_kept_and_nothing_runs(client, url, content_type, shown):
    data = b"<script>alert(1)</script>\xff\x00"
    assert client.put(f"{url}/KEY", data, content_type).status_code == 201
    answer = client.get(f"{url}/KEY")
    assert (answer.content, answer["Content-Type"]) == (data, content_type)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Content-Disposition"].startswith("inline" if shown else "attachment")
    for query in ("attachment=1", "attachment=true", "disposition=attachment"):
        disposition = client.get(f"{url}/KEY?{query}")["Content-Disposition"]
        assert disposition == 'attachment; filename="KEY"'
    inline = client.get(f"{url}/KEY?disposition=inline")["Content-Disposition"]
    assert inline.startswith("inline" if shown else "attachment")


def test_put_and_post_answer_alike(client, url, settings):
    for method in (client.put, client.post):
        answer = method(f"{url}/KEY.'(1)!", b"x", "text/plain")
        assert (answer.status_code, answer.json()) == (201, {})
        assert answer["Location"].startswith(f"{settings.PUBLIC_URL}/v2/key-value-stores/")
        assert client.get(answer["Location"].removeprefix(settings.PUBLIC_URL))["ETag"] == answer["ETag"]


def test_what_has_no_type_is_bytes(client, url):
    client.generic("PUT", f"{url}/KEY", b"x", content_type="")
    assert client.get(f"{url}/KEY")["Content-Type"] == "application/octet-stream"


@pytest.mark.parametrize("size", [0, 1, 65_536, 65_537, 1_000_000])
def test_any_size(client, url, size):
    data = random.Random(size).randbytes(size)
    client.put(f"{url}/KEY", data, "image/png")
    answer, head = client.get(f"{url}/KEY"), client.head(f"{url}/KEY")
    assert body_of(answer) == data
    assert answer["Content-Length"] == head["Content-Length"] == str(size)
    assert body_of(head) == b""
    assert {name: head[name] for name in answer.headers} == dict(answer.headers)


# Encodings


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize(
    ("accepts", "as_stored"),
    [
        ("{}", True),
        ("identity, {};q=0.1", True),
        ("*", True),
        ("other, *;q=0.5", True),
        ("{};Q=1.0", True),
        ("identity;q=0", True),
        ("*;q=0", True),
        (None, False),
        ("", False),
        ("identity", False),
        ("{};q=0", False),
        ("{};q=0.000", False),
        ("{};q=0, *", False),
        ("*;q=0, identity", False),
        ("{};q=x", False),
        ("other", False),
    ],
)
def test_who_does_not_accept_the_encoding_gets_it_undone(client, url, encoding, accepts, as_stored):
    packed = PACKED[encoding]
    client.put(f"{url}/KEY", packed, "text/plain", headers={"Content-Encoding": encoding})
    headers = {} if accepts is None else {"Accept-Encoding": accepts.format(encoding)}
    answer = client.get(f"{url}/KEY", headers=headers)
    assert body_of(answer) == (packed if as_stored else TEXT)
    assert answer.get("Content-Encoding") == (encoding if as_stored else None)
    assert answer.get("Content-Length") == (str(len(packed)) if as_stored else None)
    assert answer["Accept-Ranges"] == ("bytes" if as_stored else "none")
    assert "Accept-Encoding" in answer["Vary"]
    head = client.head(f"{url}/KEY", headers=headers)
    assert {name: head.get(name) for name in answer.headers} == dict(answer.headers)
    assert "Content-Length" in head or not as_stored


def test_what_is_undone_is_something_else_for_caches_and_the_same_for_writers(client, url):
    address = f"{url}/KEY"
    client.put(address, PACKED["gzip"], "text/plain", headers={"Content-Encoding": "gzip"})
    stored = client.get(address, headers={"Accept-Encoding": "gzip"})["ETag"]
    undone = client.get(address)["ETag"]
    assert stored != undone
    assert client.get(address, headers={"If-None-Match": stored}).status_code == 200
    assert client.get(address, headers={"If-None-Match": undone}).status_code == 304
    assert client.put(address, b"new", "text/plain", headers={"If-Match": undone}).status_code == 201


def test_what_is_not_in_its_encoding_goes_out_as_it_came(client, url):
    client.put(f"{url}/KEY", b"not gzip", "text/plain", headers={"Content-Encoding": "gzip"})
    answer = client.get(f"{url}/KEY")
    assert (answer.content, answer["Content-Encoding"]) == (b"not gzip", "gzip")


def test_a_bomb_is_cut_off(client, url, settings):
    settings.API_MAX_RECORD_BYTES = 1_000_000
    bomb = gzip.compress(bytes(50_000_000))
    client.put(f"{url}/KEY", bomb, "text/plain", headers={"Content-Encoding": "gzip"})
    sent = []
    pieces = client.get(f"{url}/KEY").streaming_content
    with pytest.raises(UnpacksTooLarge):
        sent.extend(len(piece) for piece in pieces)
    assert sum(sent) <= 1_000_000


def test_a_part_of_what_has_to_be_undone_is_all_of_it(client, url):
    client.put(f"{url}/KEY", PACKED["br"], "text/plain", headers={"Content-Encoding": "br"})
    answer = client.get(f"{url}/KEY", headers={"Range": "bytes=0-4"})
    assert (answer.status_code, body_of(answer)) == (200, TEXT)
    part = client.get(f"{url}/KEY", headers={"Range": "bytes=0-4", "Accept-Encoding": "br"})
    assert (part.status_code, body_of(part), part["Content-Encoding"]) == (206, PACKED["br"][:5], "br")


# Parts


@pytest.mark.parametrize(
    ("wanted", "part", "says"),
    [
        ("bytes=0-3", b"0123", "0-3"),
        ("bytes=4-", b"456789", "4-9"),
        ("bytes=-3", b"789", "7-9"),
        ("bytes=9-9", b"9", "9-9"),
        ("bytes=5-5000", b"56789", "5-9"),
        ("bytes=-5000", b"0123456789", "0-9"),
        ("bytes= 2-3 ", b"23", "2-3"),
    ],
)
def test_a_part(client, digits, wanted, part, says):
    answer = client.get(digits, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (206, part)
    assert (answer["Content-Range"], answer["Content-Length"]) == (f"bytes {says}/10", str(len(part)))


@pytest.mark.parametrize("wanted", ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=99999999999-"])
def test_a_part_that_there_is_not(client, digits, wanted):
    answer = client.get(digits, headers={"Range": wanted})
    assert error_of(answer) == (416, "invalid-header")
    assert answer["Content-Range"] == "bytes */10"


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,3-4", "items=0-1", "bytes=5-2", "bytes=x", "bytes=-", "bytes=" + "9" * 50 + "-"]
)
def test_several_parts_and_nonsense_are_the_whole(client, digits, wanted):
    answer = client.get(digits, headers={"Range": wanted})
    assert (answer.status_code, answer.content) == (200, b"0123456789")


def test_a_part_of_nothing(client, url):
    client.put(f"{url}/empty", b"", "text/plain")
    assert client.get(f"{url}/empty", headers={"Range": "bytes=0-"}).status_code == 416


def test_a_part_of_a_large_record(client, url):
    data = random.Random(3).randbytes(500_000)
    client.put(f"{url}/KEY", data, "image/png")
    answer = client.get(f"{url}/KEY", headers={"Range": "bytes=100000-399999"})
    assert answer.streaming
    assert body_of(answer) == data[100_000:400_000]


def test_a_part_only_of_what_it_was_a_part_of(client, digits):
    seen = client.get(digits)
    part = {"Range": "bytes=0-1"}
    for condition in (seen["ETag"], seen["Last-Modified"]):
        assert client.get(digits, headers={**part, "If-Range": condition}).status_code == 206
    for condition in ('"other"', f"W/{seen['ETag']}", http_date(0), "nonsense"):
        assert client.get(digits, headers={**part, "If-Range": condition}).status_code == 200


# Conditions


@pytest.mark.parametrize("method", ["get", "head"])
def test_what_a_reader_has_already_is_not_sent_again(client, digits, method):
    ask = getattr(client, method)
    seen = ask(digits)
    later = http_date((timezone.now() + timedelta(days=1)).timestamp())
    for headers in (
        {"If-None-Match": seen["ETag"]},
        {"If-None-Match": f'"x", W/{seen["ETag"]}'},
        {"If-None-Match": "*"},
        {"If-Modified-Since": seen["Last-Modified"]},
        {"If-Modified-Since": later},
    ):
        answer = ask(digits, headers=headers)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer["ETag"] == seen["ETag"]
        assert answer["Cache-Control"] == "private, no-cache"
        assert answer.get("Content-Length") in (None, "10")
    for headers in ({"If-None-Match": '"x"', "If-Modified-Since": later}, {"If-Modified-Since": http_date(0)}):
        assert ask(digits, headers=headers).status_code == 200


def test_a_reader_who_wants_another_record(client, digits):
    for headers in ({"If-Match": '"x"'}, {"If-Unmodified-Since": http_date(1_000)}):
        assert error_of(client.get(digits, headers=headers)) == CHANGED
    assert client.get(digits, headers={"If-Match": "*"}).status_code == 200


def test_a_writer_who_expects_another_record_changes_nothing(client, url, digits):
    etag = client.get(digits)["ETag"]
    for headers in ({"If-Match": '"x"'}, {"If-Match": f"W/{etag}"}, {"If-None-Match": "*"}, {"If-None-Match": etag}):
        assert error_of(client.put(digits, b"new", "text/plain", headers=headers)) == (
            412,
            "concurrent-update-detected",
        )
        assert error_of(client.delete(digits, headers=headers)) == CHANGED
    missing = client.put(f"{url}/other", b"new", "text/plain", headers={"If-Match": "*"})
    assert error_of(missing) == CHANGED
    assert kept(client, url) == [("digits", b"0123456789")]


def test_a_writer_who_finds_what_they_expect(client, url, digits):
    first = client.get(digits)["ETag"]
    second = client.put(digits, b"new", "text/plain", headers={"If-Match": f'"x", {first}'})
    assert second.status_code == 201
    assert client.put(digits, b"newer", "text/plain", headers={"If-Match": first}).status_code == 412
    assert client.put(f"{url}/other", b"x", "text/plain", headers={"If-None-Match": "*"}).status_code == 201
    assert client.delete(digits, headers={"If-Match": second["ETag"]}).status_code == 204


# Races


def test_a_record_that_is_replaced_or_deleted_while_it_is_read(client, digits, store, monkeypatch):
    from console.http import record_response

    original = record_response.open_record

    def meanwhile(change):
        def opened(*args):
            monkeypatch.setattr(record_response, "open_record", original)
            change()
            list(discarding.delete_waited(timezone.now() + timedelta(days=1)))  # the wait for backups is over
            return original(*args)

        monkeypatch.setattr(record_response, "open_record", opened)

    meanwhile(lambda: writing.write(store.pk, "digits", [b"new"], content_type="text/html"))
    answer = client.get(digits)
    assert (answer.content, answer["Content-Type"], answer["Content-Length"]) == (b"new", "text/html", "3")
    meanwhile(lambda: writing.delete(store.pk, "digits"))
    assert error_of(client.get(digits)) == (404, "record-not-found")


# Archives


def test_all_records_as_an_archive(client, url, store):
    client.put(f"{url}/packed", PACKED["br"], "text/plain", headers={"Content-Encoding": "br"})
    client.put(f"{url}/post-1", b"one", "text/plain")
    client.put(f"{url}/...", b"dots", "text/plain")
    answer = client.get(url)
    archive = zipfile.ZipFile(io.BytesIO(body_of(answer)))
    assert {name: archive.read(name) for name in archive.namelist()} == {
        "packed": TEXT,
        "post-1": b"one",
        "...": b"dots",
    }
    assert answer["Content-Type"] == "application/zip"
    assert answer["Content-Disposition"] == 'attachment; filename="things.zip"'
    some = zipfile.ZipFile(io.BytesIO(body_of(client.get(f"{url}?prefix=post-"))))
    assert some.namelist() == ["post-1"]
    head = client.head(url)
    assert (head.status_code, body_of(head), head["Content-Type"]) == (200, b"", "application/zip")


# Costs


@pytest.mark.parametrize(("method", "statements"), [("get", 3), ("head", 3)])
def test_reading_costs_three_statements(client, digits, method, statements, django_assert_num_queries):
    with django_assert_num_queries(statements):
        body_of(getattr(client, method)(digits))


@pytest.mark.parametrize("kept_type", ["text/plain\nX: y", "no type", ""])
def test_a_type_that_was_kept_before_types_were_checked_is_none(client, digits, kept_type):
    Record.objects.update(content_type=kept_type)
    response = client.get(digits)
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/octet-stream")
    assert body_of(response) == b"0123456789"


UNPARSED = [
    *("image/png;,text/html", "image/png; ,text/html", "image/png;text/html", "text/plain;charset", "image/png;a=b c"),
    *('image/png;a="b', "image/png;a=b,text/html", "image/png;=x", "image/png; a =b", "image/svg+xml;<script>"),
]


@pytest.mark.parametrize("stored", UNPARSED)
def test_a_content_type_that_does_not_parse_is_served_as_bytes_everywhere(client, store, url, stored, signed_in, ada):
    client.put(f"{url}/odd", b"<script>1</script>", "image/png")
    Record.objects.filter(key="odd").update(content_type=stored)
    for method in (client.get, client.head):
        response = method(f"{url}/odd")
        assert response["Content-Type"] == "application/octet-stream"
        assert response["Content-Disposition"].startswith("attachment")
    page = signed_in(ada)
    for query in ("", "?download=1"):
        response = page.get(f"{store.console_path}/records/odd/content{query}")
        assert response.status_code == 200
        assert response["Content-Type"] == "application/octet-stream"
    assert "<img" not in page.get(f"{store.console_path}/records/odd").content.decode()


@pytest.mark.parametrize(
    "stored",
    ["image/png", "text/plain; charset=utf-8", 'text/plain;charset="utf-8"', "text/plain;", "Text/CSV ; a=b ;c=d"],
)
def test_a_content_type_that_parses_is_served_as_it_is(client, url, stored):
    client.put(f"{url}/fine", b"x", stored)
    assert client.get(f"{url}/fine")["Content-Type"] == stored
