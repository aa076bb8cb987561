"""What every page has in common: the navigation, the last answers, times and numbers, and no code in the markup."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.template import Context, Template
from django.test import Client
from django.utils import timezone

TEMPLATES = sorted(
    path for path in Path(settings.BASE_DIR, "templates").rglob("*.html") if path.parent.name != "emails"
)
# A script element is let be where it loads a file, or is a block of data, which no browser runs.
CODE_IN_MARKUP = re.compile(
    r"\sstyle=|\son[a-z]+=|\shx-on|=.js:|javascript:|<style|<script(?![^>]*\s(?:src=|type=.application/json))", re.I
)


def rendered(source: str, **context) -> str:
    return Template(source).render(Context(context))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_no_template_has_what_the_content_security_policy_forbids(path):
    assert not CODE_IN_MARKUP.search(path.read_text())


@pytest.mark.django_db
def test_every_page_comes_with_the_policy_that_forbids_it(ada, signed_in):
    policy = signed_in(ada).get("/").headers["Content-Security-Policy"]

    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/storage/datasets", "/settings", "/storage/datasets/nothing", "/nothing"])
def test_nobody_in_between_and_no_browser_keeps_a_page(ada, signed_in, path):
    for client in (signed_in(ada), Client()):
        assert client.get(path).headers["Cache-Control"] == "private, no-store"


def test_a_static_file_is_kept(client, tmp_path, settings):
    (tmp_path / "console.css").write_text("p {}")
    settings.STATIC_ROOT = tmp_path
    fresh = type(client)()
    fresh.handler.load_middleware()
    response = fresh.get("/static/console.css")
    assert response.status_code == 200
    assert "max-age" in response.headers["Cache-Control"]
    assert "no-store" not in response.headers["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "label", "current"),
    [
        ("/", "Dashboard", "page"),
        ("/storage/datasets", "Datasets", "page"),
        ("/storage/datasets/new", "Datasets", "true"),
    ],
)
def test_the_navigation_says_where_one_is(ada, signed_in, path, label, current):
    text = signed_in(ada).get(path).content.decode()

    marked = re.findall(r'aria-current="(\w+)">.*?</svg> (\w[\w ]*)</a>', text, re.DOTALL)
    assert marked[0] == (current, label)


@pytest.mark.django_db
def test_the_frame_offers_a_way_past_the_navigation_and_a_way_out(ada, signed_in):
    text = signed_in(ada).get("/").content.decode()

    assert 'href="#main"' in text
    assert 'method="post" action="/sign-out"' in text


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/nope", "/storage/datasets/x/y/z", "/%00", "/" + "x" * 3000])
def test_what_is_not_there_is_a_friendly_page(client, path):
    response = client.get(path)

    assert response.status_code == 404
    assert "There is nothing at this address" in response.content.decode()
    assert "Go to the dashboard" in response.content.decode()


@pytest.mark.django_db
def test_a_form_from_elsewhere_gets_the_same_kind_of_page(ada):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ada, backend="allauth.account.auth_backends.AuthenticationBackend")

    response = browser.post("/storage/datasets/new", {"name": "x"})

    assert response.status_code == 403
    assert "console.css" in response.content.decode()


@pytest.mark.django_db
def test_an_error_of_ours_is_a_page_that_asks_the_database_for_nothing(client, monkeypatch, django_assert_num_queries):
    def fail(*args, **kwargs):
        raise RuntimeError("the database is gone")

    client.raise_request_exception = False
    monkeypatch.setattr("console.health.connection.cursor", fail, raising=False)
    monkeypatch.setattr("accounts.middleware.principal_from_session", fail)
    with django_assert_num_queries(0):
        response = client.get("/storage/datasets")

    assert response.status_code == 500
    assert "Something went wrong on our side" in response.content.decode()
    assert "the database is gone" not in response.content.decode()


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=5, seconds=1), "5 minutes ago"),
        (timedelta(hours=3, minutes=10), "3 hours ago"),
        (timedelta(days=2, hours=3), "2 days ago"),
        (timedelta(days=15), "2 weeks ago"),
    ],
)
def test_a_time_is_relative_with_the_exact_time_on_hover(age, words):
    moment = timezone.now() - age

    text = rendered("{% when moment %}", moment=moment)

    assert f">{words}</time>" in text
    assert f'title="{moment:%Y-%m-%d %H:%M:%S} UTC"' in text


def test_a_time_long_ago_is_a_date_and_none_is_said_in_words():
    assert ">5 Mar 2020</time>" in rendered("{% when moment %}", moment=datetime(2020, 3, 5, tzinfo=UTC))
    assert rendered('{% when moment otherwise="not yet" %}', moment=None) == "not yet"


def test_thousands_stand_apart():
    assert rendered("{{ value|number }}", value=1234567) == "1,234,567"


def test_the_heading_of_an_error_is_no_sentence(client):
    assert "<h1 data-problem>There is nothing at this address</h1>" in client.get("/nowhere").content.decode()
