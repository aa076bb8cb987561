"""A real Chromium against a real server, driven the way that people do: by role and label."""

import os
import shutil
from collections.abc import Callable, Iterator
from importlib import resources

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from accounts.models import Account
from tests.support.browser import AXE_RULES, LONGEST_WAIT_MILLISECONDS, watch
from tests.support.machine import missing

# Playwright's synchronous interface runs an event loop in this thread, and Django, seeing one, refuses to use the
# database. Nothing here is asynchronous: the tests only ever call the database between two calls of Playwright.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

NAMES_OF_CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
]
expect.set_options(timeout=LONGEST_WAIT_MILLISECONDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this directory as driving a browser."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium; without one the test is skipped, or fails in CI."""
    executable = next(filter(None, map(shutil.which, NAMES_OF_CHROMIUM)), None)
    if executable is None:
        missing("There is no Chromium on this machine; install the package chromium to run the browser tests.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, live_server, settings, signed_in) -> Iterator[Callable[..., Page]]:
    """Open a page for an account, or anonymously: `open_page(ada, "/shared", color_scheme="dark")`.

    Options are those of a browser context. What the page logs as an error, a violated CSP too, fails the test.
    """
    settings.PUBLIC_URL = live_server.url
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_(account: Account | None, path: str, **options):
        context = browser.new_context(base_url=live_server.url, **options)
        contexts.append(context)
        context.set_default_timeout(LONGEST_WAIT_MILLISECONDS)
        if account is not None:
            session = signed_in(account).cookies["sessionid"].value
            context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        watch(page, problems)
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The accessibility checker's script, from the package that brings it."""
    return (resources.files("axe_playwright_python") / "axe.min.js").read_text()


@pytest.fixture
def violations(axe_source) -> Callable[..., list[str]]:
    """Let axe-core check a page as it stands, and return what it finds, in words: `violations(page)`."""

    def find(page: Page, rules: list[str] = AXE_RULES) -> list[str]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe_source)  # the CSP keeps script elements out, but not the browser's own evaluation
        result = page.evaluate("rules => axe.run(document, {runOnly: rules})", rules)
        return [
            f"{violation['id']}: {violation['help']}: {node['html']}: {node.get('failureSummary', '')}"
            for violation in result["violations"]
            for node in violation["nodes"]
        ]

    return find
