"""Storages that the input of a limited run names: by whom, for what, and what names nothing."""

import json
from typing import Any

import pytest

from accounts.models import Account
from resources.kinds import Kind
from resources.models import Actor, Build, BuildContent, Dataset, Run, Task
from resources.permission_levels import LIMITED
from resources.runs.inputs import InvalidInput
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActor, RunActorTask, RunInput
from sharing import run_starts
from sharing.schedules.firing import fire_due
from tests.support.api import data_of, error_of, message_of, send
from tests.support.factories import built_actor
from tests.support.run_stage import at_work, client_of

pytestmark = pytest.mark.django_db
JSON = "application/json"
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "source": {"type": "string", "resourceType": "dataset", "default": "planted"},
        "target": {"type": "string", "resourceType": "dataset", "resourcePermissions": ["READ", "WRITE"]},
        "sources": {"type": "array", "resourceType": "dataset", "prefill": ["planted"]},
        "store": {"type": "string", "resourceType": "keyValueStore"},
        "connector": {"type": "string", "resourceType": "mcpConnector"},
        "query": {"type": "string"},
    },
}


@pytest.fixture
def ada(make_account) -> Account:
    return make_account("ada", general_access="RESTRICTED")


def with_schema(actor: Actor) -> Actor:
    BuildContent.objects.create(build=Build.objects.get(actor_id=actor.pk), input_schema=json.dumps(SCHEMA))
    return actor


@pytest.fixture
def actor(dan) -> Actor:
    return with_schema(built_actor(dan, is_public=True, permission_level=LIMITED))


@pytest.fixture
def prices(ada, make_resource) -> Dataset:
    return make_resource(Kind.DATASET, ada, name="prices")


@pytest.fixture
def planted(ada, make_resource) -> Dataset:
    return make_resource(Kind.DATASET, ada, name="planted")


def names_of(run: Run) -> dict[str, list[str]]:
    return Run.objects.get(pk=run.pk).input_names or {}


def start(client, actor: Actor, **said: Any) -> Run:
    return Run.objects.get(pk=data_of(send(client, "post", f"/v2/actors/{actor.pk}/runs", said))["id"])


@pytest.mark.parametrize("how", ["id", "name", "of account"])
def test_what_the_caller_names(api, ada, actor, prices, how):
    named = {"id": prices.pk, "name": "prices", "of account": "ada~prices"}[how]
    run = start(api(ada), actor, source=named)
    client = client_of(run)
    assert names_of(run) == {prices.pk: ["READ"]}
    assert client.get(f"/v2/datasets/{prices.pk}/items").status_code == 200
    assert client.get("/v2/datasets/ada~prices").status_code == 200
    assert send(client, "post", "/v2/datasets?name=prices").status_code == 200
    assert send(client, "post", f"/v2/datasets/{prices.pk}/items", [{"a": 1}]).status_code == 403


def test_what_fields_ask_for_adds_up(api, ada, actor, prices, planted):
    run = start(api(ada), actor, source="prices", target="prices", sources=["planted", "prices"])
    assert names_of(run) == {prices.pk: ["READ", "WRITE"], planted.pk: ["READ"]}
    client = client_of(run)
    assert send(client, "post", f"/v2/datasets/{prices.pk}/items", [{"a": 1}]).status_code == 201
    assert "urlSigningSecretKey" not in data_of(client.get(f"/v2/datasets/{prices.pk}"))


def test_what_the_actor_suggests_names_nothing(api, ada, actor, prices, planted, signed_in):
    assert names_of(start(api(ada), actor)) == {}
    text = json.dumps({"source": "planted", "sources": ["planted", "prices"]})
    assert signed_in(ada).post(f"{actor.console_path}/start", {"input": text}).status_code == 302
    assert sorted(map(str, Run.objects.values_list("input_names", flat=True))) == [
        "None",
        str({prices.pk: ["READ"]}),
    ]


def test_what_names_nothing(api, ada, cleo, actor, prices, make_resource):
    make_resource(Kind.DATASET, cleo, name="hers", general_access="RESTRICTED")
    for said in ("nothing", "cleo~hers", "cleo~nothing", "x" * 17, "", "a/b\x00"):
        assert names_of(start(api(ada), actor, source=said, store=prices.pk, connector=prices.pk, query="prices")) == {}


def test_a_name_that_comes_to_exist_later(api, ada, actor, make_resource):
    client = client_of(start(api(ada), actor, source="later"))
    later = make_resource(Kind.DATASET, ada, name="later")
    assert client.get(f"/v2/datasets/{later.pk}").status_code == 403
    assert send(client, "post", "/v2/datasets?name=later").status_code == 403


def test_what_the_caller_may_not_do_is_refused_by_its_field(api, ada, cleo, actor, give, make_resource):
    hers = make_resource(Kind.DATASET, cleo, name="hers", general_access="RESTRICTED")
    path = f"/v2/actors/{actor.pk}/runs"
    refused = send(api(ada), "post", path, {"source": hers.pk})
    assert error_of(refused) == (400, "invalid-input")
    assert "Field input.source names a dataset that the run would need READ on." in message_of(refused)
    give(hers, ada)
    assert start(api(ada), actor, source=hers.pk).input_names == {hers.pk: ["READ"]}
    refused = send(api(ada), "post", path, {"target": "cleo~hers"})
    assert "Field input.target names a dataset that the run would need WRITE on." in message_of(refused)


def test_all_that_narrows_the_caller_counts(api, ada, actor, prices):
    scope = [{"kind": "actor", "permissions": ["RUN"]}, {"kind": "dataset", "permissions": ["READ"]}]
    client = api(ada, scope=scope)
    assert "id" in data_of(send(client, "post", f"/v2/actors/{actor.pk}/runs", {"source": "prices"}))
    assert Run.objects.get().input_names == {prices.pk: ["READ"]}
    refused = send(client, "post", f"/v2/actors/{actor.pk}/runs", {"target": "prices"})
    assert "The token 'test' cannot write to this dataset." in message_of(refused)


def test_a_limited_run_names_no_more_than_it_has(api, ada, actor, prices, planted):
    client = client_of(start(api(ada), actor, source="prices"))
    assert start(client, actor, source="prices", sources=["planted"]).input_names == {prices.pk: ["READ"]}
    refused = send(client, "post", f"/v2/actors/{actor.pk}/runs", {"source": planted.pk})
    assert "This run has limited permissions and cannot read this dataset." in message_of(refused)


def test_what_an_input_record_says_later_names_nothing(api, ada, actor, prices):
    run, sibling = start(api(ada), actor), start(api(ada), actor)
    content = json.dumps({"source": prices.pk})
    client = client_of(run)
    for each, status in ((run, 201), (sibling, 403)):
        store = each.default_storages.get(kind=Kind.KEY_VALUE_STORE)
        path = f"/v2/key-value-stores/{store.pk}/records/INPUT"
        assert client.put(path, content, content_type=JSON).status_code == status
    assert client.get(f"/v2/datasets/{prices.pk}").status_code == 403


def test_a_metamorph_replaces_the_names(api, ada, actor, prices, planted):
    run = start(api(ada), actor, source="prices", sources=["planted"])
    path = f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={actor.pk}"
    assert send(client_of(run), "post", path, {"source": "planted"}).status_code == 200
    assert names_of(run) == {planted.pk: ["READ"]}
    client = client_of(run)
    assert client.get(f"/v2/datasets/{prices.pk}").status_code == 403
    assert send(client, "post", path, {"source": prices.pk}).status_code == 400


# Tasks and schedules


def task_of(account: Account, actor: Actor, make_resource, **said: Any) -> Task:
    task: Task = make_resource(Kind.TASK, account, name="daily", actor_id=actor.pk, input=json.dumps(said))
    return task


def test_a_task_names_for_its_owner_alone(api, ada, ben, actor, prices, planted, give, make_resource):
    mine = task_of(ada, actor, make_resource, source="prices")
    theirs = task_of(ben, actor, make_resource, source=prices.pk, sources=["planted"])
    give(theirs, ada)

    def started(task: Task, **said: Any) -> dict[str, list[str]]:
        made = data_of(send(api(ada), "post", f"/v2/actor-tasks/{task.pk}/runs", said))
        return names_of(Run.objects.get(pk=made["id"]))

    assert started(mine) == {prices.pk: ["READ"]}
    assert started(mine, source="planted") == {planted.pk: ["READ"]}
    assert started(theirs) == {}
    assert started(theirs, target="prices") == {prices.pk: ["READ", "WRITE"]}


def test_schedules(ada, ben, actor, prices, planted, give, make_resource):
    theirs = task_of(ben, actor, make_resource, source=prices.pk)
    give(theirs, ada)
    actions = [
        RunActor(actor_id=actor.pk, run_input=RunInput(json.dumps({"source": "prices"}))),
        RunActorTask(actor_task_id=theirs.pk),
        RunActorTask(actor_task_id=theirs.pk, input={"sources": ["prices"]}),
    ]
    schedule = schedules.create(ada.pk, schedules.ScheduleChange(is_enabled=True, actions=actions), by=ada.principal)
    type(schedule).objects.update(next_at=schedule.created_at)
    assert fire_due() == 1
    found = sorted(map(str, Run.objects.values_list("input_names", flat=True)))
    assert found == ["None", *[str({prices.pk: ["READ"]})] * 2]


def test_a_full_run_of_an_own_actor_asks_about_no_names(ada, cleo, make_resource):
    hers = make_resource(Kind.DATASET, cleo, general_access="RESTRICTED")
    text = json.dumps({"source": hers.pk}).encode()
    run = run_starts.start(with_schema(built_actor(ada)), by=ada.principal, input=text, content_type=JSON)
    assert at_work(run).input_names is None


def test_too_many(ada, actor):
    text = json.dumps({"sources": [f"name-{number}" for number in range(101)]}).encode()
    with pytest.raises(InvalidInput, match="more than 100 storages"):
        run_starts.start(actor, by=ada.principal, input=text, content_type=JSON)
