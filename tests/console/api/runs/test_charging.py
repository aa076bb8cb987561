"""What runs charge for: up to the most that they may, once for each key, and by the server itself."""

import json

import pytest

from resources.datasets.errors import DatasetGone
from resources.datasets.writing import push
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs.reading import read_text
from resources.models import Actor, Dataset, Run
from tests.support.api import data_of, error_of, message_of, send
from tests.support.paid_actor import paid_actor, pricing_of
from tests.support.run_stage import at_work, client_of, ended

pytestmark = pytest.mark.django_db
START, ITEM = "apify-actor-start", "apify-default-dataset-item"


@pytest.fixture
def start(api, ada, dan):
    """Start a run of ada's of dan's Actor, which has these prices; it is at work afterwards."""

    def run(prices, *, working=True, **query) -> Run:
        actor = Actor.objects.filter(owner=dan).first() or paid_actor(dan, prices)
        asked = "&".join(f"{name}={value}" for name, value in query.items())
        made = data_of(api(ada).post(f"/v2/actors/{actor.pk}/runs?{asked}"))
        found = Run.objects.get(pk=made["id"])
        return at_work(found) if working else found

    return run


def charge(client, run, event, count=1, key="", **body):
    headers = {"Idempotency-Key": key} if key else {}
    given = {"eventName": event, "count": count, **body}
    return send(client, "post", f"/v2/actor-runs/{run.pk}/charge", given, headers=headers)


def state(run) -> tuple[str, dict[str, int]]:
    found = Run.objects.get(pk=run.pk)
    return found.status, found.charged_events


def push_items(client, run, count):
    dataset = Dataset.objects.get(run_id=run.pk)
    items = [{"n": number} for number in range(count)]
    assert send(client, "post", f"/v2/datasets/{dataset.pk}/items", items).status_code == 201
    return dataset


# What is refused


def test_events_of_the_server_and_those_without_a_price_are_not_for_clients_to_charge(start):
    run = start({"page": 0.1, ITEM: 0.01})
    client = client_of(run)
    for name in (START, ITEM, "apify-other"):
        assert error_of(charge(client, run, name)) == (400, "cannot-charge-apify-event")
    refused = charge(client, run, "pages")
    assert error_of(refused) == (400, "invalid-value")
    assert "eventName" in message_of(refused)
    assert state(run) == ("RUNNING", {})


def test_a_run_that_has_ended_charges_for_nothing(api, ada, start):
    run = ended(start({"page": 0.1, ITEM: 0.1}))
    assert error_of(charge(api(ada), run, "page")) == (400, "job-finished")
    push_items(api(ada), run, 3)
    assert state(run) == ("SUCCEEDED", {})


def test_an_actor_that_is_not_paid_per_event_charges_for_none(start, dan):
    paid_actor(dan, {})
    Actor.objects.filter(owner=dan).update(details="{}")
    run = start({}, maxTotalChargeUsd=1)
    assert error_of(charge(client_of(run), run, "page")) == (400, "cannot-charge-non-pay-per-event-actor")
    assert state(run) == ("RUNNING", {})


def test_a_run_from_before_prices_were_kept_has_those_of_its_actor(start):
    run = start({"page": 0.3}, maxTotalChargeUsd=1)
    Run.objects.filter(pk=run.pk).update(event_prices=None)
    assert error_of(charge(client_of(run), run, "other")) == (400, "invalid-value")
    assert charge(client_of(run), run, "page", 9).status_code == 201
    assert state(run) == ("ABORTING", {"page": 3})


def test_no_price_is_negative(start, api, dan):
    actor = paid_actor(dan, {"page": 1})
    infos = [pricing_of({"page": -1})]
    assert error_of(send(api(dan), "put", f"/v2/actors/{actor.pk}", {"pricingInfos": infos})) == (400, "invalid-value")


def test_a_negative_price_from_before_gives_nothing_back(start, dan):
    paid_actor(dan, {"back": -1, "page": 1})
    run = start({}, maxTotalChargeUsd=2)
    client = client_of(run)
    charge(client, run, "back", 5)
    charge(client, run, "page", 5)
    assert state(run) == ("ABORTING", {"back": 5, "page": 2})


# How it is counted


def test_a_charge_beyond_the_most_is_cut_and_the_run_is_aborted(start):
    run = start({"page": 0.3}, maxTotalChargeUsd=1)
    client = client_of(run)
    assert charge(client, run, "page", 2).status_code == 201
    assert state(run) == ("RUNNING", {"page": 2})
    assert charge(client, run, "page", 2).status_code == 201
    assert state(run) == ("ABORTING", {"page": 3})
    found = Run.objects.get(pk=run.pk)
    assert found.graceful_until is not None
    assert "all of the 1 USD" in found.status_message
    assert "all of the 1 USD" in read_text(run.pk)
    charge(client, run, "page", 5)
    assert state(run) == ("ABORTING", {"page": 3})
    assert ended(run, JobStatus.ABORTED).status_message == found.status_message


def test_a_run_that_has_charged_exactly_the_most_is_aborted_and_keeps_its_own_message(start):
    run = start({"page": 0.1, "free": 0}, maxTotalChargeUsd=0.3)
    client = client_of(run)
    Run.objects.filter(pk=run.pk).update(status_message="3 of 9")
    charge(client, run, "free", 1000)
    charge(client, run, "page", 2)
    assert state(run) == ("RUNNING", {"free": 1000, "page": 2})
    charge(client, run, "page")
    assert state(run) == ("ABORTING", {"free": 1000, "page": 3})
    assert Run.objects.get(pk=run.pk).status_message == "3 of 9"


def test_without_a_most_all_is_counted(start):
    run = start({"page": 1000})
    charge(client_of(run), run, "page", 1_000_000)
    assert state(run) == ("RUNNING", {"page": 1_000_000})


def test_a_price_so_small_that_no_number_of_events_reaches_the_most(start):
    run = start({"page": 5e-324}, maxTotalChargeUsd=1_000_000)
    assert charge(client_of(run), run, "page", 1_000_000).status_code == 201
    assert state(run) == ("RUNNING", {"page": 1_000_000})


@pytest.mark.parametrize("by", ["header", "body"])
def test_a_charge_with_a_key_is_counted_once(start, by):
    run = start({"page": 0.1})
    client = client_of(run)
    for key in ("k1", "k1", "k2"):
        given = {"key": key} if by == "header" else {"requestId": key}
        assert charge(client, run, "page", 3, **given).status_code == 201
    assert state(run) == ("RUNNING", {"page": 6})


def test_the_start_is_charged_for_each_gigabyte_and_again_when_resurrected(api, ada, start):
    run = start({START: 0.01}, memory=4096)
    assert state(run) == ("RUNNING", {START: 4})
    ended(run)
    data_of(api(ada).post(f"/v2/actor-runs/{run.pk}/resurrect?memory=256"))
    assert state(run) == ("READY", {START: 5})


def test_a_start_that_is_too_dear_is_no_start(api, ada, start):
    run = start({START: 1}, maxTotalChargeUsd=0.5, working=False)
    assert state(run) == ("ABORTED", {})
    assert "0.5 USD" in Run.objects.get(pk=run.pk).status_message


def test_items_in_the_default_dataset_are_charged_and_stored_beyond_the_most(start, api, ada, make_resource):
    run = start({ITEM: 0.1, "page": 0.1}, maxTotalChargeUsd=1)
    client = client_of(run)
    push_items(client, run, 4)
    charge(client, run, "page", 4)
    assert state(run) == ("RUNNING", {ITEM: 4, "page": 4})
    other = make_resource(Kind.DATASET, ada, name="other")
    assert send(client, "post", f"/v2/datasets/{other.pk}/items", [{}] * 9).status_code == 201
    dataset = push_items(client, run, 5)
    assert state(run) == ("ABORTING", {ITEM: 6, "page": 4})
    assert Dataset.objects.get(pk=dataset.pk).item_count == 9
    at_run = f"/v2/actor-runs/{run.pk}/dataset/items"
    assert send(client, "post", at_run, [{}]).status_code == 201


def test_items_that_cannot_be_stored_are_not_charged(start):
    run = start({ITEM: 0.1})
    dataset = Dataset.objects.get(run_id=run.pk)
    assert send(client_of(run), "post", f"/v2/datasets/{dataset.pk}/items", [1]).status_code == 400
    assert state(run) == ("RUNNING", {})
    counted = []
    with pytest.raises(DatasetGone):
        push("0" * 17, b"[{}]", before_storing=counted.append)
    assert counted == [1]


def test_prices_are_those_of_the_start(start, dan):
    run = start({"page": 0.1}, maxTotalChargeUsd=1)
    details = json.dumps({"pricingInfos": [pricing_of({"page": 1})]})
    Actor.objects.filter(owner=dan).update(details=details)
    charge(client_of(run), run, "page", 9)
    assert state(run) == ("RUNNING", {"page": 9})


def test_the_prices_of_tiers_are_those_of_the_lowest(start, dan):
    tiers = {"GOLD": {"tieredEventPriceUsd": 0.1}, "FREE": {"tieredEventPriceUsd": 0.5}}
    info = pricing_of({"page": 0})
    info["pricingPerEvent"]["actorChargeEvents"]["page"] = {
        "eventTitle": "Page",
        "eventDescription": "A page",
        "eventTieredPricingUsd": tiers,
    }
    paid_actor(dan, {})
    Actor.objects.filter(owner=dan).update(details=json.dumps({"pricingInfos": [info]}))
    assert start({}).event_prices == {"page": 0.5}
