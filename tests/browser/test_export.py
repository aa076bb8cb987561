"""Export, links and upload in a browser: focus, the keyboard, the clipboard, files, and who can use it at all."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from threading import Event

import pytest
from playwright.sync_api import Page, expect

from console.pages.datasets import upload as dataset_upload
from resources.datasets.uploading import add_file
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset
from sharing.links import links
from sharing.models import SignedLink
from sharing.signatures import SignedContent

SCHEMES = ["light", "dark"]
ITEMS = [{"item": name, "price": price, "#debug": {"try": 1}} for name, price in (("bread", 2.4), ("=1+1", 1))]
SLOW_UPLOAD = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 400_000}  # bytes a second
# Keeps in `shown` what values the bar has while it can be seen.
NOTE_PROGRESS = """() => {
    const bar = document.querySelector("[data-progress]");
    window.shown = [];
    new MutationObserver(() => bar.hidden || !bar.hasAttribute("value") || window.shown.push(bar.value))
        .observe(bar, { attributes: true, attributeFilter: ["value", "hidden"] });
}"""


@pytest.fixture
def dataset(transactional_db, ada, make_resource):
    made = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    push(made.pk, json.dumps(ITEMS).encode())
    return Dataset.objects.get(pk=made.pk)


@pytest.fixture
def opened(open_page, ada, dataset):
    """Ada's page of the dataset, with one of its dialogs open."""

    def open_(name: str = "Export", **options) -> Page:
        page = open_page(ada, dataset.console_path, **options)
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        return page

    return open_


def make_link(page: Page) -> str:
    page.get_by_role("button", name="Create link").click()
    field = page.get_by_label("Shareable link", exact=True)
    expect(field).to_be_visible()
    return field.input_value()


def fits(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_focus_goes_in_and_comes_back(opened):
    page = opened()
    expect(page.get_by_label("Format")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("link", name="Export", exact=True)).to_be_focused()


def test_the_size_follows_what_is_chosen(opened):
    page = opened()
    size = page.locator("#export-size")
    expect(size).to_contain_text("2 items, about")
    page.get_by_label("Limit").fill("1")
    page.get_by_label("Offset").focus()
    expect(size).to_contain_text("1 of 2 items")
    expect(page.get_by_label("Offset")).to_be_focused()
    assert "csrfmiddlewaretoken" not in page.evaluate(
        "performance.getEntriesByType('resource').map(entry => entry.name).join(' ')"
    )


def test_the_keyboard_alone_gets_the_file(opened):
    page = opened()
    page.keyboard.press("C")  # the first format that starts with it
    with page.expect_download() as started:
        page.keyboard.press("Tab")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # in a field: what the first button does
    download = started.value
    assert download.suggested_filename == "prices.csv"
    assert download.path().read_bytes() == b"\xef\xbb\xbfitem,price\r\nbread,2.4\r\n'=1+1,1\r\n"
    expect(page.get_by_role("dialog")).to_be_visible()


def test_a_preview_opens_in_a_new_tab_and_runs_nothing(opened, dataset):
    push(dataset.pk, b'[{"item": "<script>document.title = 1</script>"}]')
    page = opened()
    page.get_by_label("Format").select_option(label="HTML table")
    with page.context.expect_page() as opening:
        page.get_by_role("button", name="Preview").click()
    tab = opening.value
    expect(tab.get_by_role("cell", name="<script>document.title = 1</script>")).to_be_visible()
    assert tab.url.startswith(f"{page.url}/preview?format=html")
    assert tab.title() == ""


def test_a_link_is_made_copied_and_revoked(opened, browser, dataset):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Format").select_option("jsonl")
    page.get_by_label("Link works for").select_option(label="1 day")
    url = make_link(page)
    copying = page.locator("#made-link").get_by_role("button")
    expect(copying).to_be_focused()
    expect(page.get_by_label("Format")).to_have_value("jsonl")
    page.keyboard.press("Enter")
    expect(copying).to_have_text("Link copied")
    assert page.evaluate("navigator.clipboard.readText()") == url
    stranger = browser.new_context()
    try:
        answer = stranger.request.get(url)
        assert answer.status == 200
        assert answer.text().splitlines()[0] == '{"item":"bread","price":2.4}'
        page.get_by_role("link", name="All links").click()
        row = page.get_by_role("row").filter(has_text="JSONL, clean")
        expect(row).to_contain_text("Active")
        row.get_by_role("link", name="Revoke").click()
        expect(page.get_by_role("dialog").get_by_role("link", name="Cancel")).to_be_focused()
        page.get_by_role("button", name="Revoke link").click()
        expect(page.get_by_role("row").filter(has_text="JSONL, clean")).to_contain_text("Revoked")
        assert stranger.request.get(url).status == 403
    finally:
        stranger.close()


def test_all_links_are_revoked_after_a_warning(open_page, ada, dataset):
    links.create(dataset, SignedContent.CONTENT, timedelta(days=1), by=ada.principal)
    page = open_page(ada, f"{dataset.console_path}/links")
    page.get_by_role("link", name="Revoke all links").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 active link on this list")
    page.get_by_role("button", name="Revoke all links").click()
    expect(page.get_by_text("All links were revoked")).to_be_visible()
    assert not SignedLink.objects.filter(revoked_at=None).exists()


def test_without_a_script_it_is_a_page_that_does_the_same(open_page, ada, dataset):
    page = open_page(ada, f"{dataset.console_path}/export", java_script_enabled=False)
    page.get_by_label("Format").select_option("csv")
    with page.expect_download() as started:
        page.get_by_role("button", name="Download").click()
    assert started.value.suggested_filename == "prices.csv"
    assert "format=csv" in make_link(page)


def test_a_file_is_uploaded_and_a_wrong_one_says_where(opened, dataset):
    page = opened("Upload")
    page.get_by_label("File").set_input_files(
        {"name": "a.jsonl", "mimeType": "application/jsonl", "buffer": b'{"item": "milk"}\nx\n'}
    )
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("dialog")).to_contain_text("Line 2: it is not a JSON object. Nothing was added.")
    page.get_by_label("File").set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": b"item\nmilk\n"})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("1 item was added from a.csv.")).to_be_visible()
    expect(page.get_by_role("cell", name="milk")).to_be_visible()


@pytest.fixture
def storing(monkeypatch) -> Iterator[Event]:
    """Let the server store what is uploaded only once this is set."""
    may_store = Event()

    def store_when_told(*args) -> int:
        assert may_store.wait(30)
        return add_file(*args)

    monkeypatch.setattr(dataset_upload, "add_file", store_when_told)
    yield may_store
    may_store.set()


def test_an_upload_shows_how_far_it_is_until_all_is_stored(opened, violations, storing):
    page = opened("Upload")
    line = json.dumps({"item": "milk", "note": "x" * 1000}).encode() + b"\n"
    page.get_by_label("File").set_input_files({"name": "a.jsonl", "mimeType": "", "buffer": line * 400})
    bar = page.get_by_role("progressbar", name="Upload")
    expect(bar).to_be_hidden()
    page.evaluate(NOTE_PROGRESS)
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_UPLOAD)
    page.get_by_role("button", name="Upload").click()

    expect(bar).to_be_visible()
    expect(bar).not_to_have_attribute("value", re.compile(".*"))  # all is sent, and the server is storing it
    expect(page.get_by_role("button", name="Upload")).to_be_disabled()
    shown = page.evaluate("window.shown")
    assert shown == sorted(shown)
    assert any(0 < value < 1 for value in shown)
    assert violations(page) == []

    storing.set()
    expect(page.get_by_text("400 items were added from a.jsonl.")).to_be_visible()
    expect(bar).to_have_count(0)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_it_is_accessible_and_fits_a_phone(opened, violations, ada, dataset, scheme):
    page = opened(color_scheme=scheme)
    assert violations(page) == []
    make_link(page)
    assert violations(page) == []
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        for path in ("export", "links", "links/revoke-all", "upload", "link"):
            page.goto(f"{dataset.console_path}/{path}")
            assert violations(page) == [], path
            assert fits(page), path
    page.goto("/settings/security")
    assert violations(page) == []
    assert fits(page)
