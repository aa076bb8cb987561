"""Key-value stores over HTTP: the list, get-or-create, settings, keys. What a record is, is in the file for records."""

import json

import pytest

from accounts.models import AuditEvent
from resources.kinds import Kind
from resources.models import KeyValueStore
from resources.records import usage as records_usage
from resources.records import writing
from resources.usage.read_counter import reads
from tests.support.api import error_of, message_of

pytestmark = pytest.mark.django_db
STORES = "/v2/key-value-stores"


def put(client, address, change):
    body = change if isinstance(change, str | bytes) else json.dumps(change)
    return client.put(f"{STORES}/{address}", body, "application/json")


def create(client, body, name="things"):
    return client.post(f"{STORES}?name={name}", body, "application/json")


@pytest.fixture
def things(ada, make_resource):
    return make_resource(Kind.KEY_VALUE_STORE, ada, name="things", general_access="RESTRICTED")


def fill(store, *keys):
    for key in keys:
        writing.write(store.pk, key, [key.encode()], content_type="text/plain")


def keys(client, store, query=""):
    return client.get(f"{STORES}/{store.pk}/keys{query}").json()["data"]


# Refusals


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_has_no_list_and_makes_no_store(api, method):
    assert error_of(getattr(api(), method)(STORES)) == (401, "token-not-provided")
    assert not KeyValueStore.objects.exists()


@pytest.mark.parametrize("path", ["", "/keys", "/records", "/records/KEY"])
def test_a_restricted_store_is_closed_to_strangers(api, cleo, things, path):
    fill(things, "KEY")
    for client in (api(), api(cleo)):
        assert error_of(client.get(f"{STORES}/{things.pk}{path}")) == (403, "insufficient-permissions")
        assert client.head(f"{STORES}/{things.pk}{path}").status_code == 403
        assert error_of(client.get(f"{STORES}/ada~things{path}")) == (404, "record-not-found")


def test_what_a_reader_may_not_do(api, ben, give, things):
    fill(things, "KEY")
    give(things, ben)
    client = api(ben)
    url = f"{STORES}/{things.pk}"
    answers = [
        client.put(url, '{"name": "x"}', "application/json"),
        client.delete(url),
        client.put(f"{url}/records/KEY", b"x", "text/plain"),
        client.post(f"{url}/records/KEY", b"x", "text/plain"),
        client.delete(f"{url}/records/KEY"),
    ]
    assert {error_of(answer) for answer in answers} == {(403, "insufficient-permissions")}
    assert all("WRITE" in message_of(answer) for answer in answers)
    assert client.get(f"{url}/records/KEY").content == b"KEY"


def test_each_field_needs_its_permission(api, ben, cleo, give, things):
    give(things, ben, "WRITE")
    give(things, cleo, "MANAGE_ACCESS_RIGHTS")
    both = {"name": "other", "generalAccess": "ANYONE_WITH_ID_CAN_READ"}
    for account in (ben, cleo):
        assert error_of(put(api(account), things.pk, both)) == (403, "insufficient-permissions-to-change-field")
    things.refresh_from_db()
    assert (things.name, things.general_access) == ("things", "RESTRICTED")
    assert put(api(ben), things.pk, {"name": "other"}).status_code == 200
    assert put(api(cleo), things.pk, {"generalAccess": "ANYONE_WITH_ID_CAN_READ"}).status_code == 200


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"name": "not a name"}, "invalid-value"),
        ({"name": 5}, "invalid-value"),
        ({"title": "x" * 201}, "invalid-value"),
        ({"title": "\x00"}, "invalid-value"),
        ({"generalAccess": "PUBLIC"}, "invalid-value"),
        ("{", "invalid-input"),
        (b"\xff", "invalid-input"),
        ("", "invalid-input"),
    ],
)
def test_changes_that_cannot_be(api, ada, things, change, error):
    assert error_of(put(api(ada), things.pk, change)) == (400, error)
    assert not AuditEvent.objects.filter(action__startswith="resource").exists()


def test_a_name_that_is_taken(api, ada, things, make_resource):
    other = make_resource(Kind.KEY_VALUE_STORE, ada)
    assert error_of(put(api(ada), other.pk, {"name": "things"})) == (409, "name-not-unique")


@pytest.mark.parametrize("name", ["", "a b", "-", "x" * 64, "é", "%00"])
def test_names_that_cannot_be(api, ada, name):
    assert error_of(api(ada).post(f"{STORES}?name={name}")) == (400, "invalid-value")
    assert not KeyValueStore.objects.exists()


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("{", "invalid-input"),
        ("[]", "invalid-value"),
        ('{"schema": 5}', "store-schema-invalid"),
        ('{"schema": {"collections": {"a": {}}}}', "store-schema-invalid"),
        ('{"schema": {"x": "\\ud800"}}', "invalid-input"),
        (b'{"schema": {"x": "\xff"}}', "invalid-input"),
    ],
)
def test_schemas_that_cannot_be_make_no_store(api, ada, body, error):
    assert error_of(create(api(ada), body)) == (400, error)
    assert not KeyValueStore.objects.exists()


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=1e3", f"limit={2**60}", "limit=%00"])
def test_limits_that_cannot_be(api, ada, things, query):
    assert error_of(api(ada).get(f"{STORES}/{things.pk}/keys?{query}")) == (400, "invalid-value")


@pytest.mark.parametrize("key", ["%00", "%ED%A0%80", "a/b", "%C3%A9", "x" * 257, ".."])
def test_a_start_that_cannot_be_a_key(api, ada, things, key):
    assert error_of(api(ada).get(f"{STORES}/{things.pk}/keys?exclusiveStartKey={key}")) == (400, "invalid-value")


@pytest.mark.parametrize("path", ["keys", "records"])
def test_collections_that_there_are_not(api, ada, things, path):
    for collection in ("posts", "%00", "%ED%A0%80"):
        response = api(ada).get(f"{STORES}/{things.pk}/{path}?collection={collection}")
        assert error_of(response) == (400, "invalid-collection")


@pytest.mark.parametrize("prefix", ["%00", "%ED%A0%80", "a/", "%C3%A9", "x" * 300, "%"])
def test_a_prefix_that_no_key_has_finds_nothing(api, ada, things, prefix):
    fill(things, "a", "x")
    seen = keys(api(ada), things, f"?prefix={prefix}")
    assert (seen["items"], seen["count"], seen["isTruncated"]) == ([], 0, False)


def test_methods_that_there_are_not(api, ada, things):
    client = api(ada)
    for method, path in (("post", ""), ("put", "/keys"), ("delete", "/records"), ("patch", "/records/KEY")):
        assert error_of(getattr(client, method)(f"{STORES}/{things.pk}{path}")) == (405, "method-not-allowed")


# Stores


def test_get_or_create(api, ada, settings):
    client = api(ada)
    made = client.post(f"{STORES}?name=things")
    store = made.json()["data"]
    assert made.status_code == 201
    assert made["Location"] == f"{settings.PUBLIC_URL}{STORES}/{store['id']}"
    again = client.post(f"{STORES}?name=things")
    assert (again.status_code, again.json()["data"]["id"]) == (200, store["id"])
    assert client.post(STORES).json()["data"]["name"] is None


def test_what_is_known_of_a_store(api, ada, things, settings):
    fill(things, "a", "bb")
    writing.delete(things.pk, "a")
    client = api(ada)
    keys(client, things)
    client.get(f"{STORES}/{things.pk}/records/bb")
    reads.flush()
    records_usage.lists.flush()
    seen = client.get(f"{STORES}/~things").json()["data"]
    assert {name: seen[name] for name in ("id", "name", "userId", "username", "generalAccess", "schema")} == {
        "id": things.pk,
        "name": "things",
        "userId": ada.pk,
        "username": "ada",
        "generalAccess": "RESTRICTED",
        "schema": None,
    }
    assert seen["consoleUrl"] == f"{settings.PUBLIC_URL}/storage/key-value-stores/{things.pk}"
    assert seen["stats"] == {"readCount": 1, "writeCount": 2, "deleteCount": 1, "listCount": 1, "storageBytes": 2}
    assert seen["createdAt"] <= seen["modifiedAt"]


def test_the_list(api, ada, ben, give, things, make_resource, django_assert_num_queries):
    unnamed = make_resource(Kind.KEY_VALUE_STORE, ada)
    bens = make_resource(Kind.KEY_VALUE_STORE, ben, name="bens")
    make_resource(Kind.DATASET, ada, name="dataset")
    give(bens, ada)
    client = api(ada)

    def listed(query=""):
        return [item["id"] for item in client.get(f"{STORES}{query}").json()["data"]["items"]]

    assert listed() == [things.pk, bens.pk]
    assert listed("?unnamed=1&desc=1") == [bens.pk, unnamed.pk, things.pk]
    assert listed("?ownership=ownedByMe") == [things.pk]
    assert listed("?ownership=sharedWithMe") == [bens.pk]
    assert listed("?unnamed=true&offset=1&limit=1") == [unnamed.pk]
    seen = client.get(f"{STORES}?ownership=sharedWithMe").json()["data"]
    assert (seen["total"], seen["count"], seen["items"][0]["username"]) == (1, 1, "ben")
    with django_assert_num_queries(5):
        listed("?unnamed=1")


def test_update_and_delete(api, ada, things):
    client = api(ada)
    changed = put(client, things.pk, {"name": "other", "title": "All", "generalAccess": "ANYONE_WITH_NAME_CAN_READ"})
    seen = changed.json()["data"]
    assert (seen["name"], seen["title"], seen["generalAccess"]) == ("other", "All", "ANYONE_WITH_NAME_CAN_READ")
    assert api().get(f"{STORES}/ada~other").status_code == 200
    assert put(client, things.pk, {"name": None}).json()["data"]["name"] is None
    assert client.delete(f"{STORES}/{things.pk}").status_code == 204
    assert error_of(client.get(f"{STORES}/{things.pk}")) == (404, "record-not-found")


def test_a_schema_is_kept_as_it_was_given_and_for_a_new_store_only(api, ada):
    client = api(ada)
    schema = {"title": "Things", "collections": {"posts": {"keyPrefix": "post-"}, "one": {"key": "ONE"}}, "n": "\x00é"}
    made = create(client, json.dumps({"schema": schema}))
    assert (made.status_code, made.json()["data"]["schema"]) == (201, schema)
    again = create(client, '{"schema": {"title": "Other"}}')
    assert (again.status_code, again.json()["data"]["schema"]) == (200, schema)
    assert create(client, '{"schema": null}', "plain").json()["data"]["schema"] is None
    assert create(client, "{}", "empty").json()["data"]["schema"] is None


# Keys


def test_keys_page_by_page(api, ada, things, settings):
    fill(things, *(f"key-{n:02}" for n in range(25)))
    client, found, start = api(ada), [], ""
    while True:
        page = keys(client, things, f"?limit=10&exclusiveStartKey={start}")
        found += [item["key"] for item in page["items"]]
        assert (page["limit"], page["count"]) == (10, len(page["items"]))
        assert page["exclusiveStartKey"] == (start or None)
        if not page["isTruncated"]:
            break
        start = page["nextExclusiveStartKey"]
    assert found == [f"key-{n:02}" for n in range(25)]
    assert page["nextExclusiveStartKey"] is None
    exact = keys(client, things, "?limit=25")
    assert (exact["isTruncated"], exact["nextExclusiveStartKey"]) == (False, None)
    assert exact["items"][3]["size"] == len("key-03")
    assert exact["items"][3]["recordPublicUrl"].startswith(f"{settings.PUBLIC_URL}{STORES}/{things.pk}/records/key-03")


def test_a_limit_over_the_largest_is_the_largest(api, ada, things):
    fill(things, "a")
    for query in ("", "?limit=0", "?limit=5000", "?limit="):
        assert keys(api(ada), things, query)["limit"] == 1000


def test_keys_of_a_prefix_and_of_a_collection(api, ada):
    client = api(ada)
    schema = {"collections": {"posts": {"keyPrefix": "post-"}, "one": {"key": "ONE"}}}
    store = KeyValueStore.objects.get(pk=create(client, json.dumps({"schema": schema})).json()["data"]["id"])
    fill(store, "ONE", "ONE-more", "pos", "post-1", "post-2", "post.", "q")

    def found(query):
        return [item["key"] for item in keys(client, store, query)["items"]]

    assert found("?prefix=post-") == ["post-1", "post-2"]
    assert found("?prefix=p&exclusiveStartKey=pos&limit=1") == ["post-1"]
    assert found("?collection=posts") == ["post-1", "post-2"]
    assert found("?collection=posts&prefix=post-2") == ["post-2"]
    assert found("?collection=one") == ["ONE"]
    assert found("?collection=one&prefix=x") == []
    assert found("?prefix=") == ["ONE", "ONE-more", "pos", "post-1", "post-2", "post.", "q"]


def test_a_list_of_keys_costs_three_statements(api, ada, things, django_assert_num_queries):
    fill(things, "a", "b", "c")
    client = api(ada)
    with django_assert_num_queries(3):
        keys(client, things)


def test_the_default_store_of_a_run_has_all_of_it_by_the_run(api, ada, make_resource):
    run = make_resource(Kind.RUN, ada)
    store = make_resource(Kind.KEY_VALUE_STORE, ada, run=run)
    client, url = api(ada), f"/v2/actor-runs/{run.pk}/key-value-store"
    assert client.put(f"{url}/records/OUTPUT", b"5", "application/json").status_code == 201
    assert client.get(f"{url}/records/OUTPUT").json() == 5
    assert client.get(f"{url}/keys").json()["data"]["items"][0]["key"] == "OUTPUT"
    assert client.get(url).json()["data"]["id"] == store.pk
    assert client.delete(f"{url}/records/OUTPUT").status_code == 204
