"""The share dialog in a browser: what only a browser shows of it, such as focus, the keyboard and the clipboard."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from resources.kinds import Kind
from resources.models import Dataset
from sharing import grants
from sharing.models import Grant
from sharing.permissions import Permission

FIELD = "Email, username or user ID"
SCHEMES = ["light", "dark"]


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")


@pytest.fixture
def opened(open_page, ada, dataset):
    """Ada's page of the dataset, with the dialog open."""

    def open_(**options):
        page = open_page(ada, dataset.console_path, **options)
        page.get_by_role("link", name="Share", exact=True).click()
        expect(dialog_of(page)).to_be_visible()
        return page

    return open_


def dialog_of(page: Page):
    return page.get_by_role("dialog", name=re.compile("dataset prices$"))


def people_of(page: Page):
    return dialog_of(page).get_by_role("list", name="People with access").get_by_role("listitem")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, role: Any, name: str, key: str = "Tab") -> None:
    """Press Tab until the focus is on a control, the way that somebody without a mouse gets there."""
    wanted = page.get_by_role(role, name=name, exact=True)
    for _ in range(40):
        if wanted.evaluate_all("found => found.includes(document.activeElement)"):
            return
        page.keyboard.press(key)
    raise AssertionError(f"The keyboard does not get to the {role} {name}.")


def held(resource, account) -> list[str]:
    grant = Grant.objects.filter(resource=resource, account=account).first()
    return Permission(grant.permissions).names if grant else []


def test_focus_goes_in_and_comes_back_and_escape_closes(opened):
    page = opened()
    expect(dialog_of(page).get_by_label(FIELD)).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog_of(page)).to_be_hidden()
    expect(page.get_by_role("link", name="Share", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    dialog_of(page).get_by_role("button", name="Close").click()
    expect(dialog_of(page)).to_be_hidden()
    expect(page.get_by_role("link", name="Share", exact=True)).to_be_focused()


def test_the_keyboard_alone_does_everything(opened, ada, ben, cleo, dataset):
    page = opened()
    dialog = dialog_of(page)
    said = dialog.get_by_role("status").first

    page.keyboard.type("ben")
    press(page, "Enter")
    expect(said).to_contain_text("ben can read now")
    expect(dialog.get_by_label(FIELD)).to_be_focused()
    expect(dialog.get_by_label(FIELD)).to_have_value("")

    page.keyboard.type("cleo@example.com")
    tab_to(page, "checkbox", "Write")
    press(page, "Space")
    tab_to(page, "button", "Add user", "Shift+Tab")
    press(page, "Enter")
    expect(said).to_contain_text("cleo can read and write now")
    expect(people_of(page)).to_have_count(3)
    assert held(dataset, cleo) == ["READ", "WRITE"]

    tab_to(page, "button", "Change permissions of ben")
    press(page, "Enter")
    tab_to(page, "checkbox", "Manage access")
    press(page, "Space")
    tab_to(page, "button", "Save permissions")
    press(page, "Enter")
    expect(said).to_contain_text("ben can read and manage access now.")
    expect(people_of(page).nth(1)).to_be_focused()
    assert held(dataset, ben) == ["READ", "MANAGE_ACCESS_RIGHTS"]

    tab_to(page, "button", "Remove ben")
    press(page, "Enter")
    expect(said).to_contain_text("ben was removed.")
    expect(people_of(page).nth(1)).to_be_focused()
    expect(people_of(page).nth(1)).to_contain_text("cleo")
    assert held(dataset, ben) == []

    tab_to(page, "button", "Undo", "Shift+Tab")
    press(page, "Enter")
    expect(said).to_contain_text("ben has access again.")
    expect(people_of(page).nth(1)).to_be_focused()
    assert held(dataset, ben) == ["READ", "MANAGE_ACCESS_RIGHTS"]

    tab_to(page, "combobox", "General access")
    press(page, "ArrowUp", "ArrowUp")
    page.wait_for_load_state("networkidle")
    assert Dataset.objects.get().general_access == "RESTRICTED"
    page.keyboard.type("Anyone with ID")
    tab_to(page, "button", "Save")
    press(page, "Enter")
    expect(said).to_contain_text("General access is now: Anyone with ID can read.")
    expect(dialog.get_by_role("button", name="Save", exact=True)).to_be_focused()
    assert Dataset.objects.get().general_access == "ANYONE_WITH_ID_CAN_READ"

    tab_to(page, "button", "Close", "Shift+Tab")
    press(page, "Enter")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Share", exact=True)).to_be_focused()


def test_an_unknown_person_keeps_the_text_and_the_focus(opened, ben, dataset):
    page = opened()
    field = dialog_of(page).get_by_label(FIELD)
    field.fill("bem")
    dialog_of(page).get_by_role("button", name="Add user").click()
    expect(dialog_of(page).get_by_text("No account found for “bem”.")).to_be_visible()
    expect(field).to_have_value("bem")
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(re.compile("Check the spelling"))
    field.fill("ben")
    page.keyboard.press("Enter")
    expect(people_of(page)).to_have_count(2)
    expect(dialog_of(page).get_by_text("No account found for")).to_have_count(0)


def test_what_is_typed_stays_while_something_else_changes(opened, ben, dataset, give):
    give(dataset, ben)
    page = opened()
    dialog_of(page).get_by_label(FIELD).fill("cleo")
    dialog_of(page).get_by_role("button", name="Remove ben").click()
    expect(people_of(page)).to_have_count(1)
    expect(people_of(page).first).to_be_focused()
    expect(dialog_of(page).get_by_label(FIELD)).to_have_value("cleo")


def test_moving_through_permissions_saves_nothing(opened, ben, dataset, give):
    give(dataset, ben)
    page = opened()
    dialog_of(page).get_by_role("button", name="Change permissions of ben").click()
    page.get_by_role("group", name="Permissions of ben").get_by_role("checkbox", name="Write").check()
    page.keyboard.press("Escape")
    expect(dialog_of(page)).to_be_visible()
    expect(page.get_by_role("group", name="Permissions of ben")).to_be_hidden()
    page.wait_for_load_state("networkidle")
    assert held(dataset, ben) == ["READ"]


def test_the_link_is_copied_and_said_in_place(opened, dataset, live_server):
    page = opened(permissions=["clipboard-read", "clipboard-write"])
    button = dialog_of(page).get_by_role("button", name="Copy link")
    button.click()
    expect(dialog_of(page).get_by_role("button", name="Link copied")).to_be_focused()
    assert page.evaluate("navigator.clipboard.readText()") == f"{live_server.url}{dataset.console_path}"


def test_whoever_gives_up_their_access_is_led_away(open_page, ben, dataset, give):
    give(dataset, ben, "WRITE")
    page = open_page(ben, dataset.console_path)
    page.get_by_role("link", name="Access", exact=True).click()
    expect(dialog_of(page).get_by_label(FIELD)).to_have_count(0)
    dialog_of(page).get_by_role("button", name="Give up access").click()
    page.wait_for_url("**/shared")
    expect(page.get_by_text("You gave up your access to the dataset prices.")).to_be_visible()
    assert held(dataset, ben) == []


def test_it_works_without_the_script(open_page, ada, ben, dataset):
    page = open_page(ada, dataset.console_path, java_script_enabled=False)
    page.get_by_role("link", name="Share", exact=True).click()
    page.wait_for_url(f"**{dataset.console_path}/share")
    page.get_by_label(FIELD).fill("ben")
    page.get_by_label(FIELD).press("Enter")
    expect(page.get_by_text("ben can read now")).to_be_visible()
    page.get_by_role("button", name="Remove ben").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("ben has access again.")).to_be_visible()
    assert held(dataset, ben) == ["READ"]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_in_the_open_dialog(opened, ben, cleo, dataset, give, violations, scheme):
    give(dataset, ben, "WRITE")
    give(dataset, cleo)
    page = opened(color_scheme=scheme, reduced_motion="reduce")
    dialog = dialog_of(page)
    assert violations(page) == []
    dialog.get_by_label(FIELD).fill("nobody")
    page.keyboard.press("Enter")
    expect(dialog.get_by_text("No account found for")).to_be_visible()
    assert violations(page) == []
    dialog.get_by_role("button", name="Change permissions of ben").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    dialog.get_by_text("What these mean").first.click()
    dialog.get_by_role("button", name="Remove cleo").click()
    expect(dialog.get_by_role("button", name="Undo")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("kind", [Kind.ACTOR, Kind.RUN, Kind.SCHEDULE])
def test_axe_finds_nothing_on_the_dialog_as_a_page(open_page, ada, make_resource, violations, scheme, kind):
    resource = make_resource(kind, ada)
    for path in (resource.console_path, f"{resource.console_path}/share"):
        assert violations(open_page(ada, path, color_scheme=scheme, viewport={"width": 360, "height": 740})) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_on_what_is_shared_and_what_is_refused(
    open_page, ada, ben, dataset, give, violations, scheme
):
    give(dataset, ben)
    for account, path in ((ben, "/shared"), (ada, "/shared"), (ben, "/storage/datasets/00000000000000000")):
        assert violations(open_page(account, path, color_scheme=scheme)) == []


def test_nothing_is_wider_than_a_small_screen(opened, ben, dataset, give):
    give(dataset, ben, "WRITE", "MANAGE_ACCESS_RIGHTS")
    page = opened(viewport={"width": 360, "height": 740})
    dialog = dialog_of(page)
    assert dialog.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0
    assert dialog.evaluate("dialog => dialog.getBoundingClientRect().right") <= 360


@pytest.fixture
def ending(dataset, ada, ben, cleo):
    """Ben's access ends in two days, and cleo's has ended."""
    now = timezone.now()
    for account in (ben, cleo):
        grants.grant(dataset, account, Permission.READ, by=ada.principal, expires_at=now + timedelta(days=2))
    Grant.objects.filter(account=cleo).update(expires_at=now)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_axe_finds_nothing_where_access_ends_on_a_small_screen(
    opened, open_page, ada, ben, dataset, ending, violations, scheme
):
    page = opened(viewport={"width": 360, "height": 740}, color_scheme=scheme, reduced_motion="reduce")
    dialog = dialog_of(page)
    assert violations(page) == []
    dialog.get_by_label("Access", exact=True).first.select_option("date")
    expect(dialog.get_by_label("Last day (UTC)").first).to_be_visible()
    assert violations(page) == []
    assert dialog.evaluate("dialog => dialog.scrollWidth - dialog.clientWidth") == 0
    extend = f"{dataset.console_path}/share/people/{ben.pk}/extend"
    assert violations(open_page(ada, extend, color_scheme=scheme, viewport={"width": 360, "height": 740})) == []


def test_access_is_extended_and_given_again_with_one_click_each(opened, ben, cleo, dataset, ending):
    page = opened()
    dialog = dialog_of(page)
    expect(dialog.get_by_label("Last day (UTC)").first).to_be_hidden()
    dialog.get_by_role("button", name="Extend the access of ben by 30 days").click()
    expect(dialog.get_by_text("ben can read now, until")).to_be_visible()
    dialog.get_by_role("button", name="Give cleo access again").click()
    expect(dialog.get_by_text("cleo can read now, until")).to_be_visible()
    expect(dialog.get_by_text("Access that has ended")).to_have_count(0)
    assert Grant.objects.get(account=ben).expires_at > timezone.now() + timedelta(days=31)


def test_what_a_dialog_shows_works_from_the_moment_that_it_is_seen(open_page, ada, dataset):
    """However quick somebody is: a form that htmx did not know yet would be sent by the browser, as a page."""
    page = open_page(ada, dataset.console_path)
    page.evaluate(
        """() => {
            window.isSamePage = true;
            const dialog = document.querySelector("dialog");
            new MutationObserver((_, observer) => {
                observer.disconnect();
                dialog.querySelector("form").requestSubmit();
            }).observe(dialog, { attributes: true, attributeFilter: ["open"] });
        }"""
    )
    page.get_by_role("link", name="Share", exact=True).click()
    expect(dialog_of(page).get_by_label(FIELD)).to_have_attribute("aria-invalid", "true")
    assert page.evaluate("window.isSamePage")


def test_a_dialog_that_closes_does_not_take_the_focus_from_where_it_has_gone(opened):
    page = opened()
    page.evaluate(
        """() => {
            const dialog = document.querySelector("dialog");
            window.hasClosed = new Promise((resolve) => dialog.addEventListener("close", resolve));
            dialog.close();
            document.querySelector("nav a").focus();
        }"""
    )
    page.evaluate("window.hasClosed")
    assert page.evaluate("document.activeElement === document.querySelector('nav a')")
