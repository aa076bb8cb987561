"""The last run of an Actor or task, and what belongs to it: of the client's own account only."""

import pytest
from django.db import connection

from resources.datasets.writing import push
from resources.jobs.status import JobStatus, Origin
from resources.kinds import Kind
from resources.logs.writing import append
from resources.models import Actor, Dataset, Resource, Run
from resources.runs import starting
from tests.support.api import error_of
from tests.support.factories import built_actor
from tests.support.query_plans import plans_of
from tests.support.run_stage import at_work, ended

pytestmark = pytest.mark.django_db
BELOW = ("", "/dataset", "/dataset/items", "/key-value-store", "/key-value-store/keys", "/request-queue", "/log")


@pytest.fixture
def actor(dan) -> Actor:
    return built_actor(dan, is_public=True)


@pytest.fixture
def task(actor, ada, make_resource):
    return make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk)


def start(actor, account, **fields) -> Run:
    return starting.start(actor, by=account.principal, **fields)


def found(client, at, **query):
    response = client.get(at, query)
    assert response.status_code == 200, response.content
    return response.json()["data"]["id"]


@pytest.mark.parametrize("below", BELOW)
def test_it_needs_somebody_who_has_run_it(api, actor, task, ada, ben, cleo, dan, give, below):
    run = start(actor, ada, task=task)
    Resource.objects.filter(pk=run.pk).update(general_access="ANYONE_WITH_ID_CAN_READ")
    give(run, ben, "READ", "WRITE")
    give(task, ben, "VIEW_OWNER_RUNS")
    for parent in (f"actors/{actor.pk}", f"actor-tasks/{task.pk}"):
        at = f"/v2/{parent}/runs/last{below}"
        assert api().get(at).status_code == 401
        for person in (ben, cleo, dan):  # whose run it is not, whatever they may read
            assert api(person).get(at).status_code == 404
        assert api(ada).get(at).status_code == 200


@pytest.mark.parametrize("address", ["", "x", "~", "ada~nothing", "dan~counter~x", "\x00~a", "1" * 17])
def test_what_is_not_there_has_no_last_run(api, actor, ada, address):
    start(actor, ada)
    for parent in ("actors", "actor-tasks"):
        assert api(ada).get(f"/v2/{parent}/{address}/runs/last").status_code == 404


@pytest.mark.parametrize("query", [{"status": "DONE"}, {"origin": "MOON"}])
def test_what_cannot_be_filtered_by(api, actor, ada, query):
    start(actor, ada)
    response = api(ada).get(f"/v2/actors/{actor.pk}/runs/last", query)
    assert error_of(response) == (400, "invalid-value")


def test_a_scope_holds_there_too(api, actor, ada):
    ada.general_access = "RESTRICTED"
    ada.save()
    start(actor, ada)
    client = api(ada, scope=[{"kind": "dataset", "permissions": ["READ"]}])
    at = f"/v2/actors/{actor.pk}/runs/last"
    assert client.get(at).status_code == 403
    assert client.get(f"{at}/dataset").status_code == 200
    assert client.post(f"{at}/dataset/items", "[]", content_type="application/json").status_code == 403
    assert client.post(f"{at}/abort").status_code == 403


def test_a_scope_finds_no_run_that_it_does_not_name_though_it_is_open(api, actor, ada):
    run = start(actor, ada)
    client = api(ada, scope=[{"kind": "actor", "permissions": ["READ"]}])
    for below in BELOW:
        response = client.get(f"/v2/actors/{actor.pk}/runs/last{below}")
        assert response.status_code == 403, below
        assert run.pk not in response.content.decode()


def test_it_is_the_last_one_of_ones_own(api, actor, task, ada, ben):
    first = start(actor, ada, task=task)
    second = start(actor, ada, origin=Origin.WEB)
    of_ben = start(actor, ben)
    client = api(ada)
    for address in (actor.pk, "dan~counter"):
        at = f"/v2/actors/{address}/runs/last"
        assert found(client, at) == second.pk
        assert found(api(ben), at) == of_ben.pk
        assert found(client, at, origin="API") == first.pk
        assert found(client, at, status="READY") == second.pk
        assert client.get(at, {"status": "SUCCEEDED"}).status_code == 404
    ended(first)
    assert found(client, f"/v2/actors/{actor.pk}/runs/last", status="SUCCEEDED") == first.pk
    assert found(client, f"/v2/acts/{actor.pk}/runs/last", status="SUCCEEDED,READY") == second.pk
    assert found(client, f"/v2/acts/{actor.pk}/runs/last", status="SUCCEEDED,READY", origin="API") == first.pk
    assert found(client, "/v2/actor-tasks/~mine/runs/last") == first.pk
    assert found(client, f"/v2/actor-tasks/{task.pk}/runs/last", status="SUCCEEDED", origin="API") == first.pk


def test_the_last_one_of_an_origin_is_the_first_one_in_an_index(api, actor, task, ada):
    """However many others the account has had."""
    start(actor, ada, task=task, origin=Origin.CLI)
    client = api(ada)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    for parent, at in ((Kind.ACTOR, f"actors/{actor.pk}"), (Kind.TASK, f"actor-tasks/{task.pk}")):
        [plan, *_] = plans_of(lambda at=at: found(client, f"/v2/{at}/runs/last", origin="CLI"), "resources_run")
        assert f"run_of_{parent}_by_origin" in plan
        assert "Seq Scan" not in plan
        assert "SCAN" not in plan


def test_what_belongs_to_it_is_read_and_written_there(api, actor, ada):
    run, client, at = start(actor, ada), api(ada), f"/v2/actors/{actor.pk}/runs/last"
    dataset = Dataset.objects.get(run_id=run.pk)
    push(dataset.pk, b'{"n": 1}')
    append(run.pk, b"hello\n")
    assert client.get(f"{at}/dataset/items").json() == [{"n": 1}]
    assert client.post(f"{at}/dataset/items", '{"n": 2}', content_type="application/json").status_code == 201
    assert client.put(f"{at}/key-value-store/records/A", b"a", content_type="text/plain").status_code == 201
    assert client.get(f"{at}/key-value-store/records/A").content == b"a"
    assert client.get(f"{at}/request-queue/head").status_code == 200
    assert b"".join(client.get(f"{at}/log").streaming_content) == b"hello\n"
    at_work(run)
    assert client.post(f"{at}/reboot").json()["data"]["id"] == run.pk
    assert client.post(f"{at}/metamorph?targetActorId={actor.pk}").json()["data"]["id"] == run.pk
    assert client.post(f"{at}/abort").json()["data"]["status"] == JobStatus.ABORTING
    assert client.delete(f"{at}/dataset").status_code == 204
    assert client.get(f"{at}/dataset").status_code == 404
