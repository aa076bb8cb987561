"""Going through a list of names of resources is stopped, on both surfaces, without an effect on others."""

import pytest

from accounts import enumeration
from accounts.models import CacheEntry
from console import settings as configured
from resources.kinds import KINDS, Kind
from tests.support.api import error_of

FEW = 3
GUESSES = [f"ada~guess{number}" for number in range(FEW)]
NOT_FOUND, TOO_MANY = (404, "record-not-found"), (429, "rate-limit-exceeded")


@pytest.fixture(autouse=True)
def few(settings):
    settings.LOOKUP_MISSES = FEW


@pytest.fixture
def prices(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")


def get(client, address, rest=""):
    return client.get(f"/v2/datasets/{address}{rest}")


def stop(client):
    """Use up all the misses that there are."""
    assert [error_of(get(client, guess)) for guess in GUESSES] == [NOT_FOUND] * FEW


# Refusals


def test_it_is_a_hundred_names_in_ten_minutes():
    assert (configured.LOOKUP_MISSES, enumeration.PER_SECONDS) == (100, 600)


def test_whoever_guesses_names_is_stopped(api, ada, ben):
    for client in (api(), api(ben)):
        stop(client)
        assert error_of(get(client, "ada~one-more")) == TOO_MANY
        assert error_of(get(client, "nobody-here~prices")) == TOO_MANY
    assert error_of(api(ben).post("/v2/datasets/ada~x/items", "[]", "application/json")) == TOO_MANY
    assert error_of(api().post("/v2/datasets/ada~x/items", "[]", "application/json")) == (401, "token-not-provided")


@pytest.mark.parametrize("kind", list(Kind))
def test_names_of_every_kind_count(api, ben, kind):
    client = api(ben)
    answers = [
        error_of(client.get(f"/v2/{KINDS[kind].api_path}/{address}/access")) for address in (*GUESSES, "ada~one-more")
    ]
    assert answers == [NOT_FOUND] * FEW + [TOO_MANY]


def test_what_may_not_be_read_counts_like_what_is_not_there(api, ben, prices):
    client = api(ben)
    assert [error_of(get(client, "ada~prices")) for _ in range(FEW + 1)] == [NOT_FOUND] * FEW + [TOO_MANY]
    assert error_of(get(client, "ada~one-more")) == TOO_MANY


def test_a_second_token_does_not_help_nor_does_no_scope(api, ben):
    stop(api(ben))
    assert error_of(get(api(ben), "ada~one-more")) == TOO_MANY
    scoped = api(ben, scope=[{"kind": "dataset", "permissions": ["READ"]}])
    assert error_of(get(scoped, "ada~one-more")) == TOO_MANY


def test_nobody_is_told_apart_by_the_address_that_a_trusted_proxy_adds(api, settings):
    def ask(address):
        return error_of(api().get("/v2/datasets/ada~x", headers={"X-Forwarded-For": f"10.0.0.1, {address}"}))

    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    assert [ask("203.0.113.7") for _ in range(FEW + 1)] == [NOT_FOUND] * FEW + [TOO_MANY]
    assert ask("203.0.113.8") == NOT_FOUND
    network = [ask(f"2001:db8::{number}") for number in range(1, FEW + 2)]
    assert network == [NOT_FOUND] * FEW + [TOO_MANY]


def test_a_forged_address_does_not_help(api):
    forged = [
        error_of(api().get("/v2/datasets/ada~x", headers={"X-Forwarded-For": f"203.0.113.{number}"}))
        for number in range(FEW + 1)
    ]
    assert forged[-1] == TOO_MANY


def test_pages_are_counted_together_with_the_api(signed_in, api, ben):
    stop(api(ben))
    response = signed_in(ben).get("/storage/datasets/ada~one-more")
    assert response.status_code == 429
    text = response.content.decode()
    assert "Too many names were not found." in text
    assert "Wait ten minutes" in text
    assert "Go to the dashboard" in text


def test_a_page_that_is_not_there_counts(signed_in, ben):
    client = signed_in(ben)
    statuses = [client.get(f"/storage/datasets/{guess}").status_code for guess in (*GUESSES, "ada~one-more")]
    assert statuses == [404] * FEW + [429]


# What is let be


def test_names_of_ones_own_are_never_counted(api, ada, signed_in):
    client = api(ada)
    for number in range(FEW + 2):
        assert error_of(get(client, f"~mine{number}")) == NOT_FOUND
        assert error_of(get(client, f"ADA~mine{number}")) == NOT_FOUND
        assert signed_in(ada).get(f"/storage/datasets/~mine{number}").status_code == 404
    assert not CacheEntry.objects.exists()
    stop(api())
    assert error_of(get(client, "ada~mine")) == NOT_FOUND


def test_ids_and_what_is_no_address_are_never_counted(api, ben, prices):
    client = api(ben)
    for number in range(FEW + 2):
        assert error_of(get(client, f"{number:017}")) == NOT_FOUND
        assert error_of(get(client, prices.pk)) == (403, "insufficient-permissions")
        assert error_of(get(client, f"ada~not a name {number}")) == NOT_FOUND
    assert not CacheEntry.objects.exists()


def test_whoever_was_stopped_still_gets_what_is_theirs_to_read(api, ben, prices, give, make_resource, signed_in):
    give(prices, ben)
    make_resource(Kind.DATASET, prices.owner, name="open", general_access="ANYONE_WITH_NAME_CAN_READ")
    for client in (api(ben), api()):
        stop(client)
        assert error_of(get(client, "ada~one-more")) == TOO_MANY
        assert get(client, "ada~open").status_code == 200
    assert get(api(ben), "ada~prices").status_code == 200
    assert error_of(api(ben).delete("/v2/datasets/ada~prices")) == (403, "insufficient-permissions")
    assert signed_in(ben).get("/storage/datasets/ada~prices").status_code == 200


def test_others_are_not_stopped(api, ben, cleo):
    stop(api(ben))
    assert error_of(get(api(ben), "ada~one-more")) == TOO_MANY
    assert error_of(get(api(cleo), "ada~one-more")) == NOT_FOUND
    assert error_of(get(api(), "ada~one-more")) == NOT_FOUND


def test_what_is_found_costs_no_statement_more_than_by_id(api, ben, prices, give, django_assert_num_queries):
    give(prices, ben)
    client = api(ben)
    get(client, prices.pk)
    for address in (prices.pk, "ada~prices"):
        with django_assert_num_queries(2):
            assert get(client, address).status_code == 200
