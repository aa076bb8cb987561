"""`/v2/webhooks` and `/v2/webhook-dispatches`: webhooks, which only their owner sees."""

import pytest

from accounts import tokens
from accounts.models import Account, AuditEvent
from accounts.organizations import roles
from resources.kinds import Kind
from resources.models import Webhook, WebhookDispatch
from resources.webhooks import events
from resources.webhooks.editing import InvalidWebhook, WebhookChange, add_ad_hoc
from tests.support.api import ApiClient, data_of, error_of, send
from tests.support.factories import make_webhook
from tests.support.organizations import acting, join, make_organization

URL = "https://example.com/hook"


@pytest.fixture
def actor(ada, make_resource):
    return make_resource(Kind.ACTOR, ada, name="finder")


@pytest.fixture
def task(ada, actor, make_resource):
    return make_resource(Kind.TASK, ada, name="prices", actor_id=actor.pk)


@pytest.fixture
def run(ada, actor, task, make_resource):
    return make_resource(Kind.RUN, ada, actor_id=actor.pk, task_id=task.pk)


@pytest.fixture
def body(actor):
    """What makes a webhook of ada's on her Actor, with what is given instead."""

    def make(**fields):
        return {
            "eventTypes": ["ACTOR.RUN.SUCCEEDED"],
            "condition": {"actorId": actor.pk},
            "requestUrl": URL,
            **fields,
        }

    return make


@pytest.fixture
def webhook(ada, actor):
    headers = '{"Authorization": "Bearer secret"}'
    return make_webhook(ada, "ACTOR.RUN.SUCCEEDED", actor=actor, request_url=URL, headers_template=headers)


# Refusals


def test_nobody_has_webhooks(api, webhook, body):
    client = api()
    one = f"/v2/webhooks/{webhook.pk}"
    answers = [
        client.get("/v2/webhooks"),
        send(client, "post", "/v2/webhooks", body()),
        client.get(one),
        send(client, "put", one, {"description": "x"}),
        client.delete(one),
        client.post(f"{one}/test"),
        client.get(f"{one}/dispatches"),
        client.get("/v2/webhook-dispatches"),
        client.get("/v2/webhook-dispatches/x"),
        client.get(f"/v2/actors/{webhook.actor_id}/webhooks"),
    ]
    assert {error_of(answer) for answer in answers} == {(401, "token-not-provided")}


def test_others_do_not_see_that_there_is_one(api, webhook, actor, ben, give):
    give(actor, ben, "READ", "WRITE", "RUN", "BUILD", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS")
    (made,) = events.dispatch([webhook], events.TEST, {})
    client = api(ben)
    one = f"/v2/webhooks/{webhook.pk}"
    answers = [
        client.get(one),
        send(client, "put", one, {"requestUrl": "https://evil.example"}),
        client.delete(one),
        client.post(f"{one}/test"),
        client.get(f"{one}/dispatches"),
        client.get(f"/v2/webhook-dispatches/{made.pk}"),
    ]
    assert {error_of(answer) for answer in answers} == {(404, "record-not-found")}
    for url in ("/v2/webhooks", "/v2/webhook-dispatches", f"/v2/actors/{actor.pk}/webhooks"):
        assert client.get(url).json()["data"]["total"] == 0
    webhook.refresh_from_db()
    assert webhook.request_url == URL


def test_a_scoped_token_reaches_them_only_if_it_is_for_all_actors_and_what_they_tell_of(api, webhook, ada, actor, body):
    one = f"/v2/webhooks/{webhook.pk}"
    of_one = api(ada, scope=[{"kind": "actor", "permissions": ["WRITE"], "resourceId": actor.pk}])
    of_data = api(ada, scope=[{"kind": "dataset", "permissions": ["READ", "WRITE"]}])
    of_no_runs = api(ada, scope=[{"kind": kind, "permissions": ["WRITE"]} for kind in ("actor", "build")])
    reading = api(ada, scope=[{"kind": kind, "permissions": ["READ"]} for kind in ("actor", "run", "build")])
    for client in (of_one, of_data, of_no_runs):
        for url in ("/v2/webhooks", one, f"{one}/dispatches", "/v2/webhook-dispatches"):
            assert error_of(client.get(url)) == (403, "insufficient-permissions")
    assert reading.get(one).status_code == 200
    assert error_of(send(reading, "put", one, {"requestUrl": "https://evil.example"})) == (
        403,
        "insufficient-permissions",
    )
    assert error_of(send(reading, "post", "/v2/webhooks", body())) == (403, "insufficient-permissions")


def test_templates_are_shown_to_those_who_may_change_a_webhook(ada, ben, cleo):
    acme = make_organization(ada)
    of_acme = make_webhook(acme, "ACTOR.RUN.SUCCEEDED", headers_template='{"Authorization": "Bearer secret"}')

    def said(person: Account, role: str) -> dict:
        text = tokens.create(acme, "mine", by=join(acme, person, role), member_id=person.pk)[1]
        return data_of(ApiClient(text).get(f"/v2/webhooks/{of_acme.pk}"))

    assert "secret" in said(ben, "Developer")["headersTemplate"]
    reader = said(cleo, "Read only")
    assert reader["requestUrl"] == of_acme.request_url
    assert not {"headersTemplate", "payloadTemplate"} & set(reader)


@pytest.mark.parametrize("lacking", ["actor", "run", "build"])
def test_the_lists_of_an_actor_and_a_task_take_a_scope_for_all_that_they_tell_of(api, dan, actor, task, lacking):
    """Also of a public Actor, which each token may read."""
    actor.is_public = True
    actor.save()
    make_webhook(dan, actor=actor, request_url=f"{URL}?secret")
    kinds = ({"actor", "run", "build"} - {lacking}) | {"task", "dataset"}
    held_back = api(dan, scope=[{"kind": kind, "permissions": ["READ"]} for kind in kinds])
    reading = api(dan, scope=[{"kind": kind, "permissions": ["READ"]} for kind in ("actor", "run", "build")])
    for url in (f"/v2/actors/{actor.pk}/webhooks", f"/v2/actor-tasks/{task.pk}/webhooks"):
        assert error_of(held_back.get(url)) == (403, "insufficient-permissions")
    assert reading.get(f"/v2/actors/{actor.pk}/webhooks").json()["data"]["total"] == 1


def test_the_lists_of_an_actor_and_a_task_take_a_role_for_all_that_they_tell_of(api, ada, ben, make_resource):
    acme = make_organization(ada)
    roles.add(acme, "Reader", {"actors": ["READ"], "tasks": ["READ"]}, by=acting(ada, acme))
    actor = make_resource(Kind.ACTOR, acme, name="finder")
    task = make_resource(Kind.TASK, acme, name="prices", actor_id=actor.pk)
    make_webhook(acme, actor=actor, request_url=URL)
    _, text = tokens.create(acme, "mine", by=join(acme, ben, "Reader"), member_id=ben.pk)
    for url in ("/v2/webhooks", f"/v2/actors/{actor.pk}/webhooks", f"/v2/actor-tasks/{task.pk}/webhooks"):
        refused = ApiClient(text).get(url)
        assert error_of(refused) == (403, "insufficient-permissions")
        assert refused.json()["error"]["data"] == {"heldBackBy": "ROLE", "permission": "READ", "kind": "run"}


def test_a_scope_changes_webhooks_only_on_what_it_lets_run(api, ada, actor, task, webhook):
    of_task = make_webhook(ada, task=task, request_url=URL)
    kinds = {"actor": ["READ", "WRITE"], "run": ["READ"], "build": ["READ"], "task": ["READ"]}
    client = api(ada, scope=[{"kind": kind, "permissions": names} for kind, names in kinds.items()])
    for each in (webhook, of_task):
        refused = send(client, "put", f"/v2/webhooks/{each.pk}", {"requestUrl": "https://evil.example"})
        assert error_of(refused) == (403, "insufficient-permissions")
        assert refused.json()["error"]["data"] == {"heldBackBy": "SCOPE", "permission": "RUN", "kind": "actor"}
        each.refresh_from_db()
        assert each.request_url == URL
    kinds["actor"].append("RUN")
    running = api(ada, scope=[{"kind": kind, "permissions": names} for kind, names in kinds.items()])
    for each in (webhook, of_task):
        assert send(running, "put", f"/v2/webhooks/{each.pk}", {"requestUrl": f"{URL}/2"}).status_code == 200


def test_a_scoped_token_does_not_name_what_it_may_not_read(api, ada, task):
    client = api(ada, scope=[{"kind": kind, "permissions": ["READ", "WRITE"]} for kind in ("actor", "run", "build")])
    wanted = {"eventTypes": ["ACTOR.RUN.SUCCEEDED"], "requestUrl": URL, "condition": {"actorTaskId": task.pk}}
    assert error_of(send(client, "post", "/v2/webhooks", wanted)) == (404, "record-not-found")


@pytest.mark.parametrize("field", ["actorId", "actorTaskId", "actorRunId"])
def test_what_may_not_be_seen_cannot_be_named(api, cleo, ben, actor, task, run, body, field):
    run.owner.general_access = "RESTRICTED"
    run.owner.save()
    address = {"actorId": actor, "actorTaskId": task, "actorRunId": run}[field].pk
    response = send(api(cleo), "post", "/v2/webhooks", body(condition={field: address}))
    assert response.status_code == (403 if field == "actorRunId" else 404)
    assert error_of(send(api(cleo), "post", "/v2/webhooks", body(condition={field: "0" * 17}))) == (
        404,
        "record-not-found",
    )
    assert not Webhook.objects.exists()


def test_nothing_hangs_on_somebody_elses_run(api, ben, run, give, body):
    give(run, ben, "WRITE", "MANAGE_ACCESS_RIGHTS")
    response = send(api(ben), "post", "/v2/webhooks", body(condition={"actorRunId": run.pk}))
    assert error_of(response) == (400, "invalid-value")


def test_things_that_do_not_go_together(api, ada, actor, task, run, body, make_resource):
    other = make_resource(Kind.ACTOR, ada, name="other")
    for condition in (
        {"actorId": other.pk, "actorTaskId": task.pk},
        {"actorId": other.pk, "actorRunId": run.pk},
        {"actorTaskId": make_resource(Kind.TASK, ada, name="x", actor_id=actor.pk).pk, "actorRunId": run.pk},
    ):
        response = send(api(ada), "post", "/v2/webhooks", body(condition=condition))
        assert error_of(response) == (400, "invalid-value"), condition


@pytest.mark.parametrize(
    "wrong",
    [
        {"requestUrl": "nonsense"},
        {"requestUrl": "ftp://example.com"},
        {"requestUrl": "http://127.0.0.1/"},
        {"requestUrl": "http://2130706433/"},
        {"requestUrl": "http://[::ffff:10.0.0.1]/"},
        {"requestUrl": "http://169.254.169.254/latest/meta-data"},
        {"requestUrl": "http://localhost:8000/v2/users/me"},
        {"requestUrl": None},
        {"requestUrl": 5},
        {"eventTypes": []},
        {"eventTypes": None},
        {"eventTypes": ["ACTOR.RUN.EXPLODED"]},
        {"eventTypes": "TEST"},
        {"condition": {}},
        {"condition": None},
        {"condition": {"actorId": ""}},
        {"payloadTemplate": "{"},
        {"headersTemplate": "[]"},
        {"headersTemplate": '{"a": "b\\r\\nc"}'},
        {"description": "x" * 2001},
        {"description": "a\x00b"},
        {"idempotencyKey": ""},
        {"idempotencyKey": "x" * 201},
        {"idempotencyKey": "a\x00"},
        {"doNotRetry": "yes"},
    ],
)
def test_bad_bodies(api, ada, body, wrong):
    assert error_of(send(api(ada), "post", "/v2/webhooks", body(**wrong))) == (400, "invalid-value")
    assert not Webhook.objects.exists()


def test_a_bad_change_changes_nothing(api, ada, webhook):
    one = f"/v2/webhooks/{webhook.pk}"
    for wrong in ({"requestUrl": "http://10.0.0.1/"}, {"eventTypes": []}, {"payloadTemplate": "{"}):
        response = send(api(ada), "put", one, {"description": "Changed", **wrong})
        assert error_of(response) == (400, "invalid-value")
    webhook.refresh_from_db()
    assert (webhook.description, webhook.request_url) == ("", URL)


def test_ids_that_are_none(api, ada):
    for url in ("/v2/webhooks/%00", "/v2/webhooks/x", "/v2/webhook-dispatches/%00", "/v2/webhooks/x/dispatches"):
        assert error_of(api(ada).get(url)) == (404, "record-not-found")


# What it does


def test_a_webhook_from_beginning_to_end(api, ada, actor, body):
    client = api(ada)
    made = send(client, "post", "/v2/webhooks", body(description="Mine", payloadTemplate='{"a": {{resource}}}'))
    data = made.json()["data"]
    one = f"/v2/webhooks/{data['id']}"
    assert made.status_code == 201
    assert made["Location"].endswith(one)
    assert data == {
        "id": data["id"],
        "createdAt": data["createdAt"],
        "modifiedAt": data["modifiedAt"],
        "userId": ada.pk,
        "actionType": "HTTP_REQUEST",
        "isEnabled": True,
        "isApifyIntegration": False,
        "isAdHoc": False,
        "shouldInterpolateStrings": False,
        "eventTypes": ["ACTOR.RUN.SUCCEEDED"],
        "condition": {"actorId": actor.pk},
        "ignoreSslErrors": False,
        "doNotRetry": False,
        "requestUrl": URL,
        "payloadTemplate": '{"a": {{resource}}}',
        "headersTemplate": None,
        "description": "Mine",
        "lastDispatch": None,
        "stats": {"totalDispatches": 0},
    }
    assert client.get(one).json()["data"] == data
    changed = send(client, "put", one, {"doNotRetry": True, "condition": {}}).json()["data"]
    assert (changed["doNotRetry"], changed["condition"], changed["description"]) == (
        True,
        {"actorId": actor.pk},
        "Mine",
    )
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404
    trail = AuditEvent.objects.filter(account_id=ada.pk, action__startswith="webhook.").order_by("pk")
    assert [(each.action, each.details["name"]) for each in trail] == [
        ("webhook.created", "example.com"),
        ("webhook.changed", "example.com"),
        ("webhook.deleted", "example.com"),
    ]


def test_what_is_named_most_closely_counts(api, ada, actor, task, run, body):
    condition = {"actorId": "~finder", "actorTaskId": task.pk}
    made = send(api(ada), "post", "/v2/webhooks", body(condition=condition)).json()["data"]
    assert made["condition"] == {"actorTaskId": task.pk}
    one = f"/v2/webhooks/{made['id']}"
    moved = send(api(ada), "put", one, {"condition": {"actorRunId": run.pk}, "isAdHoc": True}).json()["data"]
    assert (moved["condition"], moved["isAdHoc"]) == ({"actorRunId": run.pk}, True)


def test_an_idempotency_key_makes_one(api, ada, ben, body, actor, give):
    first = send(api(ada), "post", "/v2/webhooks", body(idempotencyKey="k"))
    second = send(api(ada), "post", "/v2/webhooks", body(idempotencyKey="k", description="Other"))
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["data"]["id"] == second.json()["data"]["id"]
    give(actor, ben)
    assert send(api(ben), "post", "/v2/webhooks", body(idempotencyKey="k")).status_code == 201


def test_on_an_actor_that_is_shared_or_public(api, ben, cleo, actor, give, body):
    give(actor, ben)
    assert send(api(ben), "post", "/v2/webhooks", body()).status_code == 201
    actor.is_public = True
    actor.save()
    assert send(api(cleo), "post", "/v2/webhooks", body()).status_code == 201
    seen = api(cleo).get(f"/v2/actors/{actor.pk}/webhooks").json()["data"]
    assert [each["userId"] for each in seen["items"]] == [cleo.pk]


def test_lists(api, ada, actor, task, webhook, django_assert_num_queries):
    on_task = make_webhook(ada, "TEST", task=task, request_url=URL)
    events.dispatch([webhook, on_task], events.TEST, {})
    client = api(ada)
    everything = client.get("/v2/webhooks?desc=1").json()["data"]
    assert [each["id"] for each in everything["items"]] == [on_task.pk, webhook.pk]
    assert everything["items"][0]["lastDispatch"] == {"status": "ACTIVE", "finishedAt": None}
    assert "headersTemplate" not in everything["items"][1]
    assert client.get("/v2/webhooks?limit=1&offset=1").json()["data"]["items"][0]["id"] == on_task.pk
    assert [e["id"] for e in client.get(f"/v2/actor-tasks/{task.pk}/webhooks").json()["data"]["items"]] == [on_task.pk]
    assert [e["id"] for e in client.get(f"/v2/acts/{actor.pk}/webhooks").json()["data"]["items"]] == [webhook.pk]
    assert client.get("/v2/webhooks?limit=x").status_code == 400


def test_a_list_takes_as_many_queries_for_many_rows(api, ada, webhook, django_assert_num_queries):
    client = api(ada)
    client.get("/v2/webhooks")
    for url in ("/v2/webhooks", "/v2/webhook-dispatches"):
        with django_assert_num_queries(3):
            client.get(url)
        many = Webhook.objects.bulk_create(
            Webhook(owner=ada, actor_id=webhook.actor_id, event_types=["TEST"], request_url=URL) for _ in range(20)
        )
        events.dispatch(many, events.TEST, {})
        with django_assert_num_queries(3):
            assert client.get(url).json()["data"]["count"] >= 20


def test_trying_it_out(api, ada, actor, task, run, webhook):
    response = api(ada).post(f"/v2/webhooks/{webhook.pk}/test")
    data = response.json()["data"]
    assert response.status_code == 201
    assert (data["status"], data["eventType"], data["calls"]) == ("ACTIVE", "TEST", [])
    assert data["eventData"] == {"actorId": actor.pk}
    assert data["webhook"] == {
        "actionType": "HTTP_REQUEST",
        "condition": {"actorId": actor.pk},
        "requestUrl": URL,
        "isAdHoc": False,
    }
    assert api(ada).get(f"/v2/webhook-dispatches/{data['id']}").json()["data"] == data
    assert api(ada).get(f"/v2/webhooks/{webhook.pk}/dispatches").json()["data"]["items"] == [data]
    for field, on in (("task", task), ("run", run)):
        other = make_webhook(ada, "TEST", request_url=URL, **{field: on})
        data = api(ada).post(f"/v2/webhooks/{other.pk}/test").json()["data"]["eventData"]
        expected = {"actorId": actor.pk, "actorTaskId": task.pk} | ({"actorRunId": run.pk} if field == "run" else {})
        assert data == expected


# Webhooks of one run, given at its start


def test_webhooks_that_a_run_is_given(run, ada):
    ended = WebhookChange(event_types=["ACTOR.RUN.SUCCEEDED"], request_url=URL)
    add_ad_hoc(run, [(ended, "k"), (ended, "k"), (ended, None)])
    assert list(Webhook.objects.values_list("is_ad_hoc", "run_id", "owner_id").distinct()) == [(True, run.pk, ada.pk)]
    assert Webhook.objects.count() == 2
    for _ in range(2):  # it was resurrected, and ended again
        events.emit_event(run, events.RUN_SUCCEEDED)
    assert WebhookDispatch.objects.count() == 2


def test_webhooks_that_a_run_is_not_given(run):
    for wrong in (
        WebhookChange(event_types=["ACTOR.RUN.SUCCEEDED"]),
        WebhookChange(request_url=URL),
        WebhookChange(event_types=["x"], request_url=URL),
        WebhookChange(event_types=["TEST"], request_url="http://127.0.0.1"),
    ):
        with pytest.raises(InvalidWebhook):
            add_ad_hoc(run, [(WebhookChange(event_types=["TEST"], request_url=URL), None), (wrong, None)])
    with pytest.raises(InvalidWebhook):
        add_ad_hoc(run, [(WebhookChange(event_types=["TEST"], request_url=URL), None)] * 21)
    assert not Webhook.objects.exists()
