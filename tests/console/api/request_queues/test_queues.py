"""The list of request queues, get-or-create, and the settings of one queue, over HTTP."""

import json
import re

import pytest

from accounts.models import AuditEvent
from resources.kinds import Kind
from resources.models import QueuedRequest, RequestQueue
from resources.request_queues import writing
from resources.request_queues.usage import head_items
from resources.usage.read_counter import reads
from tests.support.api import error_of
from tests.support.queue_stage import ONE, request

pytestmark = pytest.mark.django_db
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


def put(client, address, change):
    body = change if isinstance(change, str | bytes) else json.dumps(change)
    return client.put(f"/v2/request-queues/{address}", body, "application/json")


@pytest.fixture
def shop(ada, make_resource):
    return make_resource(Kind.REQUEST_QUEUE, ada, name="shop")


# Refusals


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_has_no_list_and_makes_no_queue(api, method):
    assert error_of(getattr(api(), method)("/v2/request-queues")) == (401, "token-not-provided")
    assert not RequestQueue.objects.exists()


def test_a_scope_for_one_queue_lists_nothing_and_makes_nothing(api, ada, shop):
    scoped = api(ada, scope=[{"kind": "requestQueue", "permissions": ["WRITE"], "resourceId": shop.pk}])
    assert error_of(scoped.get("/v2/request-queues")) == (403, "insufficient-permissions")
    assert error_of(scoped.post("/v2/request-queues")) == (403, "insufficient-permissions")
    assert put(scoped, shop.pk, {"title": "mine"}).status_code == 200


def test_delete_needs_write(api, ben, cleo, shop, give):
    give(shop, ben)
    address = f"/v2/request-queues/{shop.pk}"
    assert error_of(api().delete(address)) == (401, "token-not-provided")
    assert error_of(api(cleo).delete(address)) == (403, "insufficient-permissions")
    assert error_of(api(ben).delete(address)) == (403, "insufficient-permissions")
    assert RequestQueue.objects.filter(pk=shop.pk).exists()


def test_each_field_needs_its_permission_and_without_it_nothing_changes(api, ada, ben, cleo, shop, give):
    give(shop, ben, "WRITE")
    give(shop, cleo, "MANAGE_ACCESS_RIGHTS")
    for client, change in (
        (api(ben), {"name": "store", "generalAccess": "RESTRICTED"}),
        (api(cleo), {"generalAccess": "RESTRICTED", "name": "store"}),
        (api(cleo), {"title": "Store", "generalAccess": "RESTRICTED"}),
    ):
        assert error_of(put(client, shop.pk, change)) == (403, "insufficient-permissions-to-change-field")
    shop.refresh_from_db()
    assert (shop.name, shop.title, shop.general_access) == ("shop", "", "FOLLOW_USER_SETTING")
    assert put(api(ben), shop.pk, {"name": "store"}).json()["data"]["name"] == "store"
    assert put(api(cleo), shop.pk, {"generalAccess": "RESTRICTED"}).json()["data"]["generalAccess"] == "RESTRICTED"


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        ("", "invalid-input"),
        ("{", "invalid-input"),
        (b"\xff", "invalid-input"),
        ("[]", "invalid-value"),
        ({"name": 1}, "invalid-value"),
        ({"name": "a b"}, "invalid-value"),
        ({"name": "x" * 64}, "invalid-value"),
        ({"title": "\x00"}, "invalid-value"),
        ({"generalAccess": "EVERYBODY"}, "invalid-value"),
        ({"generalAccess": None}, "invalid-value"),
    ],
)
def test_bad_changes_change_nothing(api, ada, shop, body, type_):
    assert error_of(put(api(ada), shop.pk, body)) == (400, type_)
    shop.refresh_from_db()
    assert (shop.name, shop.title, shop.general_access) == ("shop", "", "FOLLOW_USER_SETTING")


@pytest.mark.parametrize("name", ["a b", "-a", "x" * 64, "%00", "é"])
def test_what_no_queue_can_be_called(api, ada, name):
    assert error_of(api(ada).post(f"/v2/request-queues?name={name}")) == (400, "invalid-value")
    assert not RequestQueue.objects.exists()


def test_a_name_that_is_taken(api, ada, shop, make_resource):
    other = make_resource(Kind.REQUEST_QUEUE, ada)
    assert error_of(put(api(ada), other.pk, {"name": "shop"})) == (409, "name-not-unique")


@pytest.mark.parametrize("query", ["limit=x", "offset=-1", "desc=maybe", "unnamed=2", "ownership=mine"])
def test_bad_lists(api, ada, query):
    assert error_of(api(ada).get(f"/v2/request-queues?{query}")) == (400, "invalid-value")


# Features


def test_get_or_create(api, ada):
    made = api(ada).post("/v2/request-queues?name=shop")
    again = api(ada).post("/v2/request-queues?name=shop")
    assert (made.status_code, again.status_code) == (201, 200)
    assert made.json()["data"]["id"] == again.json()["data"]["id"] == RequestQueue.objects.get().pk
    assert made["Location"].endswith(f"/v2/request-queues/{made.json()['data']['id']}")
    assert api(ada).post("/v2/request-queues").json()["data"]["name"] is None


def test_all_that_is_known_of_a_queue(api, ada, shop):
    writing.add(shop.pk, [request("a"), request("b", handled_at=1)], client=ONE)
    api(ada).get(f"/v2/request-queues/{shop.pk}/head")
    reads.flush()
    head_items.flush()
    seen = api(ada).get("/v2/request-queues/~shop").json()["data"]
    assert all(MOMENT.match(seen.pop(name)) for name in ("createdAt", "modifiedAt", "accessedAt"))
    stored = sum(QueuedRequest.objects.values_list("size", flat=True))
    expected = {
        "id": shop.pk,
        "name": "shop",
        "title": None,
        "userId": ada.pk,
        "username": "ada",
        "actId": None,
        "actRunId": None,
        "generalAccess": "FOLLOW_USER_SETTING",
        "totalRequestCount": 2,
        "handledRequestCount": 1,
        "pendingRequestCount": 1,
        "hadMultipleClients": True,
        "consoleUrl": shop.console_url,
        "stats": {"readCount": 0, "writeCount": 2, "deleteCount": 0, "headItemReadCount": 1, "storageBytes": stored},
    }
    assert {name: seen[name] for name in expected} == expected


def test_lists_are_mine_and_shared(api, ada, ben, cleo, shop, make_resource, give):
    bens = make_resource(Kind.REQUEST_QUEUE, ben, name="bens")
    make_resource(Kind.REQUEST_QUEUE, ada)
    make_resource(Kind.DATASET, ada, name="data")
    give(bens, ada)

    def ids(query=""):
        listed = api(ada).get(f"/v2/request-queues?{query}").json()["data"]
        assert listed["total"] == listed["count"] == len(listed["items"])
        return [item["id"] for item in listed["items"]]

    assert ids() == [shop.pk, bens.pk]
    assert ids("desc=1") == [bens.pk, shop.pk]
    assert ids("ownership=ownedByMe") == [shop.pk]
    assert ids("ownership=sharedWithMe") == [bens.pk]
    assert len(ids("unnamed=1")) == 3
    assert api(cleo).get("/v2/request-queues").json()["data"]["total"] == 0
    item = api(ada).get("/v2/request-queues?ownership=sharedWithMe").json()["data"]["items"][0]
    assert (item["username"], item["name"], item["totalRequestCount"]) == ("ben", "bens", 0)


def test_a_list_is_a_number_of_queries_that_does_not_grow(api, ada, make_resource, django_assert_num_queries):
    client, counts = api(ada), []
    for _ in range(2):
        for _ in range(5):
            make_resource(Kind.REQUEST_QUEUE, ada)
        with django_assert_num_queries(5):
            counts.append(client.get("/v2/request-queues?unnamed=1").json()["data"]["count"])
    assert counts == [5, 10]


def test_deleting(api, ada, shop):
    writing.add(shop.pk, [request("a")], client=ONE)
    assert api(ada).delete("/v2/request-queues/~shop").status_code == 204
    assert error_of(api(ada).get(f"/v2/request-queues/{shop.pk}")) == (404, "record-not-found")
    assert not QueuedRequest.objects.exists()
    assert AuditEvent.objects.get(action="resource.deleted").subject_id == shop.pk
