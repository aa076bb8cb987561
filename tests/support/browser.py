"""What the tests in a browser hold pages to."""

from playwright.sync_api import Page

LONGEST_WAIT_MILLISECONDS = 30_000  # on a busy machine; what goes well waits for nothing
# What WCAG 2.2 AA asks for, and what is held to be good practice besides.
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# The rules that the colour scheme has a say in: for a page that has been held to all of them in the other one.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]


def watch(page: Page, problems: list[str]) -> None:
    """Add to `problems` what the page logs as an error from now on."""
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if _is_problem(message) else None)


def _is_problem(message) -> bool:
    # The browser and htmx log every 4xx as an error, and those are answers that tests ask for.
    is_refusal = message.text.startswith(("Failed to load resource", "Response Status Error Code 4"))
    return message.type == "error" and not is_refusal


def has_room(page: Page) -> bool:
    """Tell whether a page is no wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
