"""The token that protects forms (CSRF) is sent by POST alone: an address stays in logs and in the browser's history."""

from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings

TOKEN = "csrfmiddlewaretoken"
VOID = {"input", "br", "hr", "img", "meta", "link", "source", "path", "use", "circle", "rect", "wbr", "col", "track"}
TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))


class Gets(HTMLParser):
    """Finds in a template what would send the token of a form in an address."""

    def __init__(self) -> None:
        super().__init__()
        self.wrong: list[str] = []
        self._open: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs) -> None:
        """Look at an element, with those that it is in, of which htmx takes what to send over."""
        attributes = dict(attrs)
        within = [*self._open, (tag, attributes)]
        if "hx-get" in attributes and self._sends_a_form(within) and not self._without_token(within):
            self.wrong.append(self.get_starttag_text() or "")
        if tag not in VOID:
            self._open.append((tag, attributes))

    def handle_endtag(self, tag) -> None:
        """Leave an element, and those in it that templates close elsewhere."""
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at][0] == tag:
                del self._open[at:]
                return

    def handle_data(self, data) -> None:
        """Look whether a form that is sent by GET has the token in it."""
        forms = [attributes for tag, attributes in self._open if tag == "form"]
        if "csrf_token" in data and forms and (forms[-1].get("method") or "get").lower() != "post":
            self.wrong.append(f"{{% csrf_token %}} in {forms[-1]}")

    @staticmethod
    def _sends_a_form(within) -> bool:
        """Tell whether an element that gets sends a whole form that is not itself sent by GET."""
        included = next((each.get("hx-include") or "" for _, each in reversed(within) if "hx-include" in each), "")
        form: dict[str, str] = next((each for tag, each in reversed(within) if tag == "form"), {})
        by_get = form.get("method", "").lower() == "get"
        is_form = within[-1][0] == "form"
        return (is_form or "form" in included or "*" in included or "[name" in included) and not by_get

    @staticmethod
    def _without_token(within) -> bool:
        said = next((each["hx-params"] or "" for _, each in reversed(within) if "hx-params" in each), "*")
        return said == "none" or (said.startswith("not ") and TOKEN in said) or (said != "*" and TOKEN not in said)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_element_sends_the_token_in_an_address(template: Path):
    found = Gets()
    found.feed(template.read_text())
    assert found.wrong == []


@pytest.mark.parametrize(
    "html",
    [
        '<form method="post"><div hx-get="/x" hx-include="closest form"></div></form>',
        '<form method="post" hx-get="/x"></form>',
        '<form method="post"><p hx-include="closest form"><b hx-get="/x"></b></p></form>',
        '<div hx-get="/x" hx-include="#the-form"></div>',
        '<form method="get">{% csrf_token %}</form>',
        "<form>{% csrf_token %}</form>",
    ],
)
def test_what_is_looked_for_is_found(html):
    found = Gets()
    found.feed(html)
    assert len(found.wrong) == 1
