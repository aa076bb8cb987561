"""A run's default storages at the run's own address: the same answers, and the same refusals, as at theirs."""

import json

import pytest

from accounts.lib.ids import new_id
from resources.datasets.writing import push
from resources.kinds import Kind
from sharing import grants
from sharing.permissions import Permission

STORAGES = {
    "dataset": (Kind.DATASET, "datasets"),
    "key-value-store": (Kind.KEY_VALUE_STORE, "key-value-stores"),
    "request-queue": (Kind.REQUEST_QUEUE, "request-queues"),
}


@pytest.fixture
def run(ada, make_resource):
    run = make_resource(Kind.RUN, ada, general_access="RESTRICTED")
    run.storages = {path: make_resource(kind, ada, run=run) for path, (kind, _) in STORAGES.items()}
    return run


@pytest.mark.parametrize("path", STORAGES)
def test_refusals(api, ada, cleo, run, path):
    at = f"/v2/actor-runs/{run.pk}/{path}"
    assert api().get(at).status_code == 403
    assert api(cleo).get(at).status_code == 403
    assert api().delete(at).status_code == 401
    assert api(cleo).delete(at).status_code == 403
    for missing in (new_id(), "ada~prices", "..", "x"):
        assert api(ada).get(f"/v2/actor-runs/{missing}/{path}").status_code == 404


@pytest.mark.parametrize("path", STORAGES)
def test_whoever_may_read_the_run_reads_its_storages_there(api, ada, ben, run, path):
    grants.grant(run, ben, Permission.READ, by=ada.principal)
    storage, collection = run.storages[path], STORAGES[path][1]
    found = api(ben).get(f"/v2/actor-runs/{run.pk}/{path}").json()["data"]
    assert found["id"] == storage.pk
    assert found["consoleUrl"] == api(ben).get(f"/v2/{collection}/{storage.pk}").json()["data"]["consoleUrl"]
    assert api(ben).delete(f"/v2/actor-runs/{run.pk}/{path}").status_code == 403


def test_content_is_written_and_read_there(api, ada, run):
    at, client = f"/v2/actor-runs/{run.pk}", api(ada)
    push(run.storages["dataset"].pk, b'{"price": 1}')
    posted = client.post(f"{at}/dataset/items", json.dumps({"price": 2}), content_type="application/json")
    assert posted.status_code == 201
    assert client.get(f"{at}/dataset/items").json() == [{"price": 1}, {"price": 2}]
    put = client.put(f"{at}/key-value-store/records/OUTPUT", b"done", content_type="text/plain")
    assert put.status_code == 201
    assert client.get(f"{at}/key-value-store/records/OUTPUT").content == b"done"
    request = {"url": "https://example.com/", "uniqueKey": "https://example.com/"}
    added = client.post(f"{at}/request-queue/requests", json.dumps(request), content_type="application/json")
    assert added.status_code == 201
    assert client.get(f"{at}/request-queue/head").json()["data"]["items"][0]["url"] == "https://example.com/"
