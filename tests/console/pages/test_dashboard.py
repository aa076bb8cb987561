"""The dashboard: anonymous, of a new user, and of a user with data."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from resources.kinds import Kind
from tests.support.factories import give

pytestmark = pytest.mark.django_db


def test_nobody_is_sent_to_sign_in_and_back(client):
    response = client.get("/")

    assert response.status_code == 302
    assert response.url.endswith("?next=/")


def test_somebody_new_is_told_what_to_do_first(cleo, signed_in, settings):
    text = signed_in(cleo).get("/").content.decode()

    assert "Create an API token" in text
    assert f"api_url=&quot;{settings.PUBLIC_URL}&quot;" in text
    assert f"baseUrl: &quot;{settings.PUBLIC_URL}&quot;" in text
    assert "Nothing is shared with you yet" in text


def test_it_shows_what_is_mine_and_what_is_shared_and_nothing_else(ada, ben, cleo, signed_in, make_resource):
    make_resource(Kind.DATASET, ada, name="of-ada")
    give(make_resource(Kind.DATASET, ben, name="of-ben"), ada)
    make_resource(Kind.DATASET, cleo, name="of-cleo")

    text = signed_in(ada).get("/").content.decode()

    assert "of-ada" in text
    assert "of-ben" in text
    assert "of-cleo" not in text
    assert "Create an API token" not in text


def test_every_kind_that_is_shared_leads_to_its_page(ada, ben, signed_in, make_resource):
    browser = signed_in(ada)
    for kind in Kind:
        shared = make_resource(kind, ben)
        give(shared, ada)

        assert f'href="{shared.console_path}"' in browser.get("/").content.decode()
        assert browser.get(shared.console_path).status_code == 200


def test_the_number_of_queries_does_not_grow(ada, ben, signed_in, make_resource, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded
    for _ in range(2):
        for _ in range(4):
            make_resource(Kind.DATASET, ada)
            give(make_resource(Kind.DATASET, ben), ada)
        with django_assert_num_queries(10):  # one of them for what an upgrade changed
            assert len(browser.get("/").context["recent"]) >= 4


def test_recent_runs_are_mine_and_cost_the_same_for_many(ada, ben, signed_in, make_resource, django_assert_num_queries):
    browser = signed_in(ada)
    browser.get("/")  # the first request of a session is recorded
    give(make_resource(Kind.RUN, ben), ada)
    mine = make_resource(Kind.RUN, ada)

    response = browser.get("/")
    assert [row.run.pk for row in response.context["runs"]] == [mine.pk]
    assert "Create an API token" not in response.content.decode()
    with CaptureQueriesContext(connection) as few:
        browser.get("/")
    for _ in range(6):
        make_resource(Kind.RUN, ada)
    with django_assert_num_queries(len(few)):
        assert len(browser.get("/").context["runs"]) == 7
