"""The Export dialog: who gets what, what it says before it starts, the file, the preview and the link."""

import io
import json
from urllib.parse import parse_qs, urlsplit

import openpyxl
import pytest

from accounts.models import Account
from console.pages.datasets import export as dataset_export
from resources.datasets import work_limit
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset, Resource
from sharing.models import SignedLink

pytestmark = pytest.mark.django_db

HTMX = {"HX-Request": "true"}
PATHS = ("/export", "/download?format=csv", "/preview?format=csv")
ITEMS = [{"item": "bread", "price": 2.4, "#debug": 1}, {"item": "=1+1", "price": -3}, {"#debug": 2}]


@pytest.fixture
def dataset(ada, make_resource):
    made = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    push(made.pk, json.dumps(ITEMS).encode())
    return Dataset.objects.get(pk=made.pk)


def sent(**changed: str) -> dict[str, str]:
    """What a browser sends when nothing but `changed` was chosen otherwise."""
    usual = {"format": "json", "items": "clean", "fields": "", "omit": "", "limit": "", "offset": "", "lifetime": "336"}
    return {**usual, "action": "link", **changed}


def body_of(response) -> bytes:
    return response.getvalue()


# Refusals.


@pytest.mark.parametrize("path", PATHS)
def test_nobody_and_strangers_are_refused(client, cleo, signed_in, dataset, path):
    assert client.get(dataset.console_path + path).status_code == 302
    assert signed_in(cleo).get(dataset.console_path + path).status_code == 404
    assert signed_in(cleo).post(f"{dataset.console_path}/export", sent()).status_code == 404
    assert not SignedLink.objects.exists()


def test_who_reads_by_the_link_alone_is_given_the_plain_address(api, cleo, signed_in, dataset):
    Resource.objects.update(general_access="ANYONE_WITH_ID_CAN_READ")
    browser = signed_in(cleo)
    assert "Link works for" not in browser.get(f"{dataset.console_path}/export").content.decode()
    response = browser.post(f"{dataset.console_path}/export", sent(format="csv", fields="item"), headers=HTMX)
    url = response.context["made"].url
    assert "signature" not in url
    assert "as long as the dataset stays open" in response.content.decode()
    assert not SignedLink.objects.exists()
    parts = urlsplit(url)
    assert body_of(api().get(f"{parts.path}?{parts.query}")).startswith(b"\xef\xbb\xbfitem\r\nbread\r\n")


@pytest.mark.parametrize(
    "wrong",
    [
        {"format": "exe"},
        {"format": ""},
        {"items": "x"},
        {"limit": "0"},
        {"limit": "x"},
        {"limit": "9" * 400},
        {"offset": "-1"},
        {"offset": "1.5"},
        {"fields": "x" * 2001},
        {"fields": "\x00"},
        {"omit": "\x00"},
        {"lifetime": "3"},
    ],
)
@pytest.mark.parametrize("action", ["download", "preview", "link"])
def test_what_makes_no_sense_is_said_beside_its_field(ada, signed_in, dataset, wrong, action):
    for headers in ({}, HTMX):
        response = signed_in(ada).post(f"{dataset.console_path}/export", sent(**wrong, action=action), headers=headers)
        assert response.status_code == 422
        name = next(iter(wrong))
        field = "fields_" if name == "fields" else name
        assert list(response.context["form"].errors) == [field]
        assert f'id="id_{name}_error"' in response.content.decode()
    assert not SignedLink.objects.exists()


@pytest.mark.parametrize("query", ["format=exe", "format=csv&delimiter=ab", "format=%00", "offset=-1", "xmlRoot=%3C"])
@pytest.mark.parametrize("path", ["download", "preview"])
def test_an_address_that_makes_no_sense_is_refused_with_what_is_wrong(ada, signed_in, dataset, path, query):
    response = signed_in(ada).get(f"{dataset.console_path}/{path}?format=xml&{query}")
    assert response.status_code == 400
    assert b"Invalid value of" in response.content


def test_the_cap_of_the_owner_holds_in_the_export_too(ada, signed_in, dataset):
    Account.objects.update(link_days=7)
    browser = signed_in(ada)
    assert browser.post(f"{dataset.console_path}/export", sent(lifetime="336")).status_code == 422
    page = browser.get(f"{dataset.console_path}/export").content.decode()
    assert "no link last longer than 7 days" in page
    assert "14 days" not in page
    assert browser.post(f"{dataset.console_path}/export", sent(lifetime="168")).status_code == 200
    assert SignedLink.objects.count() == 1


def test_what_was_stored_is_text_in_the_dialog(ada, signed_in, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    push(dataset.pk, b'[{"<script>alert(1)</script>": 1, "\\u0000": 2}]')
    page = signed_in(ada).get(f"{dataset.console_path}/export").content.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert "\x00" not in page


# The dialog.


def test_it_is_a_page_and_a_dialog(ada, signed_in, dataset):
    browser = signed_in(ada)
    page, fragment = (browser.get(f"{dataset.console_path}/export", headers=h).content.decode() for h in ({}, HTMX))
    assert "<!doctype html>" in page.lower()
    assert fragment.lstrip().startswith("<section")
    for text in ("JSON", "JSONL", "CSV", "Excel", "XML", "HTML table", "RSS", "Download", "Preview", "item, price"):
        assert text in page
        assert text in fragment
    assert f'href="{dataset.console_path}/export" data-dialog' in browser.get(dataset.console_path).content.decode()


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({}, "at most 3 items, at most"),
        ({"items": "raw"}, "3 items, about"),
        ({"items": "raw", "limit": "2"}, "2 of 3 items, about"),
        ({"items": "raw", "offset": "2"}, "1 of 3 items, about"),
        ({"items": "raw", "offset": "9"}, "0 of 3 items, about 0"),
        ({"items": "raw", "fields": "item"}, "3 items, at most"),
    ],
)
def test_it_says_how_large_it_is_before_it_starts(ada, signed_in, dataset, chosen, says):
    fields = {name: value for name, value in sent(**chosen).items() if name != "action"}
    page = signed_in(ada).get(f"{dataset.console_path}/export", fields, headers=HTMX)
    assert page.status_code == 200
    assert page.context["size"].startswith(says)
    assert page.context["size"].endswith("as JSON")


def test_the_export_of_an_empty_dataset(ada, signed_in, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    page = signed_in(ada).get(f"{dataset.console_path}/export")
    assert page.context["size"].startswith("0 items, about 0")


def test_the_dialog_takes_as_many_queries_for_many_items(ada, signed_in, dataset, django_assert_max_num_queries):
    browser = signed_in(ada)
    browser.get(f"{dataset.console_path}/export")
    with django_assert_max_num_queries(5) as captured:
        browser.get(f"{dataset.console_path}/export", headers=HTMX)
    few = len(captured)
    push(dataset.pk, json.dumps([{"n": n} for n in range(5000)]).encode())
    with django_assert_max_num_queries(few):
        browser.get(f"{dataset.console_path}/export", headers=HTMX)


# Files.


@pytest.mark.parametrize("format_", [format_ for format_, _ in dataset_export.FORMATS])
def test_every_format_is_downloaded_as_a_file_that_cannot_run(ada, signed_in, dataset, format_):
    browser = signed_in(ada)
    response = browser.post(f"{dataset.console_path}/export", sent(format=format_, limit="1", action="download"))
    assert response.status_code == 302
    response = browser.get(response["Location"])
    assert response["Content-Disposition"] == f'attachment; filename="prices.{format_}"'
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    body = body_of(response)
    if format_ == "xlsx":
        rows = openpyxl.load_workbook(io.BytesIO(body))["Items"].values
        assert list(rows) == [("item", "price"), ("bread", 2.4)]
    else:
        assert b"bread" in body
        assert b"#debug" not in body
        assert b"1+1" not in body


@pytest.mark.parametrize(("format_", "is_known"), [("json", True), ("jsonl", True), ("csv", False), ("xml", False)])
def test_a_download_of_everything_tells_its_length_where_it_is_known(ada, signed_in, dataset, format_, is_known):
    response = signed_in(ada).get(f"{dataset.console_path}/download?format={format_}")
    assert response.status_code == 200
    assert response.get("Content-Length") == (str(len(body_of(response))) if is_known else None)


def test_every_choice_gets_into_the_file(ada, signed_in, dataset):
    browser = signed_in(ada)
    chosen = sent(items="raw", omit="price", limit="2", offset="1", action="download")
    location = browser.post(f"{dataset.console_path}/export", chosen)["Location"]
    assert json.loads(body_of(browser.get(location))) == [{"item": "=1+1"}, {"#debug": 2}]
    location = browser.post(f"{dataset.console_path}/export", sent(fields="price,item", action="download"))["Location"]
    assert body_of(browser.get(location)) == b'[{"price":2.4,"item":"bread"},{"price":-3,"item":"=1+1"}]'


def test_neither_a_csv_file_nor_its_preview_nor_its_link_has_formulas(ada, api, signed_in, dataset):
    browser = signed_in(ada)
    for action in ("download", "preview"):
        location = browser.post(f"{dataset.console_path}/export", sent(format="csv", action=action))["Location"]
        assert b"'=1+1,-3\r\n" in body_of(browser.get(location))
    url = browser.post(f"{dataset.console_path}/export", sent(format="csv")).context["made"].url
    parts = urlsplit(url)
    assert b"'=1+1,-3\r\n" in body_of(api().get(f"{parts.path}?{parts.query}"))


@pytest.mark.parametrize(("format_", "type_"), [("html", "text/html"), ("xlsx", "text/html"), ("xml", "text/plain")])
def test_a_preview_is_text_or_a_table_that_cannot_run(ada, signed_in, dataset, format_, type_):
    push(dataset.pk, b'[{"item": "<script>alert(1)</script>"}]')
    response = signed_in(ada).get(f"{dataset.console_path}/preview?format={format_}")
    assert response["Content-Type"] == f"{type_}; charset=utf-8"
    assert response["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Content-Disposition" not in response
    assert b"&lt;script&gt;" in body_of(response)


def test_a_preview_ends_somewhere(ada, signed_in, dataset, monkeypatch):
    monkeypatch.setattr(dataset_export, "ITEMS_IN_PREVIEW", 2)
    browser = signed_in(ada)
    assert len(json.loads(body_of(browser.get(f"{dataset.console_path}/preview?format=json")))) == 2
    assert len(json.loads(body_of(browser.get(f"{dataset.console_path}/preview?format=json&limit=1")))) == 1


# Links.


def test_a_link_gives_what_was_chosen_and_is_in_the_list(ada, ben, api, give, signed_in, dataset):
    Account.objects.filter(pk=ada.pk).update(readers_make_links=True)
    give(dataset, ben)
    browser = signed_in(ben)
    chosen = sent(format="jsonl", fields="item", limit="1", lifetime="1")
    response = browser.post(f"{dataset.console_path}/export", chosen, headers=HTMX)
    url = response.context["made"].url
    parts = urlsplit(url)
    assert parts.path == f"/v2/datasets/{dataset.pk}/items"
    assert set(parse_qs(parts.query)) == {"format", "fields", "limit", "clean", "signature"}
    answer = api().get(f"{parts.path}?{parts.query}")
    assert answer.content == b'{"item":"bread"}\n'
    assert answer["Referrer-Policy"] == "no-referrer"
    page = browser.get(f"{dataset.console_path}/links").content.decode()
    assert "JSONL, clean, only item, limit 1" in page
    assert "signature=" not in page


def test_14_days_are_usual(ada, signed_in, dataset):
    browser = signed_in(ada)
    assert "selected>14 days</option>" in browser.get(f"{dataset.console_path}/export").content.decode()
    browser.post(f"{dataset.console_path}/export", {"format": "json"})
    link = SignedLink.objects.get()
    assert round((link.expires_at - link.created_at).total_seconds()) == 14 * 24 * 3600


@pytest.mark.parametrize("path", ["download", "preview"])
def test_a_reader_who_has_left_is_worked_for_no_longer(ada, signed_in, dataset, monkeypatch, path):
    monkeypatch.setattr(work_limit, "UNASKED", 1)
    address, browser = f"{dataset.console_path}/{path}?format=jsonl&omit=item,price,%23debug&clean=1", signed_in(ada)
    assert browser.get(address).status_code == 200
    monkeypatch.setattr(dataset_export, "is_connected", lambda request: False)
    assert browser.get(address).status_code == 400
