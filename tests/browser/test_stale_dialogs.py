"""Dialogs that were open while something changed elsewhere: they say so, and show what there is now."""

import pytest
from playwright.sync_api import expect

from resources import storages
from resources.kinds import Kind
from sharing import grants
from sharing.permissions import Permission


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")


def open_share(page):
    page.get_by_role("link", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    return dialog


def test_a_right_that_was_taken_away_is_said_and_its_controls_vanish(open_page, ada, ben, dataset, give):
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    page = open_page(ben, dataset.console_path)
    dialog = open_share(page)
    grants.change(dataset, ben, Permission.READ, by=ada.principal)
    dialog.get_by_label("Email, username or user ID").fill("cleo")
    dialog.get_by_role("button", name="Add user").click()
    expect(dialog).to_contain_text("You can open this dataset, but not do this with it")
    expect(dialog.get_by_role("heading", name="Access to dataset prices")).to_be_visible()
    expect(dialog.get_by_role("button", name="Add user")).to_have_count(0)
    dialog.get_by_role("button", name="Dismiss").click()
    expect(dialog).not_to_contain_text("You can open this dataset")


def test_what_nobody_shows_any_more_says_so_in_the_dialog(open_page, ada, ben, dataset, give, violations):
    give(dataset, ben, "MANAGE_ACCESS_RIGHTS")
    page = open_page(ben, dataset.console_path)
    dialog = open_share(page)
    grants.revoke(dataset, ben, by=ada.principal)
    dialog.get_by_role("button", name="Give up access").click()
    expect(dialog).to_contain_text("This dataset does not exist or is not shared with you")
    expect(dialog.get_by_role("link", name="Reload the page")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="This dataset does not exist or is not shared with you")).to_be_visible()


def test_what_was_deleted_in_another_tab_is_called_deleted(open_page, ada, dataset):
    page = open_page(ada, "/storage/datasets")
    page.get_by_role("button", name="Actions for prices").click()
    page.get_by_role("link", name="Delete", exact=True).click()
    dialog = page.get_by_role("dialog", name="Delete dataset?")
    expect(dialog).to_be_visible()
    dialog = page.get_by_role("dialog")
    storages.delete(dataset, by=ada.principal)
    dialog.get_by_role("button", name="Delete dataset").click()
    expect(dialog).to_contain_text("This dataset has been deleted already")
    dialog.get_by_role("link", name="Reload the page").click()
    expect(page.get_by_role("heading", name="No datasets yet")).to_be_visible()


def test_who_signed_in_anew_in_another_tab_is_told_to_reload(open_page, ada, dataset):
    page = open_page(ada, dataset.console_path)
    dialog = open_share(page)
    page.context.clear_cookies(name="csrftoken")
    dialog.get_by_label("Email, username or user ID").fill("cleo")
    dialog.get_by_role("button", name="Add user").click()
    expect(dialog).to_contain_text("in another tab. Reload the page.")
    expect(dialog.get_by_label("Email, username or user ID")).to_have_value("cleo")


def test_a_slow_dialog_shows_that_it_is_on_its_way(open_page, ada, dataset):
    page = open_page(ada, dataset.console_path)
    waiting = []
    page.route("**/share", lambda route: waiting.append(route))
    link = page.get_by_role("link", name="Share", exact=True)
    link.click()
    expect(link).to_have_attribute("aria-busy", "true")
    expect(page.locator("#toasts")).to_contain_text("Loading")
    waiting[0].continue_()
    expect(page.get_by_role("dialog")).to_be_visible()
    expect(link).not_to_have_attribute("aria-busy", "true")
