"""The Store: who is let in, what is never in it, then finding something."""

import pytest

from resources.kinds import Kind
from resources.models import Actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def publish(dan, make_resource):
    def make(name: str, owner=dan, **fields) -> Actor:
        return make_resource(Kind.ACTOR, owner, name=name, is_public=True, **fields)

    return make


def found(response) -> list[str]:
    return [actor.name for actor in response.context["actors"]]


# Refusals


def test_nobody_is_led_through_sign_in(publish, client):
    publish("finder")
    response = client.get("/store?q=finder")
    assert response.status_code == 302
    assert response["Location"] == "/sign-in?next=/store%3Fq%3Dfinder"


def test_what_is_private_is_in_it_for_nobody(dan, ben, make_resource, give, signed_in):
    private = make_resource(Kind.ACTOR, dan, name="private")
    give(private, ben)
    make_resource(Kind.TASK, dan, name="task", is_public=True)
    for account in (dan, ben):
        page = signed_in(account).get("/store")
        assert found(page) == []
        assert "No public Actors yet" in page.content.decode()


def test_an_actor_that_is_taken_back_is_gone_at_the_next_request(publish, signed_in, cleo):
    actor, here = publish("finder"), signed_in(cleo)
    assert found(here.get("/store")) == ["finder"]
    actor.is_public = False
    actor.save()
    assert found(here.get("/store")) == []


@pytest.mark.parametrize("query", ["q=%00", "q=" + "x" * 5000, "page=0", "page=x", "page=999", "sort=gone", "q=%25_!"])
def test_strange_queries(publish, signed_in, cleo, query):
    publish("finder")
    assert signed_in(cleo).get(f"/store?{query}").status_code == 200


def test_what_somebody_wrote_is_text(publish, signed_in, cleo):
    publish("finder", title="<b>Bold</b>", description="<script>alert(1)</script>")
    page = signed_in(cleo).get("/store").content.decode()
    assert "<b>Bold" not in page
    assert "<script>alert" not in page


# Finding


@pytest.mark.parametrize("text", ["FIND", "unicode", "characters", "dan", "nico"])
def test_it_is_looked_for_everywhere(publish, signed_in, cleo, text):
    publish("finder", title="Unicode", description="Lists characters.")
    publish("other", cleo)
    assert found(signed_in(cleo).get("/store", {"q": text})) == ["finder"]


def test_a_search_without_result_says_so(publish, signed_in, cleo):
    publish("finder")
    assert "No public Actor matches" in signed_in(cleo).get("/store?q=finder+nothing").content.decode()


def test_the_most_run_come_first_or_the_newest(publish, signed_in, cleo):
    for name, runs in (("first", 5), ("second", 9), ("third", 1)):
        publish(name, run_count=runs)
    here = signed_in(cleo)
    assert found(here.get("/store")) == ["second", "first", "third"]
    assert found(here.get("/store?sort=newest")) == ["third", "second", "first"]


def test_htmx_is_given_the_tiles_alone(publish, signed_in, cleo):
    publish("finder")
    part = signed_in(cleo).get("/store?q=finder", headers={"HX-Request": "true"})
    assert "<html" not in part.content.decode()
    assert "1 Actor found" in part.content.decode()
    assert "HX-Request" in part["Vary"]


def test_it_costs_the_same_however_much_there_is(publish, signed_in, cleo, django_assert_num_queries):
    here = signed_in(cleo)
    here.get("/store")
    for count in (1, 30):
        for number in range(count):
            publish(f"a{count}-{number}", description="x")
        with django_assert_num_queries(5):
            assert here.get("/store").status_code == 200
    assert "Page 1 of 2" in here.get("/store").content.decode()
