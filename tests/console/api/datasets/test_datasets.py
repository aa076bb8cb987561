"""The list of datasets, get-or-create, and the settings of one dataset, over HTTP."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.test import Client

from accounts.models import AuditEvent
from resources.kinds import Kind
from resources.models import Dataset
from resources.usage.read_counter import reads
from sharing import grants
from sharing.permissions import Permission
from tests.support.api import error_of, message_of

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")


def put(client, address, change):
    body = change if isinstance(change, str | bytes) else json.dumps(change)
    return client.put(f"/v2/datasets/{address}", body, "application/json")


@pytest.fixture
def prices(ada, make_resource):
    return make_resource(Kind.DATASET, ada, name="prices")


def shared(resource, account, permission=Permission.READ):
    grants.grant(resource, account, permission, by=resource.owner.principal)
    return resource


# Refusals


@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_has_no_list_and_makes_no_dataset(api, method):
    response = getattr(api(), method)("/v2/datasets")
    assert error_of(response) == (401, "token-not-provided")
    assert not Dataset.objects.exists()


def test_a_scope_for_one_dataset_lists_nothing_and_makes_nothing(api, ada, prices):
    scoped = api(ada, scope=[{"kind": "dataset", "permissions": ["WRITE"], "resourceId": prices.pk}])
    assert error_of(scoped.get("/v2/datasets")) == (403, "insufficient-permissions")
    assert error_of(scoped.post("/v2/datasets?name=prices")) == (403, "insufficient-permissions")
    assert put(scoped, prices.pk, {"title": "mine"}).status_code == 200


def test_a_scope_to_read_lists_and_makes_nothing(api, ada, prices):
    scoped = api(ada, scope=[{"kind": "dataset", "permissions": ["READ"]}])
    assert scoped.get("/v2/datasets").json()["data"]["total"] == 1
    assert error_of(scoped.post("/v2/datasets")) == (403, "insufficient-permissions")
    assert error_of(scoped.delete(f"/v2/datasets/{prices.pk}")) == (403, "insufficient-permissions")
    assert Dataset.objects.count() == 1


def test_delete_needs_write(api, ben, cleo, prices):
    shared(prices, ben)
    assert error_of(api().delete(f"/v2/datasets/{prices.pk}")) == (401, "token-not-provided")
    assert error_of(api(cleo).delete(f"/v2/datasets/{prices.pk}")) == (403, "insufficient-permissions")
    assert error_of(api(ben).delete(f"/v2/datasets/{prices.pk}")) == (403, "insufficient-permissions")
    assert Dataset.objects.filter(pk=prices.pk).exists()


def test_a_field_without_its_permission_changes_nothing_at_all(api, ben, prices):
    shared(prices, ben, Permission.WRITE)
    response = put(api(ben), prices.pk, {"name": "costs", "title": "Costs", "generalAccess": "RESTRICTED"})
    assert error_of(response) == (403, "insufficient-permissions-to-change-field")
    assert '"generalAccess"' in message_of(response)
    prices.refresh_from_db()
    assert (prices.name, prices.title, prices.general_access) == ("prices", "", "FOLLOW_USER_SETTING")
    assert not AuditEvent.objects.filter(action="resource.renamed").exists()


def test_a_manager_without_write_changes_only_the_level(api, ben, prices):
    shared(prices, ben, Permission.MANAGE_ACCESS_RIGHTS)
    assert error_of(put(api(ben), prices.pk, {"name": "x"})) == (403, "insufficient-permissions-to-change-field")
    response = put(api(ben), prices.pk, {"generalAccess": "RESTRICTED"})
    assert response.json()["data"]["generalAccess"] == "RESTRICTED"


def test_a_level_that_fails_takes_the_name_back(api, ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    assert error_of(put(api(ada), dataset.pk, {"name": "costs", "generalAccess": "OPEN"})) == (400, "invalid-value")
    dataset.refresh_from_db()
    assert dataset.name is None


@pytest.mark.parametrize(
    "name", ["", "-a", "a-", "a_b", "a b", "é", "x" * 64, "a/b", "a~b", "../x", "a\x00b", "a\n", 5, True, ["a"], {}]
)
def test_a_name_that_cannot_be(api, ada, prices, name):
    response = put(api(ada), prices.pk, {"name": name})
    assert error_of(response) == (400, "invalid-value")
    assert '"name"' in message_of(response)
    prices.refresh_from_db()
    assert prices.name == "prices"


@pytest.mark.parametrize("name", ["", "-a", "a_b", "a%20b", "%C3%A9", "x" * 64, "a%2Fb", "a%00b", "a%0A", "%FF", "%"])
def test_a_name_that_nothing_is_made_with(api, ada, name):
    assert error_of(api(ada).post(f"/v2/datasets?name={name}")) == (400, "invalid-value")
    assert not Dataset.objects.exists()


def test_a_name_that_is_taken(api, ada, prices, make_resource):
    other = make_resource(Kind.DATASET, ada, name="costs")
    make_resource(Kind.KEY_VALUE_STORE, ada, name="rates")
    assert error_of(put(api(ada), other.pk, {"title": "T", "name": "prices"})) == (409, "name-not-unique")
    other.refresh_from_db()
    assert (other.name, other.title) == ("costs", "")
    assert put(api(ada), other.pk, {"name": "rates"}).status_code == 200


@pytest.mark.parametrize("title", [5, ["a"], "x" * 201, "a\x00b"])
def test_a_title_that_cannot_be(api, ada, prices, title):
    assert error_of(put(api(ada), prices.pk, {"title": title})) == (400, "invalid-value")


@pytest.mark.parametrize(
    "query",
    [
        *(f"{name}={value}" for name in ("offset", "limit") for value in ("-1", "1.5", "NaN", "Infinity", "1e3", "x")),
        *(
            f"{name}={value}"
            for name in ("offset", "limit")
            for value in ("9" * 17, "9" * 5000, "%D9%A1", "0x1", "1%00")
        ),
        *(f"{name}={value}" for name in ("desc", "unnamed") for value in ("yes", "2", "-1", "%00")),
        "ownership=mine",
        "ownership=",
        "ownership=OWNEDBYME",
    ],
)
def test_a_parameter_that_makes_no_sense(api, ada, query):
    response = api(ada).get(f"/v2/datasets?{query}")
    assert error_of(response) == (400, "invalid-value")
    assert f'"{query.partition("=")[0]}"' in message_of(response)


@pytest.mark.parametrize(
    "address", ["0" * 17, "0" * 16, "0" * 18, "..", "%2e%2e", "%00", "a%2Fb", "%ED%A0%80", "ada~p%00"]
)
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_nothing_at_this_address(api, ada, address, method):
    response = getattr(api(ada), method)(f"/v2/datasets/{address}")
    assert response.status_code == 404
    assert response.json()["error"]["type"] in ("record-not-found", "page-not-found")


# Features


def test_the_list_by_ownership(api, ada, ben, cleo, prices, make_resource):
    unnamed = make_resource(Kind.DATASET, ada)
    of_ben = shared(make_resource(Kind.DATASET, ben, name="of-ben", general_access="RESTRICTED"), ada)
    make_resource(Kind.DATASET, cleo, name="open-by-link-only")
    make_resource(Kind.KEY_VALUE_STORE, ada, name="not-a-dataset")
    client = api(ada)

    def ids(query=""):
        answer = client.get(f"/v2/datasets?{query}").json()["data"]
        assert answer["total"] == answer["count"] == len(answer["items"])
        return [item["id"] for item in answer["items"]]

    assert ids() == [prices.pk, of_ben.pk]
    assert ids("unnamed=1") == [prices.pk, unnamed.pk, of_ben.pk]
    assert ids("unnamed=true&desc=1") == [of_ben.pk, unnamed.pk, prices.pk]
    assert ids("ownership=ownedByMe") == [prices.pk]
    assert ids("ownership=sharedWithMe") == [of_ben.pk]
    item = client.get("/v2/datasets?ownership=sharedWithMe").json()["data"]["items"][0]
    assert item["username"] == "ben"
    assert item["userId"] == ben.pk
    assert item["generalAccess"] == "RESTRICTED"


def test_the_list_page_by_page(api, ada, make_resource):
    ids = [make_resource(Kind.DATASET, ada, name=f"d{number}").pk for number in range(5)]
    answer = api(ada).get("/v2/datasets?offset=1&limit=2").json()["data"]
    assert [item["id"] for item in answer.pop("items")] == ids[1:3]
    assert answer == {"total": 5, "offset": 1, "limit": 2, "count": 2, "desc": False, "unnamed": False}
    assert api(ada).get("/v2/datasets?limit=5000").json()["data"]["limit"] == 1000
    assert api(ada).get("/v2/datasets?limit=0").json()["data"]["limit"] == 1000
    beyond = api(ada).get("/v2/datasets?offset=9007199254740991").json()["data"]
    assert (beyond["count"], beyond["items"], beyond["total"]) == (0, [], 5)
    assert api(ada).get("/v2/datasets?limit=x&limit=1").json()["data"]["count"] == 1


def test_get_or_create(api, ada, ben):
    made = api(ada).post("/v2/datasets?name=prices")
    assert made.status_code == 201
    dataset = made.json()["data"]
    assert made["Location"].endswith(f"/v2/datasets/{dataset['id']}")
    assert (dataset["name"], dataset["userId"], dataset["username"]) == ("prices", ada.pk, "ada")
    again = api(ada).post("/v2/datasets?name=prices")
    assert again.status_code == 200
    assert again.json()["data"]["id"] == dataset["id"]
    assert api(ben).post("/v2/datasets?name=prices").json()["data"]["id"] != dataset["id"]
    assert api(ada).post("/v2/datasets").json()["data"]["name"] is None
    assert api(ada).post("/v2/datasets").status_code == 201


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("{", "invalid-input"),
        ("[]", "invalid-value"),
        ('{"schema": 5}', "dataset-schema-invalid"),
        ('{"schema": []}', "dataset-schema-invalid"),
        ('{"schema": {"x": "%s"}}' % ("x" * 100_000), "dataset-schema-invalid"),
        ('{"schema": {"x": %s}}' % ("[" * 90_000 + "]" * 90_000), "invalid-input"),
        ('{"schema": {"x": "\\ud800"}}', "invalid-input"),
        (b'{"schema": {"x": "\xff"}}', "invalid-input"),
    ],
)
def test_schemas_that_cannot_be_make_no_dataset(api, ada, body, error):
    assert error_of(api(ada).post("/v2/datasets?name=prices", body, "application/json")) == (400, error)
    assert not Dataset.objects.exists()


def test_a_schema_is_kept_as_it_was_given_and_for_a_new_dataset_only(api, ada, ben):
    client = api(ada)

    def create(body, name="prices"):
        return client.post(f"/v2/datasets?name={name}", body, "application/json")

    schema = {"actorSpecification": 1, "fields": {"required": ["url"]}, "views": {"overview": {}}, "n": "\x00é"}
    made = create(json.dumps({"schema": schema}))
    assert (made.status_code, made.json()["data"]["schema"]) == (201, schema)
    again = create('{"schema": {"title": "Other"}}')
    assert (again.status_code, again.json()["data"]["schema"]) == (200, schema)
    assert client.get("/v2/datasets/ada~prices").json()["data"]["schema"] == schema
    assert "schema" not in client.get("/v2/datasets").json()["data"]["items"][0]
    assert create('{"schema": null}', "plain").json()["data"]["schema"] is None
    assert create("{}", "empty").json()["data"]["schema"] is None


@pytest.mark.django_db(transaction=True)
def test_get_or_create_raced(api, ada, token_of):
    headers = {"Authorization": f"Bearer {token_of(ada)}"}

    def make(_):
        try:
            return Client(headers=headers).post("/v2/datasets?name=raced")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(make, range(24)))
    assert sorted(answer.status_code for answer in answers) == [200] * 23 + [201]
    assert len({answer.json()["data"]["id"] for answer in answers}) == 1
    assert Dataset.objects.count() == 1


def test_one_dataset(api, ada, prices, make_resource, settings):
    data = api(ada).get(f"/v2/datasets/{prices.pk}").json()["data"]
    assert all(MOMENT.match(data.pop(name)) for name in ("createdAt", "modifiedAt", "accessedAt"))
    expected = {
        "id": prices.pk,
        "name": "prices",
        "title": None,
        "userId": ada.pk,
        "username": "ada",
        "generalAccess": "FOLLOW_USER_SETTING",
        "consoleUrl": f"{settings.PUBLIC_URL}/storage/datasets/{prices.pk}",
        "itemCount": 0,
        "cleanItemCount": 0,
        "actId": None,
        "actRunId": None,
        "fields": [],
        "schema": None,
        "stats": {"readCount": 0, "writeCount": 0, "storageBytes": 0},
    }
    assert {name: data[name] for name in expected} == expected
    assert "ada@example.com" not in str(data)


def test_the_default_dataset_of_a_run_names_run_and_actor(api, ada, make_resource):
    actor = make_resource(Kind.ACTOR, ada, name="crawler")
    run = make_resource(Kind.RUN, ada, actor=actor)
    dataset = make_resource(Kind.DATASET, ada, run=run)
    one = api(ada).get(f"/v2/datasets/{dataset.pk}").json()["data"]
    listed = api(ada).get("/v2/datasets?unnamed=1").json()["data"]["items"][0]
    assert (one["actId"], one["actRunId"]) == (listed["actId"], listed["actRunId"]) == (actor.pk, run.pk)


def test_update(api, ada, prices):
    before = prices.modified_at
    data = put(
        api(ada), prices.pk, {"name": "costs", "title": "Costs", "generalAccess": "ANYONE_WITH_NAME_CAN_READ", "new": 1}
    ).json()["data"]
    assert (data["name"], data["title"], data["generalAccess"]) == ("costs", "Costs", "ANYONE_WITH_NAME_CAN_READ")
    prices.refresh_from_db()
    assert prices.modified_at > before
    assert api().get("/v2/datasets/ada~costs").status_code == 200
    assert api().get("/v2/datasets/ada~prices").status_code == 404
    actions = AuditEvent.objects.filter(subject_id=prices.pk).values_list("action", flat=True)
    assert sorted(actions) == ["general_access.changed", "resource.renamed"]


def test_a_name_and_what_the_name_allows_come_in_one_request(api, ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada)
    level = {"generalAccess": "ANYONE_WITH_NAME_CAN_READ"}
    assert error_of(put(api(ada), dataset.pk, level)) == (400, "invalid-value")
    assert put(api(ada), dataset.pk, {"name": "costs", **level}).status_code == 200
    assert error_of(put(api(ada), dataset.pk, {"name": None, **level})) == (400, "invalid-value")
    data = put(api(ada), dataset.pk, {"name": None}).json()["data"]
    assert (data["name"], data["generalAccess"]) == (None, "ANYONE_WITH_ID_CAN_READ")


def test_delete(api, ada, ben, prices):
    shared(prices, ben, Permission.WRITE)
    response = api(ben).delete(f"/v2/datasets/{prices.pk}")
    assert (response.status_code, response.content) == (204, b"")
    assert error_of(api(ada).get(f"/v2/datasets/{prices.pk}")) == (404, "record-not-found")
    assert error_of(api(ada).delete(f"/v2/datasets/{prices.pk}")) == (404, "record-not-found")


def test_reads_are_counted_a_moment_later(api, ada, prices):
    client = api(ada)
    for _ in range(3):
        client.get(f"/v2/datasets/{prices.pk}")
    reads.flush()
    data = client.get(f"/v2/datasets/{prices.pk}").json()["data"]
    assert data["stats"]["readCount"] == 3
    assert data["accessedAt"] > data["createdAt"]


# Costs


def test_one_dataset_costs_the_token_and_the_check(api, ada, prices, django_assert_num_queries):
    client = api(ada)
    client.get(f"/v2/datasets/{prices.pk}")  # the server notes that it gives this token a key, once
    with django_assert_num_queries(2):
        client.get(f"/v2/datasets/{prices.pk}")
    with django_assert_num_queries(1):
        api().get(f"/v2/datasets/{prices.pk}")
    with django_assert_num_queries(2):
        assert client.get("/v2/datasets/ada~prices").status_code == 200


@pytest.mark.parametrize("rows", [1, 30])
def test_a_list_costs_the_same_however_long(api, ada, ben, make_resource, rows, django_assert_num_queries):
    actor = make_resource(Kind.ACTOR, ada)
    for number in range(rows):
        shared(make_resource(Kind.DATASET, ben, name=f"d{number}"), ada)
        make_resource(Kind.DATASET, ada, run=make_resource(Kind.RUN, ada, actor=actor))
    client = api(ada)
    with django_assert_num_queries(5):
        assert client.get("/v2/datasets?unnamed=1").json()["data"]["count"] == 2 * rows
