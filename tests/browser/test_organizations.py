"""An organization in a browser: from nothing to three members with different roles, and two tabs with two accounts."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Account, Membership
from resources.kinds import Kind
from resources.models import Dataset
from tests.support.organizations import join, make_organization


def switch_to(page: Page, name: str) -> None:
    page.get_by_role("button", name="account menu").click()
    page.get_by_role("button", name=f"Switch to {name}").click()
    expect(page.get_by_role("button", name=f"{name}, account menu")).to_be_visible()


def invite(page: Page, who: str, role: str) -> None:
    page.get_by_label("Who to invite").fill(who)
    page.get_by_label("Role", exact=True).select_option(label=role)
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_text(f"{who} is invited as {role}")).to_be_visible()


@pytest.mark.parametrize("script", [True, False])
def test_from_nothing_to_three_members(open_page, ada, ben, cleo, make_resource, script):
    people = (ada, ben, cleo)
    boss, developer, reader = (open_page(each, "/organizations", java_script_enabled=script) for each in people)
    boss.get_by_role("link", name="New organization").click()
    boss.get_by_label("Username of the organization").fill("acme")
    boss.keyboard.press("Enter")
    expect(boss.get_by_text("You are its Owner")).to_be_visible()
    acme = Account.objects.get(username="acme")
    make_resource(Kind.DATASET, acme, name="prices", general_access="RESTRICTED")
    invite(boss, "ben", "Developer")
    invite(boss, "cleo", "Read only")

    for page, role in ((developer, "Developer"), (reader, "Read only")):
        page.goto("/organizations")
        page.get_by_role("button", name="Accept the invitation of acme").click()
        expect(page.get_by_text(f"You are {role} in acme")).to_be_visible()
    assert {each.role.name for each in Membership.objects.select_related("role")} == {"Owner", "Developer", "Read only"}

    for page in (developer, reader):
        page.goto("/storage/datasets")
        expect(page.get_by_role("link", name="prices")).to_be_visible()
    reader.goto("/storage/datasets/new")
    expect(reader.get_by_role("heading", name="You are not allowed to do this")).to_be_visible()
    expect(reader.get_by_text("Your role 'Read only' in acme does not include WRITE on storages.")).to_be_visible()
    developer.goto("/storage/datasets/new")
    developer.get_by_label("Name").fill("costs")
    developer.get_by_role("button", name="Create").click()
    expect(developer.get_by_role("heading", name="costs")).to_be_visible()
    assert Dataset.objects.get(name="costs").owner == acme

    # The role of the reader grows by one box of the matrix, by the keyboard.
    boss.goto("/settings/organization/roles")
    box = boss.get_by_role("checkbox", name="Read only: Storages, Write and create")
    box.focus()
    boss.keyboard.press("Space")
    boss.get_by_role("button", name="Save all roles").focus()
    boss.keyboard.press("Enter")
    expect(boss.get_by_text("Saved: Read only.")).to_be_visible()
    reader.goto("/storage/datasets/new")
    expect(reader.get_by_role("button", name="Create")).to_be_visible()

    boss.goto("/settings/organization")
    boss.get_by_role("link", name="Remove… ben").click()
    boss.get_by_role("button", name="Remove", exact=True).click()
    expect(boss.get_by_text("ben is not a member any more.")).to_be_visible()
    developer.goto("/storage/datasets")
    expect(developer.get_by_role("button", name="ben, account menu")).to_be_visible()
    expect(developer.get_by_role("link", name="prices")).to_have_count(0)


def test_two_tabs_with_two_accounts(open_page, ada, make_resource):
    acme = make_organization(ada)
    first = open_page(ada, "/storage/datasets/new")
    second = first.context.new_page()
    second.goto("/")
    switch_to(second, "acme")
    first.get_by_label("Name").fill("mine")
    first.get_by_role("button", name="Create").click()
    expect(first.get_by_role("heading", name="Nothing was changed")).to_be_visible()
    assert not Dataset.objects.exists()
    first.get_by_role("button", name="Switch to ada").click()
    first.get_by_label("Name").fill("mine")
    first.get_by_role("button", name="Create").click()
    expect(first.get_by_role("heading", name="mine")).to_be_visible()
    assert Dataset.objects.get().owner == ada
    theirs = make_resource(Kind.DATASET, acme, name="theirs", general_access="RESTRICTED")
    second.goto(f"/storage/datasets/{theirs.pk}")
    second.get_by_role("button", name="Switch to acme").click()
    expect(second.get_by_role("heading", name="theirs")).to_be_visible()


@pytest.mark.parametrize("width", [1280, 360])
def test_the_pages_have_no_barrier_and_fit(open_page, ada, ben, cleo, violations, width):
    acme = make_organization(ada)
    join(acme, ben)
    page = open_page(ada, "/", viewport={"width": width, "height": 800}, reduced_motion="reduce")
    page.request.get("/")
    page.goto("/organizations")
    page.get_by_role("main").get_by_role("button", name="Switch to acme").click()
    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    problems = []
    for path in (
        "/organizations",
        "/organizations/new",
        "/settings/organization",
        "/settings/organization/roles",
        "/settings/organization/hand-over",
        "/settings/organization/delete",
        f"/settings/organization/members/{ben.pk}/remove",
        f"/storage/datasets?account={cleo.pk}",
        "/settings/email",
    ):
        page.goto(path)
        problems += [f"{path}: {each}" for each in violations(page)]
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"{path} is wider than {width} pixels")
    assert problems == []
