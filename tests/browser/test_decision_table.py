"""The rows of the decision table and of the table of refusals, looked at in a browser by everybody whom they are about.

The rows are those of `tests/support/decision_rows.py`, which `tests/access/test_decision_table.py` lives through over
HTTP.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from resources.datasets.writing import push
from resources.kinds import KINDS, Kind
from resources.models import GeneralAccess
from sharing.issues import issues
from sharing.models import Issue
from tests.support.browser import LONGEST_WAIT_MILLISECONDS, watch
from tests.support.decision_rows import ISSUE_TITLE, OUT, ROWS, Standing, World, refusals_of

MISSING = "0" * 17
# What the page says of each reason.
WHY = {
    "GRANT": "because it was shared with you",
    "ACTOR_GRANT": r"because the Actor [\w-]+ was shared with you",
    "PUBLIC_ACTOR": r"because the Actor( [\w-]+)? is public",
    "ISSUE": rf"because it is attached to the issue “{ISSUE_TITLE}” on your Actor [\w-]+",
    "OWNER_RUNS": r"because ada shared their runs of the (Actor|task) [\w-]+",
    "CREATOR_RUNS": r"as the creator of the Actor [\w-]+, because ada shares runs with developers",
    "RUN": r"via the run \w{17}, .+",
    "ANYONE_WITH_ID": "because anyone with its ID can read it",
    "ANYONE_WITH_NAME": "because anyone with its name can read it",
}
BY_LINK = " Keep the link: what is open by its link alone is not in your lists."
VERBS = {"WRITE": "write", "RUN": "run", "MANAGE_ACCESS_RIGHTS": "manage access"}


@pytest.fixture
def world(ada, ben, cleo, dan, make_resource, give) -> World:
    return World(ada, ben, cleo, dan, make_resource, give).begin()


@pytest.fixture(scope="module")
def problems() -> list[str]:
    return []


@pytest.fixture(scope="module")
def windows(browser, live_server, problems) -> Iterator[dict[str, Page]]:
    """A window for each of the people and one for nobody, which stay open from test to test: their caches are warm."""
    contexts = {who: browser.new_context(base_url=live_server.url) for who in ("ada", "ben", "cleo", "dan", "nobody")}
    pages = {who: context.new_page() for who, context in contexts.items()}
    for page in pages.values():
        page.set_default_timeout(LONGEST_WAIT_MILLISECONDS)
        watch(page, problems)
    yield pages
    for context in contexts.values():
        context.close()


@pytest.fixture
def page_of(windows, problems, world, live_server, settings, signed_in) -> Iterator[Callable[[str], Page]]:
    """Return the window of one of the people, who is signed in there, or of nobody."""
    settings.PUBLIC_URL = live_server.url
    used: dict[str, Page] = {}

    def page(who: str) -> Page:
        if who not in used:
            used[who] = windows[who]
            if who != "nobody":
                session = signed_in(getattr(world, who)).cookies["sessionid"].value
                used[who].context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        return used[who]

    yield page
    for each in used.values():
        each.goto("about:blank")  # what follows a run asks no more
        each.context.clear_cookies()
    assert problems == []


def look(page: Page, who: str, standing: Standing) -> None:
    """Open the page of a resource, and see what its standing with somebody promises."""
    page.goto(standing.page, wait_until="commit")
    reason = standing.why[who]
    if who == "nobody":  # led through sign-in, and back, whether it is there or not
        expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
        assert page.url.endswith(f"/sign-in?next={standing.page}")
    elif reason == OUT:
        expect_refused(page, who, standing.resource.info.noun)
    elif reason == "OWNER":
        page.wait_for_load_state("domcontentloaded")
        expect(page.get_by_role("navigation", name="Breadcrumbs")).to_contain_text(str(standing.resource))
        expect(page.get_by_text("Your access:")).to_have_count(0)
    else:
        expect_reason(page, who, standing)


def expect_reason(page: Page, who: str, standing: Standing) -> None:
    """See the sentence that says what one may do, and why."""
    reason = standing.why[who]
    link = BY_LINK if reason.startswith("ANYONE") else ""
    sentence = re.compile(rf"Your access: (read[\w', ]*), {WHY[reason]}\.{re.escape(link)}")
    notice = page.get_by_text("Your access:")
    expect(notice).to_have_text(re.compile(f"^{sentence.pattern}$"))
    said = sentence.fullmatch(notice.inner_text())
    assert said
    verbs = re.split(", | and ", said[1])
    may = {VERBS[permission]: by != OUT for (name, permission), by in standing.may.items() if name == who}
    assert {verb: verb in verbs for verb in may} == may


def expect_refused(page: Page, who: str, noun: str) -> None:
    heading = f"This {noun} does not exist or is not shared with you"
    expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text(f"You are signed in as {who} ({who}@example.com).")
    for name in ("Ask for access", "Sign in as another user"):
        expect(page.get_by_role("button", name=name)).to_be_visible()


@pytest.mark.parametrize("name", ROWS)
def test_a_row_of_the_table(page_of, world, name):
    seen: set[tuple[str, str]] = set()
    for row in ROWS[name]:
        for standing in row(world.begin()):
            for who, reason in standing.why.items():
                # Sign-in comes before anything is asked about a resource, so that once for each reason is enough.
                if who != "nobody" or (standing.page, reason) not in seen:
                    look(page_of(who), who, standing)
                seen.add((standing.page, reason))


def test_5_the_runs_owner_sees_in_the_share_dialog_which_issue_gives_access(page_of, world):
    actor = world.finder(public=True)
    run = world.make(Kind.RUN, world.ada, actor_id=actor.pk)
    issue = Issue.objects.create(actor=actor, author=world.ada, title=ISSUE_TITLE)
    issues.attach_run(issue, run, by=world.ada.principal)
    page = page_of("ada")
    page.goto(run.console_path)
    page.get_by_role("link", name="Share", exact=True).click()
    dialog = page.get_by_role("dialog", name=f"Share Actor run {run.pk}")
    expect(dialog.get_by_role("listitem").filter(has_text="dan")).to_contain_text(ISSUE_TITLE)


def test_11_a_signature_opens_its_content_and_nothing_else(page_of, world, api):
    dataset = world.make(Kind.DATASET, world.ada)
    push(dataset.pk, b'[{"price": 1}]')
    address = f"/v2/datasets/{dataset.pk}"
    query = api(world.ada).get(address).json()["data"]["itemsPublicUrl"].partition("?")[2]
    page = page_of("nobody")
    page.goto(f"{address}/items?{query}")
    expect(page.get_by_text('"price"')).to_be_visible()
    for refused in (f"{address}?{query}", f"{address}/items"):
        page.goto(refused)
        expect(page.get_by_text("insufficient-permissions")).to_be_visible()
    page.goto(f"{dataset.console_path}?{query}")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()


def test_listed_is_what_explicit_rules_give_and_never_what_a_link_opens(page_of, world):
    actor = world.finder(public=True)
    world.change(world.ada, share_runs_with_actor_creators=True)
    run = world.make(Kind.RUN, world.ada, actor_id=actor.pk)
    dataset = world.make(Kind.DATASET, world.ada, run=run)
    open_ = world.make(Kind.DATASET, world.ben, general_access=GeneralAccess.ANYONE_WITH_ID_CAN_READ)
    for path in ("/storage/datasets", "/shared"):
        there, empty = page_of("dan"), page_of("cleo")
        there.goto(path)
        expect(there.get_by_role("link", name=dataset.pk, exact=True)).to_be_visible()
        expect(there.get_by_role("link", name=open_.pk)).to_have_count(0)
        empty.goto(path)
        expect(empty.get_by_role("main").get_by_role("heading", name="yet")).to_be_visible()


# What a refusal looks like


def test_refusals_of_the_pages(page_of, world):
    for kind in Kind:
        resource = world.make(kind, world.ada)
        for id_ in (resource.pk, MISSING):
            path = f"/{resource.info.console_path}/{id_}"
            nobody, cleo = page_of("nobody"), page_of("cleo")
            nobody.goto(path, wait_until="commit")
            assert nobody.url.endswith(f"/sign-in?next={path}")
            answer = cleo.goto(path, wait_until="commit")
            assert answer is not None
            assert answer.status == 404
            expect_refused(cleo, "cleo", resource.info.noun)


def test_who_may_read_but_not_do_it_is_told_which_permission_is_missing(page_of, world):
    page = page_of("ben")
    for kind in Kind:
        resource = world.make(kind, world.ada)
        world.give(resource, world.ben)
        answer = page.goto(f"{resource.console_path}/delete", wait_until="commit")
        assert answer is not None
        assert answer.status == 403
        heading = f"You can open this {resource.info.noun}, but not do this with it"
        expect(page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text("the permission “Write”, which ben does not have")
        page.get_by_role("link", name=f"Open the {resource.info.noun}").click()
        expect(page.get_by_text("Your access: read, because it was shared with you.")).to_be_visible()


CALL = """async calls => Promise.all(calls.map(async ({method, path, token}) => {
    const answer = await fetch(path, {method, headers: token ? {Authorization: `Bearer ${token}`} : {}});
    return [answer.status, (await answer.json()).error.type];
}))"""


def test_refusals_of_the_api_which_reads_no_cookie(page_of, world, token_of):
    """They are called from a page on which their owner is signed in: without a token that owner is nobody."""
    tokens = {"nobody": "", "nonsense": "nonsense", "cleo": token_of(world.cleo), "ben": token_of(world.ben)}
    page = page_of("ada")
    page.goto("/settings")
    for kind in Kind:
        resource = world.make(kind, world.ada, name="prices")
        world.give(resource, world.ben)
        where = {"collection": KINDS[kind].api_path, "id": resource.pk, "missing": MISSING}
        refusals = refusals_of(kind)
        calls = [
            {"method": each.method, "path": each.path.format(**where), "token": tokens[each.who]} for each in refusals
        ]
        assert page.evaluate(CALL, calls) == [[each.status, each.type] for each in refusals]
        assert type(resource).objects.filter(pk=resource.pk).exists()


def test_a_token_opens_no_page(page_of, world, token_of):
    dataset = world.make(Kind.DATASET, world.ada)
    page = page_of("nobody")
    page.goto(f"{dataset.console_path}?token={token_of(world.ada)}")
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page.set_extra_http_headers({"Authorization": f"Bearer {token_of(world.ada)}"})
    page.goto(dataset.console_path)
    expect(page.get_by_role("heading", name="Sign in", exact=True)).to_be_visible()
    page.set_extra_http_headers({})
