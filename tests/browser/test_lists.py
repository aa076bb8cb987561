"""The lists of storages in a browser: filtering them, and what their rows show."""

import pytest
from playwright.sync_api import Page, expect

from resources.kinds import Kind

FILTER = "Filter by name or ID"
LISTS = {
    Kind.DATASET: "/storage/datasets",
    Kind.KEY_VALUE_STORE: "/storage/key-value-stores",
    Kind.REQUEST_QUEUE: "/storage/request-queues",
}


def click_slowly(page: Page, locator) -> None:
    """Press the button of the mouse, let whatever that starts come to its end, and only then let go."""
    box = locator.bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_load_state("networkidle")
    page.mouse.up()


@pytest.mark.parametrize("kind", LISTS)
def test_the_first_click_after_filtering_counts(open_page, ada, make_resource, kind):
    prices = make_resource(kind, ada, name="prices")
    make_resource(kind, ada, name="weather")
    page = open_page(ada, LISTS[kind])
    page.get_by_label(FILTER).press_sequentially("pri")
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page).to_have_url(f"{LISTS[kind]}?q=pri&ownership=both")
    entries = page.evaluate("history.length")
    click_slowly(page, page.get_by_role("link", name="prices", exact=True))
    expect(page).to_have_url(prices.console_path)
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_label(FILTER)).to_have_value("pri")


def test_typing_leaves_no_trail_and_choosing_does(open_page, ada, make_resource):
    make_resource(Kind.DATASET, ada, name="prices")
    make_resource(Kind.DATASET, ada)
    page = open_page(ada, LISTS[Kind.DATASET])
    entries = page.evaluate("history.length")
    page.get_by_label(FILTER).press_sequentially("pri")
    expect(page).to_have_url(f"{LISTS[Kind.DATASET]}?q=pri&ownership=both")
    assert page.evaluate("history.length") == entries
    page.get_by_label("Named only").check()
    expect(page).to_have_url(f"{LISTS[Kind.DATASET]}?q=pri&ownership=both&named=1")
    page.get_by_text("Shared with me", exact=True).last.click()
    expect(page.get_by_role("heading", name="No dataset matches")).to_be_visible()
    assert page.evaluate("history.length") == entries + 2


def test_a_row_shows_the_level_that_its_dialog_has_saved(open_page, ada, make_resource):
    make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    weather = make_resource(Kind.DATASET, ada, name="weather", general_access="RESTRICTED")
    page = open_page(ada, LISTS[Kind.DATASET])
    row = page.get_by_role("row", name="prices")
    opener = row.get_by_role("button", name="Actions for prices")
    opener.click()
    page.get_by_role("link", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog", name="Share dataset prices")
    dialog.get_by_role("combobox", name="General access").select_option("ANYONE_WITH_ID_CAN_READ")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("tr", has_text="prices")).to_contain_text("Anyone with ID")
    expect(page.locator(f"#level-{weather.pk}")).to_contain_text("Restricted")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()


LONGEST = "a" + "0123456789" * 6 + "bc"


@pytest.mark.parametrize("width", [360, 1280])
def test_a_long_name_widens_no_page_and_hides_no_column(open_page, ada, make_resource, width):
    dataset = make_resource(Kind.DATASET, ada, name=LONGEST)
    page = open_page(ada, dataset.console_path, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(LISTS[Kind.DATASET])
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    link = page.get_by_role("link", name=LONGEST)
    expect(link).to_have_attribute("title", LONGEST)
    created = page.get_by_role("columnheader", name="Created")
    expect(created).to_be_visible()
    if width == 1280:
        table = page.get_by_role("region", name="Datasets, scrollable")
        assert table.evaluate("area => area.scrollWidth <= area.clientWidth")
