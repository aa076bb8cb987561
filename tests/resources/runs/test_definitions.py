"""What the definition of a build says of its runs: refusals first, then their memory and their storages."""

import json
from dataclasses import replace

import pytest

from accounts.principal import Scope
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Actor, Build, BuildContent, Dataset, GeneralAccess, KeyValueStore, Resource, Run
from resources.runs import definitions, restarting, resurrecting, starting
from resources.runs.options import InvalidOption, RunOptions
from sharing.permissions import Permission
from tests.support.api import data_of, error_of, message_of
from tests.support.factories import built_actor, give
from tests.support.run_stage import at_work, client_of, ended

pytestmark = pytest.mark.django_db
FIELDS = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
ALIASES = ["shops", "errors", "a b", "ä", "1"]
STORAGES = {
    "datasets": {"default": {"fields": FIELDS}, **{alias: {"fields": {"required": [alias]}} for alias in ALIASES}},
    "keyValueStores": {alias: {} for alias in ALIASES},
    "requestQueues": {alias: {} for alias in ALIASES},
}


def defined(account, name: str = "counter", **definition) -> Actor:
    """Make an Actor with a build of this definition."""
    actor = built_actor(account, name=name)
    content, _ = BuildContent.objects.get_or_create(build=Build.objects.get(actor_id=actor.pk))
    content.definition = json.dumps(definition)
    content.save()
    return actor


def run_of(account, actor: Actor, **options) -> Run:
    return starting.start(actor, by=account.principal, options=RunOptions(**options))


# Memory


@pytest.mark.parametrize("mbytes", [128, 256, 2048, 32768])
@pytest.mark.parametrize("limits", [(512, 1024), (300, 1500)])
def test_other_memory_than_the_definition_allows_is_refused(api, ada, limits, mbytes):
    actor = defined(ada, minMemoryMbytes=limits[0], maxMemoryMbytes=limits[1])
    response = api(ada).post(f"/v2/actors/{actor.pk}/runs?memory={mbytes}")
    assert error_of(response) == (400, "invalid-value")
    assert "512 to 1024 megabytes" in message_of(response)
    assert not Run.objects.exists()


def test_a_task_cannot_have_other_memory_either(api, ada):
    actor = defined(ada, maxMemoryMbytes=512)
    task = {"actId": actor.pk, "name": "often", "options": {"memoryMbytes": 1024}}
    made = data_of(api(ada).post("/v2/actor-tasks", json.dumps(task), content_type="application/json"))
    response = api(ada).post(f"/v2/actor-tasks/{made['id']}/runs", content_type="application/json")
    assert error_of(response) == (400, "invalid-value")


def test_a_resurrected_run_cannot_have_other_memory(ada):
    run = ended(run_of(ada, defined(ada, maxMemoryMbytes=512)))
    with pytest.raises(InvalidOption, match="128 to 512"):
        resurrecting.resurrect(run, RunOptions(memory_mbytes=1024), by=ada.principal)


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({}, 1024),
        ({"defaultMemoryMbytes": 256}, 256),
        ({"defaultMemoryMbytes": 300}, 512),
        ({"defaultMemoryMbytes": True, "minMemoryMbytes": "x", "maxMemoryMbytes": 1}, 1024),
        ({"minMemoryMbytes": 4096}, 4096),
        ({"maxMemoryMbytes": 500}, 256),
        ({"defaultMemoryMbytes": 8192, "maxMemoryMbytes": 2048}, 2048),
        ({"minMemoryMbytes": 700, "maxMemoryMbytes": 600}, 1024),
    ],
)
def test_a_run_that_asks_for_no_memory_has_the_default_within_the_limits(ada, signed_in, definition, expected):
    actor = defined(ada, **definition)
    assert run_of(ada, actor).memory_mbytes == expected
    form = signed_in(ada).get(f"{actor.console_path}/start").context["form"]
    assert form["memory_mbytes"].value() == expected


def test_what_is_allowed_is_given(ada):
    actor = defined(ada, minMemoryMbytes=256, maxMemoryMbytes=1024, defaultMemoryMbytes=512)
    assert [run_of(ada, actor, memory_mbytes=mbytes).memory_mbytes for mbytes in (256, 512, 1024)] == [256, 512, 1024]


# Variables


def test_variables_that_cannot_be_any_are_left_out():
    variables = {
        "GOOD": "1",
        "bad name": "x",
        "N": 1,
        "LONG": "x" * 40_000,
        "NUL": "a\x00b",
        "SECRET": "@mine",
        "E": "",
    }
    assert definitions.read_variables({"environmentVariables": variables}) == {"GOOD": "1", "E": ""}
    ignored = definitions.find_ignored({"environmentVariables": variables})
    assert len(ignored) == 5
    assert any("SECRET" in sentence and "secret" in sentence for sentence in ignored)
    assert definitions.read_variables({"environmentVariables": [1]}) == {}


# Storages


def test_declared_storages_are_there_with_their_schemas_when_the_run_is_made(ada, api):
    run = run_of(ada, defined(ada, storages=STORAGES))
    answer = data_of(api(ada).get(f"/v2/actor-runs/{run.pk}"))
    assert {group: set(ids) for group, ids in answer["storageIds"].items()} == {
        group: {"default", *ALIASES} for group in STORAGES
    }
    ids = answer["storageIds"]["datasets"]
    assert answer["defaultDatasetId"] == ids["default"]
    for alias in ALIASES:
        dataset = Dataset.objects.get(pk=ids[alias])
        assert json.loads(dataset.schema) == {"fields": {"required": [alias]}}
        url = f"/v2/datasets/{dataset.pk}/items"
        wrong = api(ada).post(url, '{"x": 1}', content_type="application/json")
        assert wrong.json()["error"]["type"] == "schema-validation-error"
        assert api(ada).post(url, json.dumps({alias: 1}), content_type="application/json").status_code == 201


def test_the_default_storages_are_found_among_the_declared_ones(ada, api, signed_in):
    run = run_of(ada, defined(ada, storages=STORAGES))
    default = Dataset.objects.get(run=run, alias=None)
    store = KeyValueStore.objects.get(run=run, alias=None)
    client = api(ada)
    assert data_of(client.get(f"/v2/actor-runs/{run.pk}/dataset"))["id"] == default.pk
    assert data_of(client.get(f"/v2/actor-runs/{run.pk}/key-value-store"))["id"] == store.pk
    assert data_of(client.get("/v2/actor-runs"))["items"][0]["defaultDatasetId"] == default.pk
    pushed = client.post(f"/v2/actor-runs/{run.pk}/dataset/items", '{"name": "x"}', content_type="application/json")
    assert pushed.status_code == 201
    page = signed_in(ada).get(f"{run.console_path}?tab=storage")
    assert [each.alias for each in page.context["storages"]] == ["", *sorted(ALIASES)] * 3
    rows = signed_in(ada).get("/actors/runs").context["rows"]
    assert [row.items for row in rows] == [1]


def test_declared_storages_follow_their_run(ada, ben, api):
    run = run_of(ada, defined(ada, storages=STORAGES))
    Resource.objects.filter(pk=run.pk).update(general_access=GeneralAccess.RESTRICTED)
    ids = [each.pk for each in Resource.objects.filter(run=run).exclude(alias=None)]
    assert len(ids) == 15
    shops = Dataset.objects.get(run=run, alias="shops")
    assert api(ben).get(f"/v2/datasets/{shops.pk}").status_code == 403
    give(run, ben, Permission.READ)
    assert api(ben).get(f"/v2/datasets/{shops.pk}").status_code == 200
    ended(at_work(run))
    assert api(ada).delete(f"/v2/actor-runs/{run.pk}").status_code == 204
    assert not Resource.objects.filter(pk__in=ids).exists()


def test_items_of_declared_datasets_are_not_charged_as_those_of_the_default_one(ada, api):
    run = run_of(ada, defined(ada, storages={"datasets": {"default": {}, "more": {}}}))
    Run.objects.filter(pk=run.pk).update(event_prices={"apify-default-dataset-item": 0.1})
    for alias, times in (("more", 3), (None, 2)):
        dataset = Dataset.objects.get(run=run, alias=alias)
        body = json.dumps([{"n": 1}] * times)
        client_of(run).post(f"/v2/datasets/{dataset.pk}/items", body, content_type="application/json")
    run.refresh_from_db()
    assert run.charged_events == {"apify-default-dataset-item": 2}


def test_a_scoped_token_of_a_run_reaches_its_declared_storages(ada):
    scope = Scope.from_json([{"kind": "actor", "permissions": ["RUN"], "resourceId": None}])
    actor = defined(ada, storages=STORAGES)
    run = starting.start(actor, by=replace(ada.principal, scope=scope))
    shops = Dataset.objects.get(run=run, alias="shops")
    client = client_of(run)
    pushed = client.post(f"/v2/datasets/{shops.pk}/items", '{"shops": 1}', content_type="application/json")
    assert pushed.status_code == 201


@pytest.mark.parametrize("way", ["metamorph", "resurrect"])
def test_a_run_that_goes_on_as_another_build_has_what_that_one_declares(ada, way):
    actor = defined(ada, storages={"datasets": {"default": {}, "shops": {}}})
    run = run_of(ada, actor)
    before = set(Resource.objects.filter(run=run).values_list("pk", flat=True))
    if way == "metamorph":
        other = defined(ada, "other", storages=STORAGES)
        restarting.metamorph(at_work(run), other, by=ada.principal)
    else:
        BuildContent.objects.update(definition=json.dumps({"storages": STORAGES}))
        resurrecting.resurrect(ended(run), RunOptions(build="latest"), by=ada.principal)
    after = Resource.objects.filter(run=run)
    assert before < set(after.values_list("pk", flat=True))
    for kind in (Kind.DATASET, Kind.KEY_VALUE_STORE, Kind.REQUEST_QUEUE):
        aliases = list(after.filter(kind=kind).values_list("alias", flat=True))
        assert sorted(alias or "" for alias in aliases) == sorted(["", *ALIASES])


def test_a_definition_from_before_it_was_checked_gives_what_can_be_used(ada):
    storages = {
        "dataset": {"fields": {"type": 5}},
        "datasets": {"good": {}, "bad": {"fields": {"type": 5}}, "unreadable": {"views": {"a": 5}}, "s": "./s"},
    }
    run = run_of(ada, defined(ada, storages=storages))
    kept = '{"fields":{"type":5}}'
    found = Dataset.objects.filter(run=run)
    assert set(found.values_list("alias", "schema")) == {(None, kept), ("good", ""), ("bad", kept)}
    assert push(found.get(alias="bad").pk, b'{"a":1}') == 1
