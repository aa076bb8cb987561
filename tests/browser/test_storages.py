"""Key-value stores and request queues in a browser: uploads, previews, dialogs that lead to dialogs, looks."""

import base64
import re
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from accounts.lib.timestamps import milliseconds
from resources.kinds import Kind
from resources.models import QueuedRequest, Record
from resources.records import writing
from resources.records.reading import open_record
from resources.request_queues import clock, head
from resources.request_queues.clients import Client
from resources.request_queues.structs import NewRequest
from resources.request_queues.writing import add
from tests.support.browser import has_room

SCHEMES = ["light", "dark"]
# The smallest picture that there is: one transparent pixel.
GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
HOSTILE = b"<script>document.title = 'taken over'</script><img src=x onerror=\"document.title = 'taken over'\">"
TRIED = '{"errorMessages": ["Timed out", "No answer"], "userData": {"label": "LIST"}}'


@pytest.fixture
def store(ada, make_resource):
    made = make_resource(Kind.KEY_VALUE_STORE, ada, name="reports")
    for key, content, content_type in (
        ("data.json", b'{"a": [1, 2]}', "application/json"),
        ("page.html", HOSTILE, "text/html"),
        ("pixel.gif", GIF, "image/gif"),
    ):
        writing.write(made.pk, key, [content], content_type=content_type)
    return made


@pytest.fixture
def queue(ada, make_resource):
    made = make_resource(Kind.REQUEST_QUEUE, ada, name="pages")
    worker = Client(ada.pk, "worker")
    add(made.pk, [NewRequest("a", "https://example.com/a", handled_at=milliseconds(clock.now()))], client=worker)
    add(made.pk, [NewRequest("b", "https://example.com/b")], client=worker)
    head.lock_head(made.pk, 1, timedelta(hours=1), client=worker)
    add(made.pk, [NewRequest("c", "https://example.com/c", retry_count=2, details=TRIED)], client=worker)
    return made


def dialog_of(page: Page, name: str):
    return page.get_by_role("dialog", name=name, exact=True)


def stored_content(store, key: str) -> bytes:
    with open_record(Record.objects.get(store=store, key=key)) as stream:
        return stream.read()


# Key-value stores


def test_a_file_is_uploaded_from_the_dialog(open_page, ada, store):
    page = open_page(ada, store.console_path)
    page.get_by_role("link", name="Upload", exact=True).click()
    dialog = dialog_of(page, "Upload a record")
    expect(dialog.get_by_role("textbox", name="Key (optional)")).to_be_focused()

    dialog.get_by_label("File (optional)").set_input_files(
        {"name": "big.bin", "mimeType": "", "buffer": bytes(3_000_000)}
    )
    dialog.get_by_role("button", name="Upload").click()

    expect(page.get_by_text("Record “big.bin” was stored")).to_be_visible()
    expect(page.get_by_role("link", name="big.bin")).to_be_visible()
    assert Record.objects.get(key="big.bin").size == 3_000_000


def test_a_key_that_is_taken_is_warned_about_and_the_chosen_file_survives_the_refusal(open_page, ada, store):
    page = open_page(ada, f"{store.console_path}/upload")
    page.get_by_role("textbox", name="Key (optional)").fill("data.json")
    page.get_by_label("File (optional)").set_input_files(
        {"name": "x.json", "mimeType": "application/json", "buffer": b"[]"}
    )
    expect(page.get_by_role("status").filter(has_text="There is a record with this key")).to_be_visible()

    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("textbox", name="Key (optional)")).to_have_attribute("aria-invalid", "true")
    assert stored_content(store, "data.json") == b'{"a": [1, 2]}'

    page.get_by_label("Replace the record that has this key").check()
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Record “data.json” was stored")).to_be_visible()
    assert stored_content(store, "data.json") == b"[]"


def test_without_a_script_a_record_is_uploaded_shown_and_deleted(open_page, ada, store):
    page = open_page(ada, store.console_path, java_script_enabled=False)
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_role("textbox", name="Key (optional)").fill("note")
    page.get_by_label("Or text (optional)").fill("hello")
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("link", name="note", exact=True).click()
    expect(page.get_by_role("heading", name="note")).to_be_visible()
    expect(page.get_by_text("hello", exact=True)).to_be_visible()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete record").click()
    expect(page.get_by_text("Record “note” was deleted.")).to_be_visible()
    assert not Record.objects.filter(key="note").exists()


def test_a_dialog_leads_to_the_next_and_focus_comes_back_to_where_it_began(open_page, ada, store):
    page = open_page(ada, store.console_path)
    opener = page.get_by_role("link", name="data.json")
    opener.focus()
    page.keyboard.press("Enter")
    shown = dialog_of(page, "data.json")
    expect(shown.locator("pre")).to_have_text(re.compile(r'\{\s+"a": \[\s+1,\s+2\s+\]\s+\}'))

    shown.get_by_role("link", name="Delete").click()
    expect(dialog_of(page, "Delete record?").get_by_role("link", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(opener).to_be_focused()
    assert Record.objects.filter(key="data.json").exists()


def test_what_was_stored_does_not_act_in_the_console(open_page, ada, store):
    page = open_page(ada, store.console_path)
    page.get_by_role("link", name="page.html").click()
    expect(dialog_of(page, "page.html").locator("pre")).to_contain_text("<script>")
    expect(page).to_have_title(re.compile("reports"))

    with page.expect_download() as download:
        dialog_of(page, "page.html").get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "page.html"


def test_a_picture_is_shown(open_page, ada, store):
    page = open_page(ada, f"{store.console_path}/records/pixel.gif")
    picture = page.get_by_role("img", name="Preview of pixel.gif")

    expect(picture).to_have_js_property("naturalWidth", 1)


def test_the_prefix_narrows_the_table_while_it_is_typed(open_page, ada, store):
    page = open_page(ada, store.console_path)
    page.get_by_label("Keys that start with").press_sequentially("pa")

    expect(page.get_by_role("link", name="data.json")).to_be_hidden()
    expect(page.get_by_role("link", name="page.html")).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?prefix=pa$"))
    expect(page.get_by_text("1 record found")).to_be_attached()


# Request queues


def test_a_request_is_added_looked_at_and_deleted(open_page, ada, queue):
    page = open_page(ada, queue.console_path)
    page.get_by_role("link", name="Add request").click()
    dialog = dialog_of(page, "Add a request")
    dialog.get_by_label("URL").fill("example.com")
    dialog.get_by_role("button", name="Add request").click()
    expect(dialog.get_by_label("URL")).to_have_attribute("aria-invalid", "true")
    expect(dialog.get_by_label("URL")).to_be_focused()
    dialog.get_by_label("URL").fill("https://example.com/new")
    page.keyboard.press("Enter")
    expect(page.get_by_text("The request was added.")).to_be_visible()

    row = page.get_by_role("row").filter(has_text="https://example.com/new")
    row.get_by_role("link", name="Details").click()
    page.get_by_role("dialog").get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete request").click()
    expect(page.get_by_text("was deleted.")).to_be_visible()
    assert not QueuedRequest.objects.filter(url="https://example.com/new").exists()


def test_requests_are_filtered_and_unlocked(open_page, ada, queue):
    page = open_page(ada, queue.console_path)
    page.get_by_role("navigation", name="State").get_by_role("link", name="Locked").click()
    expect(page.get_by_role("row").filter(has_text="example.com")).to_have_count(1)
    expect(page.get_by_text(re.compile("until .* from now"))).to_be_visible()

    page.get_by_role("link", name="Unlock all").click()
    dialog_of(page, "Unlock all requests?").get_by_role("button", name="Unlock all").click()

    expect(page.get_by_text("1 request unlocked.")).to_be_visible()
    expect(page.get_by_role("link", name="Unlock all")).to_have_count(0)


# How they look


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_or_dialog_has_a_barrier_or_overflows(open_page, ada, store, queue, violations, scheme, width):
    (tried,) = QueuedRequest.objects.filter(retry_count=2)
    options = {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}
    page = open_page(ada, "/storage/key-value-stores", **options)
    for path, links in (
        ("/storage/key-value-stores", ["New key-value store"]),
        (store.console_path, ["data.json", "page.html", "pixel.gif", "Upload", "Delete"]),
        (f"{store.console_path}/records/data.json", []),
        (f"{store.console_path}/records/nothing", []),
        ("/storage/request-queues", []),
        (queue.console_path, ["Add request", "Unlock all", f"Details of {tried.request_id}"]),
        (f"{queue.console_path}/requests/{tried.request_id}", []),
        (f"{queue.console_path}?state=handled", []),
    ):
        page.goto(path)
        assert violations(page) == [], path
        assert has_room(page), path
        for link in links:
            page.get_by_role("link", name=link, exact=True).click()
            expect(page.get_by_role("dialog")).to_be_visible()
            assert violations(page) == [], (path, link)
            page.keyboard.press("Escape")
            expect(page.get_by_role("dialog")).to_be_hidden()
