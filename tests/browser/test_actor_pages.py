"""The pages of Actors, builds and the Store in a browser: the ways through them, and axe on every page and dialog."""

import json
import re

import pytest
from playwright.sync_api import Page, expect

from resources.actors import editing, environment, versions
from resources.actors.fields import ActorChange
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.builds import ending, starting
from resources.jobs.status import JobStatus
from resources.logs.writing import append
from resources.models import Actor, Build, Run

MAIN = "import os\n\n\ndef main() -> None:\n    print('Hello')\n\n\nmain()\n"
SCHEMA = {
    "required": ["category"],
    "properties": {
        "category": {"title": "Category", "type": "string", "prefill": "Sc", "description": "Two letters."},
        "maxItems": {"title": "At most", "type": "integer", "prefill": 50},
    },
}


@pytest.fixture
def actor(dan) -> Actor:
    by = dan.principal
    description = "Finds the characters of a general category of Unicode, and pushes one item for each."
    actor = editing.create(
        dan.pk, "character-finder", ActorChange(title="Character finder", description=description), by=by
    )
    source = [
        SourceFile("main.py", content=MAIN),
        SourceFile("README.md", content="# Character finder\n"),
        SourceFile(".actor/actor.json", content="{}\n"),
    ]
    version = versions.add(actor, "0.1", VersionChange(source_files=source, build_tag="latest"), by=by)
    versions.add(actor, "0.2", VersionChange(source_files=source, build_tag="beta"), by=by)
    environment.set_variable(version, "PLACE", "Vienna", by=by)
    environment.set_variable(version, "PASSWORD", "hunter2", by=by, is_secret=True)
    return actor


@pytest.fixture
def build(actor, dan) -> Build:
    build = starting.start(actor, "0.1", by=dan.principal)
    build.content.input_schema = json.dumps(SCHEMA)
    build.content.readme = "# Character finder\n\nFinds characters.\n"
    build.content.save()
    append(build.pk, b"".join(b"2026-11-25T22:00:00.000Z Installing package %d\n" % number for number in range(60)))
    ending.finish(build.pk, JobStatus.SUCCEEDED)
    return build


PAGES = ("", "/source?version=0.1&file=main.py", "/builds", "/runs", "/issues", "/settings")
DIALOGS = (
    "/start",
    "/build",
    "/publish",
    "/delete",
    "/versions/new",
    "/versions/0.1",
    "/versions/0.1/delete",
    "/versions/0.1/file/new",
    "/versions/0.1/file/rename?file=main.py",
    "/versions/0.1/file/delete?file=main.py",
    "/versions/0.1/new-variable",
    "/versions/0.1/variables/PASSWORD",
    "/versions/0.1/variables/PLACE/delete",
    "/share",
)


def narrow(page: Page) -> bool:
    """Tell whether nothing of a page reaches beyond 360 pixels."""
    page.set_viewport_size({"width": 360, "height": 800})
    return page.evaluate("document.documentElement.scrollWidth") <= 360


# Accessible and narrow


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible_and_narrow(open_page, dan, ben, actor, build, violations, scheme):
    editing.update(actor, ActorChange(is_public=True), by=dan.principal)
    base = actor.console_path
    here = open_page(dan, "/actors", color_scheme=scheme)
    of_build = [f"{base}/builds/{build.pk}", f"{build.console_path}/source", f"{build.console_path}/abort"]
    for path in ("/actors", "/actors/new", "/store", "/store?q=x", *(f"{base}{end}" for end in PAGES), *of_build):
        here.set_viewport_size({"width": 1280, "height": 800})
        here.goto(path)
        assert violations(here) == [], path
        assert narrow(here), path
    there = open_page(ben, "/actors", color_scheme=scheme)
    for path in ("/actors", *(f"{base}{end}" for end in PAGES[:-1])):
        there.goto(path)
        assert violations(there) == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_dialog_is_accessible_and_narrow(open_page, dan, actor, build, violations, scheme):
    page = open_page(dan, actor.console_path, color_scheme=scheme)
    for path in DIALOGS:
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(f"{actor.console_path}{path}")
        assert violations(page) == [], path
        assert narrow(page), path
    page.set_viewport_size({"width": 1280, "height": 800})
    page.goto(actor.console_path)
    for name in ("Start", "Build", "Share"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert violations(page) == [], name
        page.keyboard.press("Escape")


# The ways through


def test_from_a_new_actor_to_its_first_build(open_page, ben):
    page = open_page(ben, "/actors")
    page.get_by_role("link", name="New Actor").first.click()
    dialog = page.get_by_role("dialog", name="New Actor")
    dialog.get_by_label("Name").fill("my-first")
    dialog.get_by_label("Python, nothing else").check()
    dialog.get_by_role("button", name="Create").click()
    expect(page).to_have_url(re.compile("/actors/[0-9a-zA-Z]{17}/source$"))
    editor = page.get_by_label("Content of main.py")
    editor.fill("print('mine')\n")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("main.py was saved.")).to_be_visible()
    expect(page.get_by_label("Content of main.py")).to_have_value("print('mine')\n")
    page.get_by_role("link", name="Build 0.1").click()
    page.get_by_role("dialog", name="Build Actor").get_by_role("button", name="Build").click()
    expect(page.get_by_role("heading", name="Build 0.1.1")).to_be_visible()
    assert versions.get_source_files(Actor.objects.get().versions.get())[0].content == "print('mine')\n"


def test_a_mistake_in_a_dialog_is_said_beside_the_field(open_page, dan, actor):
    page = open_page(dan, f"{actor.console_path}/source?version=0.1")
    page.get_by_role("link", name="Add file").click()
    dialog = page.get_by_role("dialog", name="Add file")
    dialog.get_by_label("Path").fill("../secrets")
    dialog.get_by_role("button", name="Add file").click()
    expect(dialog.get_by_label("Path")).to_be_focused()
    expect(dialog.get_by_text("without .. in it")).to_be_visible()
    dialog.get_by_label("Path").fill("src/new.py")
    dialog.get_by_role("button", name="Add file").click()
    expect(page.get_by_role("heading", name="src/new.py")).to_be_visible()


def test_starting_an_actor_of_somebody_else(open_page, dan, ben, actor, build):
    editing.update(actor, ActorChange(is_public=True), by=dan.principal)
    page = open_page(ben, "/store")
    page.get_by_role("link", name="Character finder").click()
    page.get_by_role("link", name="Start", exact=True).click()
    dialog = page.get_by_role("dialog", name="Start Character finder")
    field = dialog.get_by_label("Input")
    expect(field).to_be_focused()
    assert json.loads(field.input_value()) == {"category": "Sc", "maxItems": 50}
    field.fill("{")
    dialog.get_by_role("button", name="Start").click()
    expect(dialog.get_by_text("This is not JSON.")).to_be_visible()
    field = dialog.get_by_label("Input")
    field.fill('{"category": "Nd"}')
    dialog.get_by_role("button", name="Start").click()
    page.wait_for_url("**/actors/runs/*")
    assert Run.objects.get().owner == ben


def test_a_log_grows_by_itself_keeps_its_end_in_view_and_leaves_the_focus_alone(open_page, dan, actor):
    build = starting.start(actor, "0.1", by=dan.principal)
    append(build.pk, b"".join(b"line %d\n" % number for number in range(200)))
    page = open_page(dan, build.console_path)
    log = page.get_by_role("log", name="Log")
    at_end = "log => log.scrollHeight - log.scrollTop - log.clientHeight < 24"
    assert log.evaluate(at_end)
    page.get_by_role("link", name="Whole log").focus()
    append(build.pk, b"".join(b"more %d\n" % number for number in range(50)))
    expect(log).to_contain_text("more 49")
    assert log.evaluate(at_end)
    expect(page.get_by_role("link", name="Whole log")).to_be_focused()
    log.evaluate("log => { log.scrollTop = 0; }")
    append(build.pk, b"the end\n")
    ending.finish(build.pk, JobStatus.SUCCEEDED)
    expect(log).to_contain_text("the end")
    assert log.evaluate("log => log.scrollTop") == 0
    expect(page.locator("#job-now")).to_contain_text("Succeeded")
    expect(page.get_by_role("link", name="Abort")).to_have_count(0)
    expect(page.get_by_text("The log goes on here by itself.")).to_have_count(0)
    lines = [*(f"line {n}" for n in range(200)), *(f"more {n}" for n in range(50)), "the end"]
    assert log.inner_text().split("\n")[:-1] == lines


def test_a_log_that_one_may_not_read_any_more_says_so_once(open_page, dan, ben, actor, give):
    dan.general_access = "RESTRICTED"
    dan.save()
    grant = give(actor, ben)
    build = starting.start(actor, "0.1", by=dan.principal)
    page = open_page(ben, build.console_path)
    grant.delete()
    expect(page.locator(".toast-bad")).to_contain_text("does not exist or is not shared with you")
    expect(page.locator("#log-next")).to_have_count(0)


def test_publishing_from_the_settings(open_page, dan, actor):
    page = open_page(dan, f"{actor.console_path}/settings")
    page.get_by_role("link", name="Publish").click()
    dialog = page.get_by_role("dialog", name="Publish Actor?")
    expect(dialog.get_by_role("link", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Character finder is public now")).to_be_visible()
    actor.refresh_from_db()
    assert actor.is_public
