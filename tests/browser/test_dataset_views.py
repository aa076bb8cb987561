"""The views of a dataset's schema in a browser: chosen on its page and in the export, and how they look."""

import json

import pytest
from playwright.sync_api import expect

from resources.datasets.writing import push
from resources.kinds import Kind
from tests.support.browser import has_room
from tests.support.dataset_views import ITEMS, SCHEMA


@pytest.fixture
def dataset(transactional_db, ada, make_resource):
    more = {f"view{number}": {"title": f"One of many views, number {number}"} for number in range(8)}
    schema = {**SCHEMA, "views": {**SCHEMA["views"], **more}}
    made = make_resource(Kind.DATASET, ada, name="prices", schema=json.dumps(schema))
    push(made.pk, json.dumps(ITEMS).encode())
    return made


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_a_view_is_chosen_on_the_page_and_in_the_export(open_page, ada, dataset, violations, scheme, width):
    page = open_page(ada, dataset.console_path, color_scheme=scheme, viewport={"width": width, "height": 800})
    views = page.get_by_role("navigation", name="Views of the schema")
    expect(views.get_by_role("link", name="All fields")).to_have_attribute("aria-current", "page")
    views.get_by_role("link", name="Overview").click()
    expect(page.get_by_role("columnheader", name="Price, €")).to_be_visible()
    expect(views.get_by_role("link", name="Overview")).to_have_attribute("aria-current", "page")
    assert violations(page) == []
    assert has_room(page)
    page.get_by_role("link", name="JSON", exact=True).click()
    expect(page.get_by_text('"shop.city": "Brno"')).to_be_visible()
    page.get_by_role("link", name="Export", exact=True).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("View").select_option("newest")
    expect(dialog.get_by_text("2 of 3 items")).to_be_visible()
    assert violations(page) == []
