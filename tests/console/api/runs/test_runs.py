"""Runs over HTTP: who is refused what, and then what they are and do."""

import base64
import json

import pytest
from django.utils import timezone

from accounts.lib.ids import new_id
from accounts.models import ApiToken
from console.api.runs import wait_for_finish
from resources.datasets.writing import push
from resources.jobs.status import FINISHED, JobStatus
from resources.kinds import Kind
from resources.models import Actor, Dataset, KeyValueStore, Resource, Run, TaggedBuild, WebhookDispatch
from resources.records import writing
from resources.records.reading import find, open_current
from resources.runs import starting
from resources.runs.tokens import make_run_token
from tests.support.api import ApiClient, error_of, message_of
from tests.support.factories import built, built_actor
from tests.support.run_stage import at_work, ended

pytestmark = pytest.mark.django_db
JSON = "application/json"


@pytest.fixture
def actor(dan) -> Actor:
    return built_actor(dan, is_public=True)


@pytest.fixture
def private(dan) -> Actor:
    return built_actor(dan, name="secret")


@pytest.fixture
def run(actor, ada) -> Run:
    ada.general_access = "RESTRICTED"
    ada.save()
    return starting.start(actor, by=ada.principal)


def data(response, status=200):
    assert response.status_code == status, response.content
    return response.json()["data"]


def content(store_id, key):
    record, file = open_current(find(store_id, key))
    with file:
        return file.read(), record.content_type


# Refusals of starting


def test_more_than_an_account_may_have_at_once_is_refused(api, actor, ada, settings):
    settings.ACCOUNT_MAX_RUNS = 1
    data(api(ada).post(f"/v2/actors/{actor.pk}/runs"), 201)
    for path in ("runs", "run-sync", "run-sync-get-dataset-items"):
        refusal = api(ada).post(f"/v2/actors/{actor.pk}/{path}")
        assert error_of(refusal) == (402, "concurrent-runs-limit-exceeded")
    settings.ACCOUNT_MAX_RUNS, settings.ACCOUNT_MAX_MEMORY_MBYTES = 0, 1024
    assert error_of(api(ada).post(f"/v2/actors/{actor.pk}/runs")) == (402, "actor-memory-limit-exceeded")
    assert Run.objects.count() == 1


def test_starting_needs_somebody(api, actor):
    for path in ("runs", "run-sync", "run-sync-get-dataset-items"):
        assert error_of(api().post(f"/v2/actors/{actor.pk}/{path}")) == (401, "token-not-provided")
    assert not Run.objects.exists()


def test_a_private_actor_is_run_by_those_with_run_alone(api, private, ada, ben, cleo, give):
    give(private, ben, "RUN")
    give(private, cleo, "READ", "WRITE", "BUILD", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS")
    for path in ("runs", "run-sync", "run-sync-get-dataset-items"):
        assert error_of(api(ada).post(f"/v2/actors/{private.pk}/{path}")) == (404, "record-not-found")
        assert error_of(api(cleo).post(f"/v2/actors/{private.pk}/{path}")) == (403, "insufficient-permissions")
    assert not Run.objects.exists()
    assert data(api(ben).post(f"/v2/actors/{private.pk}/runs"), 201)["userId"] == ben.pk


def test_a_scoped_token_starts_what_its_scope_names(api, actor, private, ada):
    other = api(ada, scope=[{"kind": "actor", "permissions": ["READ"]}])
    assert error_of(other.post(f"/v2/actors/{actor.pk}/runs")) == (403, "insufficient-permissions")
    named = api(ada, scope=[{"kind": "actor", "permissions": ["RUN"], "resourceId": actor.pk}])
    assert named.post(f"/v2/actors/{actor.pk}/runs").status_code == 201


def test_a_scope_goes_no_further_by_starting_an_actor(api, actor, ada, make_resource):
    dataset = make_resource(Kind.DATASET, ada, name="prices", general_access="RESTRICTED")
    scope = [{"kind": "actor", "permissions": ["RUN"], "resourceId": actor.pk}]
    started = data(api(ada, scope=scope).generic("POST", f"/v2/actors/{actor.pk}/runs"), 201)
    at_work(started["id"])
    client = ApiClient(make_run_token(Run.objects.get(pk=started["id"])))
    assert error_of(client.get(f"/v2/datasets/{dataset.pk}")) == (403, "insufficient-permissions")
    assert error_of(client.get("/v2/datasets")) == (403, "insufficient-permissions")
    own = started["defaultDatasetId"]
    assert client.post(f"/v2/datasets/{own}/items", '{"a": 1}', content_type=JSON).status_code == 201
    assert data(client.get(f"/v2/actor-runs/{started['id']}"))["id"] == started["id"]


@pytest.mark.parametrize("path", ["run-sync", "run-sync-get-dataset-items"])
def test_a_scope_that_lets_start_but_not_read_gets_no_output(api, actor, ada, monkeypatch, path):
    def finish(request, run: Run, seconds: float) -> bool:
        at_work(run.pk)
        ended(run.pk)
        run.refresh_from_db()
        return True

    monkeypatch.setattr(wait_for_finish, "wait", finish)
    ada.general_access = "RESTRICTED"
    ada.save()
    start = [{"kind": "actor", "permissions": ["RUN"], "resourceId": actor.pk}]
    read = [{"kind": kind, "permissions": ["READ"]} for kind in ("dataset", "keyValueStore")]

    refused = api(ada, scope=start).post(f"/v2/actors/{actor.pk}/{path}")
    assert error_of(refused) == (403, "insufficient-permissions")
    for by in (api(ada, scope=start + read), api(ada)):
        assert by.post(f"/v2/actors/{actor.pk}/{path}").status_code == 201


@pytest.mark.parametrize("text", ["%%%", "e30=", base64.b64encode(b'[{"eventTypes": ["X"]}]').decode()])
def test_wrong_webhooks_start_nothing(api, actor, ada, text):
    response = api(ada).post(f"/v2/actors/{actor.pk}/runs", query_params={"webhooks": text})
    assert error_of(response) == (400, "invalid-value")
    assert not Run.objects.exists()


def test_webhooks_of_one_run(api, actor, ada):
    hooks = [{"eventTypes": ["ACTOR.RUN.CREATED", "ACTOR.RUN.SUCCEEDED"], "requestUrl": "https://example.com/hook"}]
    text = base64.b64encode(json.dumps(hooks).encode()).decode()
    started = data(api(ada).post(f"/v2/actors/{actor.pk}/runs", query_params={"webhooks": text}), 201)
    at_work(started["id"])
    ended(started["id"])
    sent = WebhookDispatch.objects.order_by("created_at").values_list("event_type", "webhook__run_id")
    assert list(sent) == [("ACTOR.RUN.CREATED", started["id"]), ("ACTOR.RUN.SUCCEEDED", started["id"])]


def test_a_task_is_run_by_those_who_may_read_it_and_run_its_actor(api, private, ada, ben, cleo, give, make_resource):
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=private.pk, input='{"secret": 1}')
    at = f"/v2/actor-tasks/{task.pk}/runs"
    assert error_of(api().post(at)) == (401, "token-not-provided")
    assert error_of(api(ada).post(at)) == (404, "record-not-found")  # owns the task, and may not run the Actor
    give(private, ben, "RUN")
    assert error_of(api(ben).post(at)) == (404, "record-not-found")  # may run the Actor, and does not see the task
    give(task, ben)
    give(task, cleo, "READ", "WRITE", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS")
    assert error_of(api(cleo).post(at)) == (404, "record-not-found")
    give(private, cleo, "READ")
    assert error_of(api(cleo).post(at)) == (403, "insufficient-permissions")
    assert not Run.objects.exists()
    started = data(api(ben).generic("POST", at), 201)
    assert (started["userId"], started["actorTaskId"], started["actId"]) == (ben.pk, task.pk, private.pk)
    assert content(started["defaultKeyValueStoreId"], "INPUT")[0] == b'{"secret": 1}'


def test_a_task_without_its_actor_is_not_run(api, ada, make_resource):
    task = make_resource(Kind.TASK, ada, name="mine")
    assert error_of(api(ada).post(f"/v2/actor-tasks/{task.pk}/runs")) == (404, "record-not-found")


@pytest.mark.parametrize(
    ("query", "type_"),
    [
        ("memory=100", "invalid-value"),
        ("memory=x", "invalid-value"),
        ("timeout=-1", "invalid-value"),
        ("timeout=99999999999", "invalid-value"),
        ("maxItems=0", "max-items-must-be-greater-than-zero"),
        ("maxTotalChargeUsd=0", "max-total-charge-usd-must-be-greater-than-zero"),
        ("maxTotalChargeUsd=nan", "invalid-value"),
        ("build=beta", "unknown-build-tag"),
        ("build=9.9.9", "build-not-found"),
        ("build=%00", "invalid-value"),
        ("restartOnError=maybe", "invalid-value"),
        ("waitForFinish=long", "invalid-value"),
    ],
)
def test_impossible_options_start_nothing(api, actor, ada, query, type_):
    assert error_of(api(ada).post(f"/v2/actors/{actor.pk}/runs?{query}")) == (400, type_)
    assert not Run.objects.exists()


@pytest.mark.parametrize("query", ["format=pdf", "limit=x", "clean=maybe"])
def test_items_that_cannot_be_had_start_nothing(api, actor, ada, query):
    response = api(ada).post(f"/v2/actors/{actor.pk}/run-sync-get-dataset-items?{query}")
    assert error_of(response) == (400, "invalid-value")
    assert not Run.objects.exists()


def test_whoever_only_looks_starts_nothing(api, actor, ada):
    for path in ("run-sync", "run-sync-get-dataset-items"):
        assert api(ada).head(f"/v2/actors/{actor.pk}/{path}").status_code == 405
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", [b"{", b'{"a": 1} x', b'{"a": "\xff"}'])
def test_json_that_is_none_is_no_input(api, actor, ada, body):
    response = api(ada).post(f"/v2/actors/{actor.pk}/runs", body, content_type=JSON)
    assert error_of(response) == (400, "run-input-body-not-valid-json")
    assert not Run.objects.exists()


def test_an_actor_without_builds_is_not_run(api, actor, ada):
    TaggedBuild.objects.all().delete()
    assert error_of(api(ada).post(f"/v2/actors/{actor.pk}/runs")) == (400, "unknown-build-tag")


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"[1]", JSON, (400, "input-json-not-object")),
        (b"{", JSON, (400, "run-input-body-not-valid-json")),
        (b"a=1", "application/x-www-form-urlencoded", (415, "invalid-content-type-header")),
    ],
)
def test_what_cannot_go_over_a_tasks_input(api, actor, ada, make_resource, body, content_type, expected):
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk)
    assert error_of(api(ada).post(f"/v2/actor-tasks/{task.pk}/runs", body, content_type=content_type)) == expected
    assert not Run.objects.exists()


# Starting: what comes of it


def test_a_run_is_started_with_its_input_and_options(api, actor, ada):
    query = "timeout=30&memory=256&maxItems=7&maxTotalChargeUsd=1.5&restartOnError=1&build=0.1.1"
    response = api(ada).post(
        f"/v2/actors/{actor.pk}/runs?{query}", b'{"a": 1}', content_type=JSON, headers={"User-Agent": "curl/8"}
    )
    run = data(response, 201)
    assert response["Location"].endswith(f"/v2/actors/{actor.pk}/runs/{run['id']}")
    assert run["status"] == "READY"
    assert run["options"] == {
        "build": "0.1.1",
        "timeoutSecs": 30,
        "memoryMbytes": 256,
        "diskMbytes": 512,
        "restartOnError": True,
        "maxItems": 7,
        "maxTotalChargeUsd": 1.5,
    }
    assert (run["userId"], run["actId"], run["buildNumber"]) == (ada.pk, actor.pk, "0.1.1")
    assert run["meta"] == {"origin": "API", "clientIp": "127.0.0.1", "userAgent": "curl/8"}
    assert run["stats"]["inputBodyLen"] == 8
    assert content(run["defaultKeyValueStoreId"], "INPUT") == (b'{"a": 1}', JSON)
    assert data(api(ada).get(f"/v2/datasets/{run['defaultDatasetId']}"))["actRunId"] == run["id"]
    assert data(api(ada).get(response["Location"].partition("localhost:8000")[2]))["id"] == run["id"]


def test_any_body_is_an_input_and_none_is_none(api, actor, ada):
    binary = data(api(ada).post(f"/v2/actors/{actor.pk}/runs", b"\x00\xff", content_type="image/x"), 201)
    assert content(binary["defaultKeyValueStoreId"], "INPUT") == (b"\x00\xff", "image/x")
    empty = data(api(ada).generic("POST", f"/v2/actors/{actor.pk}/runs"), 201)
    assert find(empty["defaultKeyValueStoreId"], "INPUT") is None


def test_a_task_gives_what_the_request_does_not(api, actor, ada, make_resource):
    task = make_resource(
        Kind.TASK, ada, name="mine", actor_id=actor.pk, input='{"a": 1, "b": 2}', options='{"timeoutSecs": 9}'
    )
    at = f"/v2/actor-tasks/{task.pk}/runs"
    plain = data(api(ada).generic("POST", at), 201)
    assert json.loads(content(plain["defaultKeyValueStoreId"], "INPUT")[0]) == {"a": 1, "b": 2}
    assert plain["options"]["timeoutSecs"] == 9
    given = data(api(ada).post(f"{at}?timeout=4", b'{"b": 3, "c": 4}', content_type=JSON), 201)
    assert json.loads(content(given["defaultKeyValueStoreId"], "INPUT")[0]) == {"a": 1, "b": 3, "c": 4}
    assert given["options"]["timeoutSecs"] == 4
    by_name = data(api(ada).generic("POST", "/v2/actor-tasks/ada~mine/runs"), 201)
    assert by_name["actorTaskId"] == task.pk


def test_what_a_run_starts_comes_from_an_actor(actor, run):
    at_work(run)
    started = data(ApiClient(make_run_token(run)).post(f"/v2/actors/{actor.pk}/runs"), 201)
    assert (started["meta"]["origin"], started["userId"]) == ("ACTOR", run.owner_id)


# One run: refusals


def test_a_restricted_run_is_read_by_those_with_access_alone(api, run, ada, ben, cleo, dan, give):
    at = f"/v2/actor-runs/{run.pk}"
    for client in (api(), api(cleo), api(dan)):
        assert error_of(client.get(at)) == (403, "insufficient-permissions")
    give(run, ben)
    assert data(api(ben).get(at))["id"] == run.pk
    assert error_of(api(ada).get(f"/v2/actor-runs/{new_id()}")) == (404, "record-not-found")


@pytest.mark.parametrize("verb", ["abort", "reboot", "resurrect", "metamorph?targetActorId=x", "charge"])
def test_a_reader_does_nothing_to_a_run(api, run, ben, cleo, give, verb):
    at_work(run)
    give(run, ben)
    at = f"/v2/actor-runs/{run.pk}/{verb}"
    assert error_of(api().post(at)) == (401, "token-not-provided")
    assert error_of(api(cleo).post(at)) == (403, "insufficient-permissions")
    assert error_of(api(ben).post(at)) == (403, "insufficient-permissions")
    run.refresh_from_db()
    assert run.status == JobStatus.RUNNING


def test_a_writer_does_not_choose_what_the_owners_token_is_given_to(api, actor, run, ben, give):
    own = built_actor(ben, name="thief", is_public=True)
    give(run, ben, "WRITE")
    at_work(run)
    response = api(ben).post(f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={own.pk}")
    assert error_of(response) == (403, "insufficient-permissions")
    ended(run)
    built(actor, "0.1.2", "beta")
    assert error_of(api(ben).post(f"/v2/actor-runs/{run.pk}/resurrect?build=beta")) == (403, "insufficient-permissions")
    run.refresh_from_db()
    assert (run.build_number, run.status) == ("0.1.1", "SUCCEEDED")
    assert data(api(ben).post(f"/v2/actor-runs/{run.pk}/resurrect"))["status"] == "READY"


def test_what_may_no_longer_be_run_is_not_resurrected(api, actor, run, ada):
    ended(run)
    Resource.objects.filter(pk=actor.pk).update(is_public=False)
    assert error_of(api(ada).post(f"/v2/actor-runs/{run.pk}/resurrect")) == (404, "record-not-found")
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED


def test_what_a_run_was_turned_into_may_no_longer_be_run_either(api, dan, run, ada):
    target = built_actor(dan, name="finder", is_public=True)
    at_work(run)
    data(api(ada).post(f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={target.pk}"))
    ended(run)
    Resource.objects.filter(pk=target.pk).update(is_public=False)
    assert error_of(api(ada).post(f"/v2/actor-runs/{run.pk}/resurrect")) == (404, "record-not-found")


def test_a_run_turns_only_into_what_its_owner_may_run(api, private, run, ada):
    at_work(run)
    at = f"/v2/actor-runs/{run.pk}/metamorph"
    assert error_of(api(ada).post(f"{at}?targetActorId={private.pk}")) == (404, "record-not-found")
    assert error_of(api(ada).post(at)) == (400, "parameter-required")
    run.refresh_from_db()
    assert run.metamorphs == []


@pytest.mark.parametrize("status", sorted(set(JobStatus) - FINISHED))
def test_what_has_not_finished_is_neither_deleted_nor_resurrected(api, run, ada, status):
    at_work(run, status)
    assert error_of(api(ada).delete(f"/v2/actor-runs/{run.pk}")) == (400, "cannot-remove-running-run")
    assert error_of(api(ada).post(f"/v2/actor-runs/{run.pk}/resurrect")) == (400, "operation-not-allowed")


def test_what_does_not_run_is_not_restarted(api, actor, run, ada):
    for path in ("reboot", f"metamorph?targetActorId={actor.pk}"):
        assert error_of(api(ada).post(f"/v2/actor-runs/{run.pk}/{path}")) == (400, "operation-not-allowed")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"statusMessage": 1}, (400, "invalid-value")),
        ({"statusMessage": "a\x00b"}, (400, "invalid-value")),
        ({"statusMessage": "x" * 1001}, (400, "invalid-value")),
        ({"isStatusMessageTerminal": True}, (400, "cannot-set-is-status-message-terminal")),
        ({"runId": "x", "statusMessage": "hi"}, (400, "id-does-not-match")),
        ({"status": "SUCCEEDED"}, (400, "invalid-value")),
        ({"statusMessage": "hi", "generalAccess": "OPEN"}, (400, "invalid-value")),
    ],
)
def test_wrong_changes_change_nothing(api, run, ada, change, expected):
    response = api(ada).put(f"/v2/actor-runs/{run.pk}", json.dumps(change), content_type=JSON)
    assert error_of(response) == expected
    run.refresh_from_db()
    assert (run.status_message, run.is_status_message_terminal, run.status) == ("", False, "READY")


def test_each_field_needs_its_permission(api, run, ben, cleo, give):
    give(run, ben, "WRITE")
    give(run, cleo, "MANAGE_ACCESS_RIGHTS")
    message, level = {"statusMessage": "hi"}, {"generalAccess": "ANYONE_WITH_ID_CAN_READ"}

    def put(person, change):
        return api(person).put(f"/v2/actor-runs/{run.pk}", json.dumps(change), content_type=JSON)

    refused = (403, "insufficient-permissions-to-change-field")
    assert error_of(put(ben, message | level)) == refused
    assert error_of(put(cleo, message | level)) == refused
    run.refresh_from_db()
    assert (run.status_message, run.general_access) == ("", "FOLLOW_USER_SETTING")
    assert data(put(ben, message))["statusMessage"] == "hi"
    assert data(put(cleo, level))["generalAccess"] == "ANYONE_WITH_ID_CAN_READ"


# One run: what it is and does


def test_what_a_run_has_used_is_for_those_who_say_who_they_are(api, run, ada, ben, give):
    Run.objects.filter(pk=run.pk).update(general_access="ANYONE_WITH_ID_CAN_READ", client_ip="10.1.2.3")
    at = f"/v2/actor-runs/{run.pk}"
    anonymous, reader, owner = data(api().get(at)), data(api(ben).get(at)), data(api(ada).get(at))
    assert not {"usage", "usageTotalUsd", "usageUsd"} & set(anonymous)
    assert "ACTOR_COMPUTE_UNITS" in reader["usage"]
    assert "clientIp" not in anonymous["meta"]
    assert "clientIp" not in reader["meta"]
    assert owner["meta"]["clientIp"] == "10.1.2.3"


def test_a_run_that_waits_tells_its_owner_its_place_in_the_queue(api, run, actor, ada, ben, give):
    give(run, ben, "READ")
    second = starting.start(actor, by=ada.principal)
    at = "/v2/actor-runs"
    assert [data(api(ada).get(f"{at}/{each.pk}"))["queuePlace"] for each in (run, second)] == [1, 2]
    assert "queuePlace" not in data(api(ben).get(f"{at}/{run.pk}"))
    at_work(run)
    assert "queuePlace" not in data(api(ada).get(f"{at}/{run.pk}"))
    assert data(api(ada).get(f"{at}/{second.pk}"))["queuePlace"] == 1


def test_statistics_are_of_what_has_been_used(api, run, ada):
    now = timezone.now()
    Run.objects.filter(pk=run.pk).update(
        status="SUCCEEDED",
        started_at=now - timezone.timedelta(seconds=90),
        finished_at=now,
        before_millis=90_000,
        memory_mbytes=2048,
        cpu_millis=45_000,
        memory_max_bytes=5,
        migration_count=2,
    )
    push(Dataset.objects.get(run_id=run.pk).pk, b'[{"a": 1}]')
    described = data(api(ada).get(f"/v2/actor-runs/{run.pk}"))
    stats = described["stats"]
    assert (stats["durationMillis"], stats["runTimeSecs"], stats["computeUnits"]) == (180_000, 180.0, 0.1)
    assert stats["migrationCount"] == 2
    assert (stats["cpuAvgUsage"], stats["memMaxBytes"]) == (25.0, 5)
    assert (stats["cpuMaxUsage"], stats["cpuCurrentUsage"], stats["memCurrentBytes"]) == (25.0, 0.0, 0)
    assert (stats["netRxBytes"], stats["netTxBytes"]) == (0, 0)
    assert described["usage"]["DATASET_WRITES"] == 1


def test_a_status_message_is_the_last_one_only_when_it_says_so(api, run, ada):
    at = f"/v2/actor-runs/{run.pk}"
    body = {"runId": run.pk, "statusMessage": "Done", "isStatusMessageTerminal": True}
    assert data(api(ada).put(at, json.dumps(body), content_type=JSON))["isStatusMessageTerminal"] is True
    later = data(api(ada).put(at, json.dumps({"statusMessage": "Really"}), content_type=JSON))
    assert (later["statusMessage"], later["isStatusMessageTerminal"]) == ("Really", None)
    assert data(api(ada).put(at, json.dumps({"statusMessage": "", "isStatusMessageTerminal": None}), content_type=JSON))
    ended(run)
    assert data(api(ada).get(at))["isStatusMessageTerminal"] is True  # the server's own


def test_the_level_that_crawlee_sends_along_with_a_status_message_is_let_through(api, run, ada):
    body = {"statusMessage": "Crawled 3/5 pages", "level": "INFO"}
    assert data(api(ada).put(f"/v2/actor-runs/{run.pk}", json.dumps(body), content_type=JSON))["statusMessage"] == (
        "Crawled 3/5 pages"
    )


def test_a_run_says_what_its_actor_cost_when_it_was_started(api, run, ada):
    at = f"/v2/actor-runs/{run.pk}"
    assert "pricingInfo" not in data(api(ada).get(at))
    prices = [
        {"pricingModel": "FREE", "startedAt": "2020-01-01T00:00:00.000Z"},
        {"pricingModel": "PAY_PER_EVENT", "startedAt": "2021-01-01T00:00:00.000Z", "pricingPerEvent": {}},
        {"pricingModel": "FREE", "startedAt": "2999-01-01T00:00:00.000Z"},
    ]
    Actor.objects.filter(pk=run.actor_id).update(details=json.dumps({"pricingInfos": prices}))
    assert data(api(ada).get(at))["pricingInfo"] == prices[1]


def test_abort(api, run, ada):
    at = f"/v2/actor-runs/{run.pk}/abort"
    at_work(run)
    assert data(api(ada).post(f"{at}?gracefully=true"))["status"] == "ABORTING"
    ended(run, JobStatus.ABORTED)
    finished = data(api(ada).post(at))
    assert (finished["status"], finished["statusMessage"]) == ("ABORTED", "Actor run was aborted")


def test_reboot_metamorph_resurrect_and_charge(api, dan, run, ada):
    finder = built_actor(dan, name="finder", is_public=True, number="1.0.1")
    at, client = f"/v2/actor-runs/{run.pk}", api(ada)
    at_work(run, event_prices={"page": 0.1})
    assert data(client.post(f"{at}/reboot"))["stats"]["rebootCount"] == 1
    turned = data(client.post(f"{at}/metamorph?targetActorId=dan~finder", b'{"q": 1}', content_type=JSON))
    assert (turned["buildNumber"], turned["metamorphs"][0]["actorId"]) == ("1.0.1", finder.pk)
    assert content(turned["defaultKeyValueStoreId"], "INPUT-METAMORPH-1")[0] == b'{"q": 1}'
    turned = data(client.post(f"{at}/metamorph?targetActorId=dan~finder", b"null", content_type=JSON))
    assert turned["metamorphs"][1]["inputKey"] is None  # what the Python client sends without an input
    for _ in range(2):
        charged = client.post(
            f"{at}/charge", '{"eventName": "page", "count": 3}', content_type=JSON, headers={"Idempotency-Key": "k"}
        )
        assert charged.status_code == 201
    assert data(client.get(at))["chargedEventCounts"] == {"page": 3}
    ended(run)
    for action in ("reboot", "metamorph?targetActorId=dan~finder", "charge"):
        refused = client.post(f"{at}/{action}", '{"eventName": "page", "count": 1}', content_type=JSON)
        assert error_of(refused) == (400, "job-finished")
        assert "already finished" in message_of(refused)
    again = data(client.post(f"{at}/resurrect?timeout=5&memory=128"))
    early = client.post(f"{at}/reboot")
    assert error_of(early) == (400, "operation-not-allowed")
    assert "finished" not in message_of(early)
    assert (again["status"], again["options"]["timeoutSecs"], again["options"]["memoryMbytes"]) == ("READY", 5, 128)
    assert error_of(client.post(f"{at}/charge", '{"eventName": ""}', content_type=JSON)) == (400, "invalid-value")


def test_deleting_a_run_deletes_its_storages(api, run, ada):
    ended(run)
    store = KeyValueStore.objects.get(run_id=run.pk)
    writing.write(store.pk, "OUTPUT", [b"x"], content_type="text/plain")
    assert api(ada).delete(f"/v2/actor-runs/{run.pk}").status_code == 204
    assert not Resource.objects.filter(owner=ada).exists()
    assert error_of(api(ada).get(f"/v2/actor-runs/{run.pk}")) == (404, "record-not-found")
    assert error_of(api(ada).get(f"/v2/key-value-stores/{store.pk}")) == (404, "record-not-found")


def test_a_run_is_found_below_its_actor_and_no_other(api, actor, private, run, ada, ben):
    for address in (actor.pk, "dan~counter"):
        assert data(api(ada).get(f"/v2/actors/{address}/runs/{run.pk}"))["id"] == run.pk
        assert data(api(ada).get(f"/v2/acts/{address}/runs/{run.pk}"))["id"] == run.pk
    for address in (private.pk, "dan~secret", new_id(), "x"):
        assert error_of(api(ada).get(f"/v2/actors/{address}/runs/{run.pk}")) == (404, "record-not-found")


def test_the_token_of_a_run_speaks_for_its_owner_until_the_end(run, ada):
    at_work(run)
    client = ApiClient(make_run_token(run))
    assert data(client.get(f"/v2/actor-runs/{run.pk}"))["id"] == run.pk
    assert data(client.get("/v2/users/me"))["id"] == ada.pk
    ended(run)
    assert error_of(client.get(f"/v2/actor-runs/{run.pk}")) == (401, "user-or-token-not-found")
    assert not ApiToken.objects.filter(account=ada).exists()


# Lists


def test_a_list_needs_somebody_with_a_scope_for_runs(api, actor, ada):
    for at in ("/v2/actor-runs", f"/v2/actors/{actor.pk}/runs"):
        assert error_of(api().get(at)) == (401, "token-not-provided")
        scoped = api(ada, scope=[{"kind": "actor", "permissions": ["READ"]}])
        assert error_of(scoped.get(at)) == (403, "insufficient-permissions")
    assert error_of(api(ada).get(f"/v2/actors/{new_id()}/runs")) == (404, "record-not-found")


@pytest.mark.parametrize(
    "query", ["status=DONE", "status=READY,x", "startedAfter=yesterday", "startedBefore=2025", "limit=x", "desc=2"]
)
def test_wrong_filters_are_refused(api, ada, query):
    assert error_of(api(ada).get(f"/v2/actor-runs?{query}")) == (400, "invalid-value")


def test_lists_are_of_what_one_may_read(api, actor, private, ada, ben, dan, cleo, give):
    mine = starting.start(actor, by=ada.principal)
    of_ben = starting.start(actor, by=ben.principal)
    of_dan = starting.start(private, by=dan.principal)
    give(private, ada, "VIEW_OWNER_RUNS")

    def ids(client, at, **query):
        return [item["id"] for item in data(client.get(at, query))["items"]]

    assert ids(api(ada), "/v2/actor-runs") == [mine.pk, of_dan.pk]
    assert ids(api(ada), "/v2/actor-runs", desc="1", limit="1") == [of_dan.pk]
    assert ids(api(ada), "/v2/actor-runs", ownership="ownedByMe") == [mine.pk]
    assert ids(api(ada), f"/v2/actors/{actor.pk}/runs") == [mine.pk]
    assert ids(api(ada), f"/v2/actors/{private.pk}/runs") == [of_dan.pk]
    assert ids(api(ben), "/v2/actors/dan~counter/runs") == [of_ben.pk]
    assert ids(api(cleo), f"/v2/actors/{actor.pk}/runs") == []
    assert ids(api(dan), f"/v2/actors/{actor.pk}/runs") == []


def test_lists_are_filtered_by_status_and_time(api, actor, ada, make_resource):
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk)
    first, second, third = (starting.start(actor, by=ada.principal, task=task) for _ in range(3))
    ended(first)
    at_work(second)

    def ids(at, **query):
        found = data(api(ada).get(at, query))
        assert found["total"] == len(found["items"])
        return [item["id"] for item in found["items"]]

    started = data(api(ada).get(f"/v2/actor-runs/{second.pk}"))["startedAt"]
    Run.objects.filter(pk=first.pk).update(created_at=first.created_at - timezone.timedelta(hours=1))
    Run.objects.filter(pk=first.pk).update(list_at=first.created_at - timezone.timedelta(hours=1))
    Run.objects.filter(pk=third.pk).update(created_at=third.created_at + timezone.timedelta(hours=1))
    for at in ("/v2/actor-runs", f"/v2/actors/{actor.pk}/runs", f"/v2/actor-tasks/{task.pk}/runs"):
        assert ids(at, status="SUCCEEDED") == [first.pk]
        assert ids(at, status="SUCCEEDED,RUNNING") == [first.pk, second.pk]
        assert ids(at, status="ABORTED") == []
        assert ids(at, startedAfter=started) == [second.pk, third.pk]
        assert ids(at, startedBefore=started) == [first.pk, second.pk]
        assert ids(at, startedAfter=started, startedBefore=started) == [second.pk]
        assert ids(at, status="SUCCEEDED", startedAfter=started) == []


def test_a_list_costs_the_same_however_long(api, actor, ada, django_assert_max_num_queries):
    client = api(ada)
    for _ in range(4):
        starting.start(actor, by=ada.principal)
    with django_assert_max_num_queries(6) as few:
        client.get("/v2/actor-runs?limit=1")
    with django_assert_max_num_queries(len(few)):
        found = data(client.get("/v2/actor-runs"))
    assert len(found["items"]) == 4
    assert {"defaultDatasetId", "buildId", "meta", "usageTotalUsd"} <= set(found["items"][0])


@pytest.mark.parametrize("said", ["CI", "CLI", "MCP", "APIFY_AI"])
def test_clients_say_what_called_them(api, actor, ada, said):
    client = api(ada)
    run = data(client.post(f"/v2/actors/{actor.pk}/runs", headers={"X-Apify-Request-Origin": said.lower()}), 201)
    assert run["meta"]["origin"] == said
    assert data(client.get(f"/v2/actors/{actor.pk}/runs/last?origin={said}"))["id"] == run["id"]


@pytest.mark.parametrize("said", ["WEB", "SCHEDULER", "MOON", ""])
def test_what_only_the_server_knows_is_not_for_clients_to_say(api, actor, ada, said):
    run = data(api(ada).post(f"/v2/actors/{actor.pk}/runs", headers={"X-Apify-Request-Origin": said}), 201)
    assert run["meta"]["origin"] == "API"
