"""Sessions: seen, listed and ended."""

from datetime import timedelta
from http import HTTPStatus

import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.test import Client
from django.utils import timezone

from accounts.sign_in.session_store import stored_key
from tests.support.sign_in import actions_of, sign_in, verify

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("commits")]
PAGE = "/settings/security"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


@pytest.fixture
def here(ada) -> Client:
    return sign_in(verify(ada))[0]


@pytest.fixture
def elsewhere(ada, here) -> Client:
    return sign_in(ada, client=Client(headers={"User-Agent": FIREFOX}))[0]


def test_nobody_ends_the_session_of_somebody_else(ada, ben, here):
    bens, _ = sign_in(verify(ben))
    bens.post(f"/settings/security/sessions/{UserSession.objects.get(user=ada).pk}/end")
    bens.post("/settings/security/sessions/end-others")
    assert here.get("/settings").status_code == HTTPStatus.OK


@pytest.mark.parametrize("number", ["0", "999999999999999999999999999"])
def test_ending_what_is_not_there_changes_nothing(here, number):
    assert here.post(f"/settings/security/sessions/{number}/end").status_code == HTTPStatus.FOUND
    assert here.get("/settings").status_code == HTTPStatus.OK


def test_ending_is_not_for_links(here):
    assert here.get("/settings/security/sessions/1/end").status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_the_list_has_the_living_sessions_and_names_the_current_one(ada, here, elsewhere):
    gone, _ = sign_in(ada)
    gone.session.flush()
    sessions = here.get("/settings/security").context["sessions"]
    assert [(session.browser, session.is_current) for session in sessions] == [
        ("Unknown browser", True),
        ("Firefox on Linux", False),
    ]


def test_end_one(ada, here, elsewhere):
    session = UserSession.objects.get(session_key=elsewhere.session.session_key)
    here.post(f"/settings/security/sessions/{session.pk}/end")
    assert elsewhere.get("/settings").status_code == HTTPStatus.FOUND
    assert here.get("/settings").status_code == HTTPStatus.OK
    assert actions_of(ada)[-1] == "session.ended"


def test_end_all_others(ada, here, elsewhere):
    third, _ = sign_in(ada)
    page = here.post("/settings/security/sessions/end-others", follow=True)
    assert "2 other sessions ended" in page.content.decode()
    assert elsewhere.get("/settings").status_code == third.get("/settings").status_code == HTTPStatus.FOUND
    assert here.get("/settings").status_code == HTTPStatus.OK


def test_listing_costs_the_same_for_many_sessions(ada, here, django_assert_num_queries):
    def cost():
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(
            connection,
        ) as queries:
            here.get("/settings/security")
        return len(queries)

    here.get("/settings/security")
    few = cost()
    for _ in range(5):
        sign_in(ada)
    assert cost() == few


def test_last_seen_is_written_at_most_once_a_minute(here, django_assert_num_queries):
    long_ago = timezone.now() - timedelta(days=1)
    UserSession.objects.update(last_seen_at=long_ago)
    caches["process"].clear()
    here.get("/settings")
    seen = UserSession.objects.get().last_seen_at
    assert seen > long_ago
    here.get("/settings")
    assert UserSession.objects.get().last_seen_at == seen


def test_a_session_that_was_not_noted_is(ada, signed_in):
    client = signed_in(ada)
    client.get("/settings")
    assert UserSession.objects.get().session_key == stored_key(client.session.session_key)


@pytest.fixture
def turned(ada, settings) -> tuple[Client, Client]:
    """Two browsers that Ada signed in with, before the server's secret was turned."""
    browsers = sign_in(verify(ada))[0], sign_in(ada)[0]
    for browser in browsers:
        browser.get(PAGE)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another secret " * 4, [settings.SECRET_KEY]
    return browsers


def test_after_the_secret_was_turned_all_sessions_are_listed_and_keep_their_rows(turned):
    before = set(UserSession.objects.values_list("pk", "created_at"))
    for browser in turned:
        page = browser.get(PAGE)
        assert [each.is_current for each in page.context["sessions"]] == [True, False]
        assert set(UserSession.objects.values_list("pk", "created_at")) == before
    assert Session.objects.count() == 2


def test_after_the_secret_was_turned_a_sign_in_ends_no_other_session(ada, turned):
    browser, _ = sign_in(ada)
    assert len(browser.get(PAGE).context["sessions"]) == 3
    assert [each.get(PAGE).status_code for each in turned] == [HTTPStatus.OK] * 2


def test_after_the_secret_was_turned_a_session_that_is_ended_leaves_a_line(ada, turned):
    first, second = turned
    (other,) = [each for each in first.get(PAGE).context["sessions"] if not each.is_current]
    first.post(f"{PAGE}/sessions/{other.id}/end")
    assert second.get(PAGE).status_code == HTTPStatus.FOUND
    assert actions_of(ada)[-1] == "session.ended"
