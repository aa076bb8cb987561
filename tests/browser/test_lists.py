"""Lists in a browser: filtering them, what their rows show, and that they show it on every screen."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Run
from sharing.issues import issues
from sharing.models import Issue

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


# Looks

LONGEST = "a" + "0123456789" * 6 + "bc"
WIDTHS = [360, 1200, 1257, 1258, 1280]  # the fourth is the narrowest on which there are columns
# What of a list cannot be read: cells that are not in view, or that cut something off which has no title to say it all.
CUT = """region => [...region.querySelectorAll("tbody tr > *")].filter(cell => {
    const box = cell.getBoundingClientRect();
    if (!cell.textContent.trim()) return false;
    if (!box.width || box.left < 0 || box.right > document.documentElement.clientWidth) return true;
    return [cell, ...cell.querySelectorAll(":not(.visually-hidden, .visually-hidden *, [popover], [popover] *, svg *)")]
        .some(part => part.scrollWidth > part.clientWidth + 1 && part.clientWidth && !part.title);
}).map(cell => cell.textContent.trim())"""


@pytest.fixture
def lists(ada, ben, make_resource, give) -> list[str]:
    """Where lists are that have something long of one's own, and something of somebody else's that says why."""
    shop = make_resource(Kind.ACTOR, ada, name="shop", is_public=True)
    theirs = make_resource(Kind.ACTOR, ben, name=LONGEST)
    give(theirs, ada, "VIEW_OWNER_RUNS")
    make_resource(Kind.BUILD, ada, actor=shop, number="0.1.1", status=JobStatus.TIMED_OUT)
    task = make_resource(Kind.TASK, ben, name=LONGEST, actor=theirs)
    nightly = {"cron_expression": "15 9 * * MON-FRI", "is_enabled": True, "next_at": timezone.now() + timedelta(days=1)}
    schedule = make_resource(Kind.SCHEDULE, ben, name=LONGEST, **nightly)
    for each in (task, schedule, make_resource(Kind.DATASET, ben, name=LONGEST)):
        give(each, ada)
    ended = {"status": JobStatus.TIMED_OUT, "started_at": timezone.now(), "finished_at": timezone.now()}
    run = make_resource(Kind.RUN, ben, actor=theirs, task=task, **ended)
    attached = make_resource(Kind.RUN, ben, actor=shop, **ended)
    issue = Issue.objects.create(actor=shop, author=ben, title=f"{LONGEST} is missing")
    issues.attach_run(issue, attached, by=ben.principal)
    for kind in LISTS:
        make_resource(kind, ben, run=run)
        make_resource(kind, ada, name=LONGEST, general_access="ANYONE_WITH_NAME_CAN_READ")
    of_shop = (f"{shop.console_path}/{tab}" for tab in ("builds", "runs", "issues"))
    return ["/actors", "/actors/runs", "/tasks", "/schedules", *LISTS.values(), "/shared", *of_shop]


@pytest.mark.parametrize("width", WIDTHS)
def test_all_of_every_list_is_in_view(open_page, ada, lists, width):
    page = open_page(ada, "/", viewport={"width": width, "height": 800})
    for path in lists:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        region = page.get_by_role("main").get_by_role("region", name="scrollable")
        expect(region.get_by_role("link").first).to_be_visible()
        assert region.evaluate("area => area.scrollWidth <= area.clientWidth"), path
        assert region.evaluate(CUT) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_list_on_a_telephone_has_no_barriers_and_is_a_table_still(open_page, ada, lists, violations, scheme):
    page = open_page(ada, "/", viewport={"width": 360, "height": 800}, color_scheme=scheme)
    accessibility = page.context.new_cdp_session(page)
    for path in lists:
        page.goto(path)
        assert violations(page) == [], path
        nodes = accessibility.send("Accessibility.getFullAXTree")["nodes"]
        roles = {node["role"]["value"] for node in nodes if not node["ignored"]}
        assert roles >= {"table", "row", "columnheader", "rowheader", "cell"}, path


def test_a_run_on_a_telephone_says_in_its_card_what_the_columns_say(open_page, ada, ben, lists):
    page = open_page(ada, "/actors/runs", viewport={"width": 360, "height": 800})
    run = Run.objects.get(task__name=LONGEST)
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=run.pk))
    for text in ("Timed out", f"ben/{LONGEST}", "API", "0.0 s", "0 items", "ben", "(view owner runs)"):
        expect(row.get_by_text(text).first).to_be_in_viewport()
    started = row.locator("[data-label=Started]")
    assert started.evaluate("cell => getComputedStyle(cell, '::before').content") == '"Started" / ""'
    row.get_by_role("button", name=f"Actions for {run.pk}").click()
    expect(page.get_by_role("link", name="Access", exact=True)).to_be_in_viewport()


@pytest.mark.parametrize("width", [360, 1280])
def test_a_long_name_widens_no_page(open_page, ada, make_resource, width):
    dataset = make_resource(Kind.DATASET, ada, name=LONGEST)
    page = open_page(ada, dataset.console_path, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto(LISTS[Kind.DATASET])
    expect(page.get_by_role("link", name=LONGEST)).to_have_attribute("title", LONGEST)
    expect(page.get_by_role("columnheader", name="Created")).to_be_attached()
    expect(page.get_by_role("row", name=LONGEST).get_by_role("time").first).to_be_in_viewport()


@pytest.mark.parametrize("width", WIDTHS)
def test_cards_are_scrolled_with_the_page_and_columns_within_it(open_page, ada, make_resource, width):
    for at in range(30):
        make_resource(Kind.DATASET, ada, name=f"prices-{at}")
    page = open_page(ada, LISTS[Kind.DATASET])
    page.set_viewport_size({"width": width, "height": 700})
    looks = """region => [getComputedStyle(region.querySelector("tbody")).display,
        region.scrollHeight > region.clientHeight + 1]"""
    expected = ["block", False] if width < 1258 else ["table-row-group", True]
    assert page.get_by_role("region", name="Datasets, scrollable").evaluate(looks) == expected
