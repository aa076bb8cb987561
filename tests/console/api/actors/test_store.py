"""The Store over HTTP: public Actors, for everybody, and no others."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from resources.kinds import Kind
from resources.models import Actor, BuildContent
from tests.support.api import data_of, error_of, message_of
from tests.support.factories import built

STORE = "/v2/store"


@pytest.fixture
def shop(ada, dan, make_resource):
    """Three public Actors and a private one."""
    details = '{"categories":["AI","OPEN_SOURCE"]}'
    priced = '{"pricingInfos":[{"pricingModel":"PAY_PER_EVENT"}]}'
    fields = {"is_public": True}
    made = {
        "finder": make_resource(Kind.ACTOR, dan, name="finder", run_count=3, details=details, **fields),
        "prices": make_resource(Kind.ACTOR, ada, name="prices", title="Price Finder", run_count=9, **fields),
        "priced": make_resource(Kind.ACTOR, ada, name="priced", description="50% a_b", details=priced, **fields),
        "secret": make_resource(Kind.ACTOR, ada, name="secret-finder", run_count=99),
    }
    now = timezone.now()
    for days, name in enumerate(("finder", "prices", "priced")):
        moments = {"created_at": now + timedelta(days=days), "modified_at": now - timedelta(days=days)}
        Actor.objects.filter(pk=made[name].pk).update(**moments)
    return made


def names(client, query=""):
    answer = data_of(client.get(f"{STORE}?{query}"))
    assert answer["count"] == len(answer["items"])
    return [item["name"] for item in answer["items"]]


@pytest.mark.parametrize(
    "query",
    [
        "sortBy=name",
        "category=a%22",
        "search=a%00",
        f"search={'x' * 201}",
        "username=%00",
        "pricingModel=GOLD",
        "limit=-1",
        "allowsAgenticUsers=maybe",
        "responseFormat=xml",
        "includeUnrunnableActors=2",
    ],
)
def test_wrong_questions(api, db, query):
    refused = api().get(f"{STORE}?{query}")
    assert error_of(refused) == (400, "invalid-value")
    assert query.partition("=")[0] in message_of(refused)


def test_only_public_actors_are_in_it_whoever_asks(api, ada, cleo, shop):
    for client in (api(), api(cleo), api(ada)):
        assert names(client) == ["prices", "finder", "priced"]
        assert names(client, "search=secret") == []
    Actor.objects.filter(pk=shop["finder"].pk).update(is_public=False)
    assert names(api()) == ["prices", "priced"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("search=FINDER", ["finder", "prices"]),
        ("search=finder&sortBy=popularity", ["prices", "finder"]),
        ("search=dan", ["finder"]),
        ("search=a_b", ["priced"]),
        ("search=50%25", ["priced"]),
        ("search=unheard-of", []),
        ("sortBy=newest", ["priced", "prices", "finder"]),
        ("sortBy=lastUpdate", ["finder", "prices", "priced"]),
        ("username=DAN", ["finder"]),
        ("category=AI", ["finder"]),
        ("category=OPEN_SOURCE", ["finder"]),
        ("category=OPEN", []),
        ("pricingModel=FREE", ["prices", "finder"]),
        ("pricingModel=PAY_PER_EVENT", ["priced"]),
        ("allowsAgenticUsers=true", []),
        ("allowsAgenticUsers=false&includeUnrunnableActors=true", ["prices", "finder", "priced"]),
        ("limit=1&offset=1", ["finder"]),
    ],
)
def test_what_is_asked_for(api, shop, query, expected):
    assert names(api(), query) == expected


def test_the_readme_of_the_default_build_is_searched(api, shop):
    for tag, text in (("latest", "Knows every hamlet."), ("beta", "Knows every village.")):
        build = built(shop["prices"], "0.1.1", tag)
        BuildContent.objects.create(build=build, readme=text)
    assert names(api(), "search=HAMLET") == ["prices"]
    assert names(api(), "search=village") == []


def test_what_is_told_of_an_actor(api, shop):
    item = data_of(api().get(f"{STORE}?search=dan"))["items"][0]
    assert (item["title"], item["username"], item["categories"]) == ("finder", "dan", ["AI", "OPEN_SOURCE"])
    assert item["currentPricingInfo"] == {"pricingModel": "FREE"}
    assert item["url"].endswith(f"/actors/{shop['finder'].pk}")
    assert item["stats"] == {"totalBuilds": 0, "totalRuns": 3, "totalUsers": 1}
    short = data_of(api().get(f"{STORE}?search=dan&responseFormat=agent"))["items"][0]
    assert set(short) < set(item)
    assert "url" not in short


def test_the_number_of_queries_does_not_grow(api, ada, make_resource, django_assert_num_queries):
    make_resource(Kind.ACTOR, ada, name="first", is_public=True)
    client = api()
    with django_assert_num_queries(3):
        client.get(STORE)
    for number in range(20):
        make_resource(Kind.ACTOR, ada, name=f"other-{number}", is_public=True)
    with django_assert_num_queries(3):
        assert len(names(client)) == 21


def test_a_price_of_the_future_is_not_the_current_one(api, shop):
    infos = [
        {"pricingModel": "PAY_PER_EVENT", "startedAt": "2021-01-01T00:00:00.000Z"},
        {"pricingModel": "FREE", "startedAt": "2999-01-01T00:00:00.000Z"},
    ]
    Actor.objects.filter(pk=shop["finder"].pk).update(details=json.dumps({"pricingInfos": infos}))
    assert data_of(api().get(f"{STORE}?search=dan"))["items"][0]["currentPricingInfo"] == infos[0]


def test_the_pricing_model_is_the_one_in_force(api, shop):
    past, future = "2021-01-01T00:00:00.000Z", "2999-01-01T00:00:00.000Z"
    for name, infos in {
        "finder": [("PAY_PER_EVENT", past), ("FREE", future)],
        "prices": [("FLAT_PRICE_PER_MONTH", past), ("FREE", "2022-01-01T02:00:00.000+02:00")],
        "priced": [("PRICE_PER_DATASET_ITEM", future)],
    }.items():
        details = {"pricingInfos": [{"pricingModel": model, "startedAt": start} for model, start in infos]}
        Actor.objects.filter(pk=shop[name].pk).update(details=json.dumps(details, separators=(",", ":")))
    assert names(api(), "pricingModel=PAY_PER_EVENT") == ["finder"]
    assert set(names(api(), "pricingModel=FREE")) == {"prices", "priced"}
    for model in ("FLAT_PRICE_PER_MONTH", "PRICE_PER_DATASET_ITEM"):
        assert names(api(), f"pricingModel={model}") == []


def test_users_are_those_with_runs_and_the_owner(api, shop, ada, ben, cleo, make_resource):
    for account in (ben, ben, cleo, shop["finder"].owner):
        make_resource(Kind.RUN, account, actor_id=shop["finder"].pk)
    gone = make_resource(Kind.RUN, ada, actor_id=shop["finder"].pk)
    gone.delete()
    users = {item["name"]: item["stats"]["totalUsers"] for item in data_of(api().get(STORE))["items"]}
    assert users == {"finder": 3, "prices": 1, "priced": 1}
    assert data_of(api().get(f"/v2/actors/{shop['finder'].pk}"))["stats"]["totalUsers"] == 3
    owner = api(shop["finder"].owner)
    assert data_of(owner.get("/v2/actors"))["items"][0]["stats"]["totalUsers"] == 3
