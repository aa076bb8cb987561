"""Actors by their names, in whatever case they are written, wherever an address of the API has one."""

import pytest

from resources.kinds import Kind
from tests.support.api import data_of, error_of, message_of, send
from tests.support.factories import built_actor

ACTORS = "/v2/actors"


@pytest.mark.parametrize("name", ["My-Scraper", "ABC", "0aZ", "a" * 63])
def test_a_name_has_letters_digits_and_dashes(api, ada, name):
    made = data_of(send(api(ada), "post", ACTORS, {"name": name}))
    assert made["name"] == name
    assert data_of(api(ada).get(f"{ACTORS}/~{name.swapcase()}"))["id"] == made["id"]


@pytest.mark.parametrize("name", ["ab", "-abc", "abc-", "a_b", "ä-b", "a" * 64, "a.b"])
def test_a_name_that_is_none_is_refused(api, ada, name):
    refused = send(api(ada), "post", ACTORS, {"name": name})
    assert error_of(refused) == (400, "invalid-value")
    assert '"name"' in message_of(refused)


def test_another_case_is_the_same_name(api, ada):
    data_of(send(api(ada), "post", ACTORS, {"name": "My-Scraper"}))
    assert error_of(send(api(ada), "post", ACTORS, {"name": "my-scraper"})) == (400, "actor-name-not-unique")


def test_every_address_by_name_ignores_case(api, ada, make_resource):
    actor = built_actor(ada, name="My-Scraper")
    run = data_of(api(ada).post(f"{ACTORS}/ADA~MY-SCRAPER/runs"))
    for address in ("my-scraper", "MY-scraper", "My-Scraper"):
        for prefix in ("~", "ada~", "Ada~"):
            one = f"/v2/acts/{prefix}{address}"
            assert data_of(api(ada).get(one))["id"] == actor.pk
            assert data_of(api(ada).get(f"{one}/runs"))["total"] == 1
            assert data_of(api(ada).get(f"{one}/runs/last"))["id"] == run["id"]
            assert data_of(api(ada).get(f"{one}/runs/{run['id']}"))["id"] == run["id"]
            assert data_of(api(ada).get(f"{one}/builds"))["total"] == 1
            assert data_of(api(ada).get(f"{one}/builds/{run['buildId']}"))["id"] == run["buildId"]
    make_resource(Kind.TASK, ada, name="Daily", actor_id=actor.pk)
    assert error_of(api(ada).get("/v2/actor-tasks/~daily")) == (404, "record-not-found")  # of Actors alone
