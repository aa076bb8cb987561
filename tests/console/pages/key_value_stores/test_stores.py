"""The pages of key-value stores: who is refused and how, hostile keys and content, then what they show and do."""

import gzip
import html
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from console.pages.components.json_format import format_json
from console.pages.key_value_stores import preview as store_preview
from console.pages.key_value_stores import upload as store_upload
from resources.kinds import Kind
from resources.models import GeneralAccess, KeyValueStore, Record
from resources.records import writing
from resources.records.reading import find, open_record

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
PNG = b"\x89PNG\r\n\x1a\n" + bytes(50)
PAGES = ("", "/api", "/records/OUTPUT", "/records/OUTPUT/content")
CHANGES = ("/upload", "/rename", "/delete", "/records/OUTPUT/delete")
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def store(ada, make_resource):
    made = make_resource(Kind.KEY_VALUE_STORE, ada, name="settings", general_access=GeneralAccess.RESTRICTED)
    put(made, "OUTPUT", b'{"a":[1,{}]}', "application/json; charset=utf-8")
    return made


def put(store, key, content, content_type, content_encoding=""):
    return writing.write(store.pk, key, [content], content_type=content_type, content_encoding=content_encoding)


def stored_content(store, key):
    with open_record(find(store.pk, key)) as stream:
        return stream.read()


def sent(response):
    return b"".join(response.streaming_content) if response.streaming else response.content


# Refusals


@pytest.mark.parametrize("path", [*PAGES, *CHANGES, "/upload/key"])
def test_nobody_is_sent_to_sign_in_and_back_whatever_the_level(client, store, path):
    KeyValueStore.objects.update(general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)

    response = client.get(store.console_path + path)

    assert response.status_code == 302
    assert f"next={store.console_path}{path}" in response.url


@pytest.mark.parametrize("path", [*PAGES, *CHANGES, "/upload/key", "/records/nothing"])
def test_a_stranger_cannot_tell_it_from_what_does_not_exist(cleo, signed_in, store, path):
    browser = signed_in(cleo)

    there = browser.get(store.console_path + path)
    nowhere = browser.get("/storage/key-value-stores/00000000000000000" + path)

    assert there.status_code == nowhere.status_code == 404
    assert b"settings" not in there.content.replace(b"/settings", b"").replace(b"Settings", b"")
    assert b"This key-value store does not exist or is not shared with you" in there.content


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("permissions", [["READ"], ["READ", "MANAGE_ACCESS_RIGHTS"]])
def test_a_reader_has_no_buttons_to_change_it_and_is_refused(ben, signed_in, store, give, path, permissions):
    give(store, ben, *permissions)
    browser = signed_in(ben)

    for page in (store.console_path, f"{store.console_path}/records/OUTPUT"):
        assert f"{store.console_path}{path}" not in browser.get(page).content.decode()
    assert browser.get(store.console_path + path).status_code == 403
    assert browser.post(store.console_path + path, {"key": "x", "text": "y"}).status_code == 403
    assert [each.key for each in Record.objects.all()] == ["OUTPUT"]


def test_a_token_never_opens_a_record_in_the_console(ada, token_of, client, store):
    headers = {"Authorization": f"Bearer {token_of(ada)}"}

    assert client.get(f"{store.console_path}/records/OUTPUT/content", headers=headers).status_code == 302


def test_without_a_csrf_token_nothing_is_changed(ada, store):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    assert browser.post(f"{store.console_path}/upload", {"key": "x", "text": "y"}).status_code == 403
    assert browser.post(f"{store.console_path}/records/OUTPUT/delete").status_code == 403
    assert [each.key for each in Record.objects.all()] == ["OUTPUT"]


def test_with_a_csrf_token_in_the_form_or_in_the_header_an_upload_is_taken(ada, store):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")
    url = f"{store.console_path}/upload"
    browser.get(url)
    token = browser.cookies["csrftoken"].value

    assert browser.post(url, {"key": "a", "text": "y", "csrfmiddlewaretoken": token}).status_code == 302
    assert browser.post(url, {"key": "b", "text": "y"}, headers={"X-CSRFToken": token}).status_code == 302
    assert Record.objects.count() == 3


def test_what_somebody_uploads_who_may_not_write_is_not_even_read(ben, store, give, monkeypatch):
    def fail(*args, **kwargs):
        raise AssertionError("The body was read.")

    give(store, ben)
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ben, backend="allauth.account.auth_backends.AuthenticationBackend")
    monkeypatch.setattr("django.http.request.HttpRequest.parse_file_upload", fail)

    assert browser.post(f"{store.console_path}/upload", {"key": "x", "text": "y"}).status_code == 403


@pytest.mark.parametrize("url", ["/storage/key-value-stores", *PAGES, "/upload/key"])
def test_what_only_shows_is_not_posted_to(ada, signed_in, store, url):
    url = url if url.startswith("/storage") else store.console_path + url

    assert signed_in(ada).post(url).status_code == 405


# Bad input


@pytest.mark.parametrize("key", ["nothing", "%00", "..", ".", "a%20b", "%3Cscript%3E", "x" * 300, "%ff", "é", "a%0Ab"])
@pytest.mark.parametrize("path", ["", "/content", "/delete"])
def test_a_key_that_there_is_not_is_said_to_be_missing(ada, signed_in, store, key, path):
    browser = signed_in(ada)

    for method in (browser.get, browser.head, browser.post) if path == "/delete" else (browser.get, browser.head):
        response = method(f"{store.console_path}/records/{key}{path}")
        assert response.status_code == 404
        assert b"<script>" not in response.content
    assert Record.objects.count() == 1


@pytest.mark.parametrize("key", [".", ".."])
def test_a_record_from_before_its_key_was_refused_is_seen_and_deleted(ada, ben, signed_in, give, store, key):
    """A browser takes "." and ".." for directions, so these keys are in the query and never in the path."""
    Record.objects.update(key=key)
    give(store, ben)
    browser = signed_in(ada)

    text = browser.get(store.console_path).content.decode()
    paths = [html.unescape(path) for path in re.findall(rf'href="({store.console_path}/record[^"]*)"', text)]

    assert f"{store.console_path}/record/delete?key={key}" in paths
    for path in paths:
        assert browser.get(path).status_code == 200
    assert f"{store.console_path}/record/delete?key={key}" in browser.get(paths[0]).content.decode()
    assert sent(browser.get(f"{store.console_path}/record/content?key={key}")) == b'{"a":[1,{}]}'
    assert signed_in(ben).post(f"{store.console_path}/record/delete?key={key}").status_code == 403
    assert Record.objects.count() == 1
    assert browser.post(f"{store.console_path}/record/delete?key={key}").status_code == 302
    assert Record.objects.count() == 0
    assert KeyValueStore.objects.get().record_count == 0


@pytest.mark.parametrize("query", ["", "key=", "key=..", "key=%00", "key=a/b", "key=%ff"])
@pytest.mark.parametrize("path", ["", "/content", "/delete"])
def test_a_query_that_names_no_record(ada, signed_in, store, path, query):
    assert signed_in(ada).get(f"{store.console_path}/record{path}?{query}").status_code == 404


@pytest.mark.parametrize(
    "query", ["after=%00", "after=a/b", "prefix=%00", "prefix=%ff", "prefix=" + "x" * 5000, "after="]
)
def test_a_bad_place_or_prefix_is_no_error(ada, signed_in, store, query):
    assert signed_in(ada).get(f"{store.console_path}?{query}").status_code == 200


@pytest.mark.parametrize("key", ["a/b", "a b", "..", "x" * 257, "<b>", "é", "a\x00b", '"', "0.0.{id}", ""])
def test_what_cannot_be_a_key_is_said_beside_the_field(ada, signed_in, store, key):
    response = signed_in(ada).post(
        f"{store.console_path}/upload", {"key": key.format(id=store.pk), "text": "x"}, headers=HTMX
    )

    assert response.status_code == 422
    assert 'id="id_key_error"' in response.content.decode()
    assert [each.key for each in Record.objects.all()] == ["OUTPUT"]


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "file"),
        ({"text": "x", "file": SimpleUploadedFile("a.txt", b"y")}, "text"),
        ({"text": "x", "content_type": "text"}, "content_type"),
        ({"text": "x", "content_type": "text/html\r\nSet-Cookie: a=b"}, "content_type"),
        ({"text": "x", "content_type": "a/" + "b" * 300}, "content_type"),
        ({"text": "x" * 1_000_001}, "text"),
        ({"text": "x\x00"}, "text"),
    ],
)
def test_what_is_wrong_with_an_upload_is_said_beside_the_field(ada, signed_in, store, data, field):
    response = signed_in(ada).post(f"{store.console_path}/upload", {"key": "new", **data}, headers=HTMX)

    assert response.status_code == 422
    assert f'id="id_{field}_error"' in response.content.decode()
    assert find(store.pk, "new") is None


def test_a_file_that_is_too_large_is_refused_and_leaves_nothing_behind(ada, signed_in, store, settings):
    settings.API_MAX_RECORD_BYTES = 100_000
    browser = signed_in(ada)

    for size, status in ((100_000, 302), (100_001, 422), (5_000_000, 422)):
        file = SimpleUploadedFile("a.bin", bytes(size))
        response = browser.post(f"{store.console_path}/upload", {"key": f"k{size}", "file": file})
        assert response.status_code == status
        assert ("too large" in response.content.decode()) == (status == 422)
    assert sorted(each.key for each in Record.objects.all()) == ["OUTPUT", "k100000"]


def test_a_store_that_goes_while_somebody_uploads_is_said_to_be_gone(ada, signed_in, store, monkeypatch):
    original = writing.write

    def delete_first(*args, **kwargs):
        KeyValueStore.objects.all().delete()
        return original(*args, **kwargs)

    monkeypatch.setattr(store_upload.writing, "write", delete_first)

    response = signed_in(ada).post(f"{store.console_path}/upload", {"key": "x", "text": "y"}, follow=True)

    assert response.status_code == 404


# What cannot act


TYPES = [
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "image/svg+xml",
    "application/xhtml+xml",
    "text/xml",
    "text/javascript",
    "application/pdf",
    "text/plain",
    "image/png; a, text/html",
]


@pytest.mark.parametrize("content_type", TYPES)
def test_what_was_stored_never_comes_as_something_that_a_browser_runs(ada, signed_in, store, content_type):
    put(store, "x.html", HOSTILE.encode(), content_type)

    response = signed_in(ada).get(f"{store.console_path}/records/x.html/content")

    assert response.headers["Content-Type"] in ("application/octet-stream", "image/png")
    assert response.headers["Content-Disposition"].startswith("attachment") or "image/png" in content_type
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-cache" in response.headers["Cache-Control"]
    assert "private" in response.headers["Cache-Control"]
    assert sent(response) == HOSTILE.encode()


@pytest.mark.parametrize("content_type", [*TYPES, "application/json", 'text/x"><script>alert(1)</script>'])
def test_the_preview_of_what_was_stored_is_text(ada, signed_in, store, content_type):
    put(store, "x", HOSTILE.encode(), content_type)
    browser = signed_in(ada)

    for url in (store.console_path, f"{store.console_path}/records/x"):
        for headers in ({}, HTMX):
            text = browser.get(url, headers=headers).content.decode()
            assert "<script>alert" not in text
            assert "<img src=x" not in text


def test_keys_with_quotes_and_brackets_stay_what_they_are(ada, signed_in, store):
    key = "it's(1)!-_.js'onclick='"[:20].replace("=", "")
    put(store, key, b"x", "text/plain")
    browser = signed_in(ada)

    row = next(row for row in browser.get(store.console_path).context["rows"] if row.record.key == key)

    assert browser.get(row.path).status_code == 200
    assert sent(browser.get(f"{row.path}/content")) == b"x"
    assert browser.post(f"{row.path}/delete").status_code == 302
    assert find(store.pk, key) is None


# The table


def test_records_are_listed_by_key_with_type_and_size(ada, signed_in, store):
    put(store, "zebra", b"12345", "text/plain; charset=utf-8")
    put(store, "Apple", b"1", "image/png")

    rows = signed_in(ada).get(store.console_path).context["rows"]

    assert [(row.record.key, row.content_type, row.record.size) for row in rows] == [
        ("Apple", "image/png", 1),
        ("OUTPUT", "application/json", 12),
        ("zebra", "text/plain", 5),
    ]


def test_it_is_found_by_name(ada, signed_in, store):
    for address in (store.pk, "ada~settings", "~settings"):
        assert "OUTPUT" in signed_in(ada).get(f"/storage/key-value-stores/{address}").content.decode()


def test_pages_follow_each_other_by_key_and_a_prefix_narrows_them(ada, signed_in, make_resource, monkeypatch):
    monkeypatch.setattr("console.pages.key_value_stores.views.ROWS", 2)
    made = make_resource(Kind.KEY_VALUE_STORE, ada)
    for key in ("a1", "a2", "a3", "b1"):
        put(made, key, b"x", "text/plain")
    browser = signed_in(ada)

    def keys(query):
        response = browser.get(f"{made.console_path}?{query}")
        return [row.record.key for row in response.context["rows"]], response.context["next_after"]

    assert keys("") == (["a1", "a2"], "a2")
    assert keys("after=a2") == (["a3", "b1"], None)
    assert keys("prefix=a&after=a2") == (["a3"], None)
    assert keys("prefix=b") == (["b1"], None)
    assert keys("prefix=a/") == ([], None)
    assert "?prefix=a&amp;after=a2" in browser.get(f"{made.console_path}?prefix=a").content.decode()


def test_htmx_is_given_the_table_alone_when_the_prefix_changes_and_the_page_when_the_level_does(ada, signed_in, store):
    browser = signed_in(ada)

    table = browser.get(f"{store.console_path}?prefix=OUT", headers={**HTMX, "HX-Target": "records"}).content.decode()
    page = browser.get(store.console_path, headers={**HTMX, "HX-Target": "level"}).content.decode()

    assert "<html" not in table
    assert "1 record found" in table
    assert 'id="level"' in page


def test_the_queries_do_not_grow_with_the_records(ada, signed_in, store, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded
    with django_assert_num_queries(5):
        browser.get(store.console_path)
    for number in range(40):
        put(store, f"key-{number}", b"x", "text/plain")
    with django_assert_num_queries(5):
        assert len(browser.get(store.console_path).context["rows"]) == 41


def test_an_empty_store_says_what_to_do_next(ada, ben, signed_in, make_resource, give):
    made = make_resource(Kind.KEY_VALUE_STORE, ada)
    give(made, ben)

    assert "Upload a record" in signed_in(ada).get(made.console_path).content.decode()
    assert "Upload a record" not in signed_in(ben).get(made.console_path).content.decode()


def test_the_list_counts_records(ada, signed_in, store):
    browser = signed_in(ada)

    (row,) = browser.get("/storage/key-value-stores").context["rows"]

    assert (row.resource.pk, row.count, row.size) == (store.pk, 1, 12)
    assert "New key-value store" in browser.get("/storage/key-value-stores").content.decode()


def test_the_dialogs_of_every_storage_are_there_for_stores(ada, signed_in, store):
    browser = signed_in(ada)

    browser.post(f"{store.console_path}/rename", {"name": "options"})
    assert KeyValueStore.objects.get().name == "options"
    assert f"/v2/key-value-stores/{store.pk}/keys" in browser.get(f"{store.console_path}/api").content.decode()
    assert "with its 1 record" in browser.get(f"{store.console_path}/delete").content.decode()
    assert browser.post("/storage/key-value-stores/new", {"name": "other"}).status_code == 302
    browser.post(f"{store.console_path}/delete")
    assert [each.name for each in KeyValueStore.objects.all()] == ["other"]


# A record


def preview(browser, store, key):
    return browser.get(f"{store.console_path}/records/{key}").context["preview"]


def test_json_is_laid_out(ada, signed_in, store):
    shown = preview(signed_in(ada), store, "OUTPUT")

    assert (shown.form, shown.is_cut) == ("json", False)
    assert shown.text == '{\n  "a": [\n    1,\n    {}\n  ]\n}'


def test_what_is_said_to_be_json_and_is_not_is_shown_as_it_is(ada, signed_in, store):
    put(store, "x", b'{"a": ', "application/json")

    shown = preview(signed_in(ada), store, "x")

    assert (shown.form, shown.text, shown.note) == ("text", '{"a": ', "This is not valid JSON.")


@pytest.mark.parametrize(
    ("content", "content_type", "form", "text"),
    [
        ("žluťoučký".encode(), "text/plain", "text", "žluťoučký"),
        ("žluťoučký".encode("utf-16"), "text/plain; charset=UTF-16", "text", "žluťoučký"),
        (b"caf\xe9", 'text/csv; charset="iso-8859-1"', "text", "café"),
        (b"caf\xe9", "text/csv; charset=zlib_codec", "text", "caf�"),
        (b"a\x00b", "text/plain", "text", "a␀b"),
        (b"<svg/>", "image/svg+xml", "text", "<svg/>"),
        (PNG, "image/png", "image", ""),
        (b"\x00\x01", "application/octet-stream", "binary", ""),
        (b"", "application/json", "empty", ""),
    ],
)
def test_each_type_has_its_preview(ada, signed_in, store, content, content_type, form, text):
    put(store, "x", content, content_type)

    shown = preview(signed_in(ada), store, "x")

    assert (shown.form, shown.text) == (form, text)


def test_a_compressed_record_is_shown_uncompressed_and_a_bomb_is_cut_off(ada, signed_in, store, monkeypatch):
    monkeypatch.setattr(store_preview, "MAX_BYTES", 1000)
    put(store, "small", gzip.compress(b'{"a":1}'), "application/json", "gzip")
    put(store, "bomb", gzip.compress(b" " * 50_000_000), "text/plain", "gzip")
    put(store, "broken", b"not gzip", "text/plain", "gzip")
    browser = signed_in(ada)

    assert preview(browser, store, "small").text == '{\n  "a": 1\n}'
    assert len(preview(browser, store, "bomb").text) == 1000
    assert preview(browser, store, "bomb").is_cut
    assert preview(browser, store, "broken").form == "unreadable"


def test_the_preview_of_something_long_is_its_beginning(ada, signed_in, store, monkeypatch):
    monkeypatch.setattr(store_preview, "MAX_BYTES", 1000)
    monkeypatch.setattr(store_preview, "MAX_CHARACTERS", 500)
    put(store, "long.txt", "é".encode() * 5000, "text/plain")
    put(store, "long.json", json.dumps(["é" * 10] * 500).encode(), "application/json")
    browser = signed_in(ada)

    assert preview(browser, store, "long.txt").text == "é" * 500
    assert len(preview(browser, store, "long.json").text) == 500
    assert preview(browser, store, "long.json").is_cut


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 50_000, "[" * 900 + "1," * 50_000, "]" * 10_000, '"' * 9999])
def test_json_of_any_depth_is_laid_out_within_bounds(text):
    shown, _ = format_json(text, 10_000)

    assert len(shown) <= 10_000


@pytest.mark.parametrize(
    "value", [1e300, 12345678901234567890123, 'a"b\\', [[], {}, None, True, "x:,{}[]"], {"": {"a": []}}]
)
def test_laying_out_changes_nothing_but_spaces(value):
    assert json.loads(format_json(json.dumps(value), 10_000)[0]) == value


def test_an_image_is_sent_as_one_and_everything_as_a_download_when_asked(ada, signed_in, store):
    put(store, "logo", PNG, "image/png")
    browser = signed_in(ada)
    url = f"{store.console_path}/records/logo/content"

    shown, downloaded = browser.get(url), browser.get(f"{url}?download")

    assert f'<img src="{url}"' in browser.get(f"{store.console_path}/records/logo").content.decode()
    assert (shown.headers["Content-Type"], sent(shown)) == ("image/png", PNG)
    assert shown.headers["Content-Disposition"] == 'inline; filename="logo"'
    assert downloaded.headers["Content-Disposition"] == 'attachment; filename="logo"'
    again = browser.get(url, headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Range": "bytes=0-3"}, 206),
        ({"Range": "bytes=999-"}, 416),
        ({"Range": "nonsense"}, 200),
        ({"If-Match": '"other"'}, 412),
    ],
)
def test_conditions_and_ranges_are_answered(ada, signed_in, store, headers, status):
    response = signed_in(ada).get(f"{store.console_path}/records/OUTPUT/content", headers=headers)

    assert response.status_code == status


def test_a_record_is_a_page_and_a_dialog(ada, signed_in, store):
    browser = signed_in(ada)

    for path in ("/records/OUTPUT", "/records/OUTPUT/delete", "/upload"):
        page = browser.get(store.console_path + path).content.decode()
        fragment = browser.get(store.console_path + path, headers=HTMX).content.decode()
        assert "<html" in page
        assert "<h1 " in page
        assert "<html" not in fragment
        assert 'id="dialog-title"' in fragment


def test_deleting_a_record_asks_and_then_deletes(ada, signed_in, store):
    browser = signed_in(ada)
    url = f"{store.console_path}/records/OUTPUT/delete"

    assert "cannot be undone" in browser.get(url).content.decode()
    assert Record.objects.exists()
    assert browser.post(url, headers=HTMX).headers["HX-Redirect"] == store.console_path
    assert not Record.objects.exists()
    assert "was deleted" in browser.get(store.console_path).content.decode()
    assert browser.post(url).status_code == 404


# Uploads


def test_a_writer_uploads_a_file_that_is_named_and_typed_by_itself(ben, signed_in, store, give):
    give(store, ben, "WRITE")
    file = SimpleUploadedFile("logo.png", PNG, content_type="image/png")

    response = signed_in(ben).post(f"{store.console_path}/upload", {"file": file}, headers=HTMX)

    assert response.headers["HX-Redirect"] == store.console_path
    assert stored_content(store, "logo.png") == PNG
    assert find(store.pk, "logo.png").content_type == "image/png"


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ({"text": '{"a": 1}'}, "application/json; charset=utf-8"),
        ({"text": "hello"}, "text/plain; charset=utf-8"),
        ({"text": "<p>", "key": "a.html"}, "text/html; charset=utf-8"),
        ({"text": "hello", "content_type": "text/markdown"}, "text/markdown"),
        ({"file": SimpleUploadedFile("a.json", b"{}", content_type="")}, "application/json"),
        ({"file": SimpleUploadedFile("a.json.gz", b"x", content_type="")}, "application/gzip"),
        ({"file": SimpleUploadedFile("a", b"", content_type="")}, "application/octet-stream"),
        ({"file": SimpleUploadedFile("a", b"x", content_type="no type")}, "application/octet-stream"),
    ],
)
def test_the_type_is_what_was_said_or_what_it_looks_like(ada, signed_in, store, data, content_type):
    response = signed_in(ada).post(f"{store.console_path}/upload", {"key": "new", **data})

    assert response.status_code == 302
    assert Record.objects.exclude(key="OUTPUT").get().content_type == content_type


def test_what_is_typed_is_kept_to_the_character(ada, signed_in, store):
    signed_in(ada).post(f"{store.console_path}/upload", {"key": "new", "text": "  a\r\nb  \r\n"})

    assert stored_content(store, "new") == b"  a\nb  \n"


def test_a_large_file_goes_over_the_disk(ada, signed_in, store, monkeypatch):
    files = []
    original = writing.write

    def remember(store_id, key, pieces, **options):
        pieces = list(pieces)
        files.append(max(map(len, pieces)))
        return original(store_id, key, pieces, **options)

    monkeypatch.setattr(store_upload.writing, "write", remember)
    content = bytes(range(256)) * 20_000

    signed_in(ada).post(f"{store.console_path}/upload", {"file": SimpleUploadedFile("big", content)})

    assert stored_content(store, "big") == content
    assert files[0] <= 65_536


def test_a_record_is_replaced_only_when_that_is_said(ada, signed_in, store):
    browser = signed_in(ada)
    url = f"{store.console_path}/upload"
    data = {"key": "OUTPUT", "text": "new"}

    refused = browser.post(url, data)
    assert refused.status_code == 422
    assert "There is a record with this key: application/json" in refused.content.decode()
    assert stored_content(store, "OUTPUT") == b'{"a":[1,{}]}'

    assert browser.post(url, {**data, "replace": "on"}).status_code == 302
    assert stored_content(store, "OUTPUT") == b"new"


def test_a_key_that_is_taken_is_told_while_it_is_typed(ada, signed_in, store):
    browser = signed_in(ada)
    url = f"{store.console_path}/upload/key"

    assert "There is a record with this key" in browser.get(f"{url}?key=OUTPUT", headers=HTMX).content.decode()
    for key in ("new", "", "%00", "a/b", "%ff"):
        assert browser.get(f"{url}?key={key}", headers=HTMX).content.strip() == b""


def test_replace_opens_the_form_with_the_key_and_the_tick(ada, signed_in, store):
    form = signed_in(ada).get(f"{store.console_path}/upload?key=OUTPUT").context["form"]

    assert form.initial == {"key": "OUTPUT", "replace": True}
