"""What the console says about who can read, in a browser; and the form of an issue while the user types."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from resources.kinds import Kind
from sharing.issues import issues
from sharing.links import links
from sharing.signatures import SignedContent

SMALL = {"width": 360, "height": 740}


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="shop", is_public=True)


@pytest.fixture
def run(ada, ben, actor, make_resource, give):
    """A Restricted run with a grant, an issue, developer access, a link and a default storage that is open."""
    ada.general_access, ada.share_runs_with_actor_creators = "RESTRICTED", True
    ada.save()
    task = make_resource(Kind.TASK, ada, name="every-night", actor=actor)
    run = make_resource(Kind.RUN, ada, actor=actor, task=task)
    dataset = make_resource(Kind.DATASET, ada, run=run, created_at=run.created_at)
    make_resource(
        Kind.KEY_VALUE_STORE, ada, run=run, created_at=run.created_at, general_access="ANYONE_WITH_ID_CAN_READ"
    )
    give(run, ben, "WRITE")
    give(task, ben, "VIEW_OWNER_RUNS")
    issues.attach_run(issues.report(actor, "Prices missing", by=ada.principal), run, by=ada.principal)
    links.create(dataset, SignedContent.CONTENT, timedelta(days=3), by=ada.principal)
    return run


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_what_says_who_can_read(open_page, ada, run, actor, violations, scheme):
    for path in (
        f"{run.console_path}/share",
        f"{actor.console_path}/start",
        "/settings/security",
        f"{actor.console_path}/issues/new",
        issues.Issue.objects.get().console_path,
    ):
        page = open_page(ada, path, color_scheme=scheme, viewport=SMALL)
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_the_form_shows_while_the_user_types_what_it_shares(open_page, ada, dan, actor, make_resource, violations):
    run = make_resource(Kind.RUN, ada, actor=actor)
    page = open_page(ada, f"{actor.console_path}/issues/new")
    page.get_by_label("Title").fill("Prices missing")
    page.get_by_label("Description").press_sequentially(f"See {run.console_url} ")
    notice = page.locator("#issue-shares")
    expect(notice).to_contain_text("shares 1 run with dan")
    expect(notice.get_by_role("link", name=run.pk)).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Open issue").click()
    expect(page.get_by_text("dan can read it")).to_be_visible()
