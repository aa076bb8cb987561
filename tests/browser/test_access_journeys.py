"""Whole ways through the console, of several people who share one thing."""

import re

import pytest
from allauth.account.models import EmailAddress
from playwright.sync_api import Page, expect

from accounts.models import Account
from resources.kinds import Kind
from tests.support.cast import PASSWORD

FIELD = "Email, username or user ID"


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices")


def sign_in(page: Page, who: Account) -> None:
    """Sign in by the form; it lets in only whose e-mail is verified."""
    EmailAddress.objects.get_or_create(user=who, email=who.email, verified=True, primary=True)
    page.get_by_label("Email or username").fill(who.username)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def link_in(text: str) -> str:
    found = re.search(r"^http\S+", text, re.MULTILINE)
    assert found
    return found[0]


def share_dialog_of(page: Page):
    page.get_by_role("link", name="Share", exact=True).click()
    return page.get_by_role("dialog", name="Share dataset prices")


def test_a_restricted_dataset_is_refused_asked_for_given_and_opened(open_page, ada, ben, dataset, mailoutbox):
    owner = open_page(ada, dataset.console_path)
    dialog = share_dialog_of(owner)
    dialog.get_by_label("General access").select_option("Restricted")
    dialog.get_by_role("button", name="Save", exact=True).click()
    expect(dialog.get_by_role("status").first).to_contain_text("General access is now: Restricted.")
    expect(dialog).to_contain_text("Only these people can read this dataset.")
    owner.keyboard.press("Escape")
    expect(owner.locator("#level")).to_have_text("Restricted")

    visitor = open_page(None, dataset.console_path)
    sign_in(visitor, ben)
    visitor.wait_for_url(f"**{dataset.console_path}")
    expect(visitor.get_by_role("heading", name="This dataset does not exist or is not shared with you")).to_be_visible()
    expect(visitor.get_by_role("main")).to_contain_text("You are signed in as ben")
    visitor.get_by_role("button", name="Ask for access").click()
    expect(visitor.get_by_role("main")).to_contain_text("Request sent. If it exists, its owner will get an email.")

    (asked,) = mailoutbox
    owner.goto(link_in(asked.body))
    expect(owner.get_by_label(FIELD)).to_have_value("ben")
    owner.get_by_role("button", name="Add user").click()
    expect(owner.get_by_role("list", name="People with access")).to_contain_text("ben can read")

    told = mailoutbox[1]
    assert told.to == ["ben@example.com"]
    visitor.goto(link_in(told.body))
    expect(visitor.get_by_role("heading", name="prices", exact=True)).to_be_visible()
    visitor.goto("/shared")
    expect(visitor.get_by_role("row", name=re.compile("prices"))).to_contain_text("shared by ada")


def test_who_is_signed_in_with_the_wrong_account_switches_and_comes_back(open_page, ada, ben, cleo, dataset, give):
    ada.general_access = "RESTRICTED"
    ada.save()
    give(dataset, ben)
    page = open_page(cleo, dataset.console_path)
    page.get_by_role("button", name="Sign in as another user").click()
    sign_in(page, ben)
    page.wait_for_url(f"**{dataset.console_path}")
    expect(page.get_by_role("heading", name="prices", exact=True)).to_be_visible()


def test_a_list_opens_the_dialog_too(open_page, ada, ben, dataset, give):
    give(dataset, ben)
    page = open_page(ben, "/shared")
    page.get_by_role("link", name="Access to prices").click()
    dialog = page.get_by_role("dialog", name="Access to dataset prices")
    expect(dialog).to_contain_text("shared by ada")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Access to prices")).to_be_focused()
