"""A run of another account's Actor: what its token is refused, however the run was started, and what it may do."""

from collections.abc import Callable
from typing import Any

import pytest

from accounts import tokens
from accounts.models import Account, ApiToken
from console.api.webhooks import urls as webhook_urls
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import Actor, Resource, Run, Schedule, Task, Webhook
from resources.runs import restarting, starting
from resources.runs.tokens import make_run_token
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActor
from sharing.issues import issues
from sharing.models import Grant, Issue, IssueComment
from sharing.schedules.firing import fire_due
from tests.support.api import ApiClient, message_of, send
from tests.support.factories import built_actor
from tests.support.run_stage import at_work, client_of, ended

pytestmark = pytest.mark.django_db
WHY = "This API token is that of a run of another account's Actor"


def assert_refused(response, type_: str = "insufficient-permissions") -> None:
    assert response.status_code == 403, response.content
    error = response.json()["error"]
    assert error["type"] == type_
    assert WHY in error["message"]


@pytest.fixture
def foreign(dan) -> Actor:
    return built_actor(dan, name="finder", is_public=True)


@pytest.fixture
def own(ada) -> Actor:
    return built_actor(ada)


@pytest.fixture
def run(ada, foreign) -> Run:
    return starting.start(foreign, by=ada.principal)


@pytest.fixture
def client(run) -> ApiClient:
    return client_of(run)


# However it was started


def _by_api(api, ada: Account, foreign: Actor, own: Actor, make_resource) -> Run:
    return Run.objects.get(pk=send(api(ada), "post", f"/v2/actors/{foreign.pk}/runs").json()["data"]["id"])


def _by_console(api, ada: Account, foreign: Actor, own: Actor, make_resource, signed_in=None) -> Run:
    assert signed_in(ada).post(f"{foreign.console_path}/start", {"input": "{}"}).status_code == 302
    return Run.objects.get()


def _by_task(api, ada: Account, foreign: Actor, own: Actor, make_resource) -> Run:
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=foreign.pk)
    return Run.objects.get(pk=send(api(ada), "post", f"/v2/actor-tasks/{task.pk}/runs").json()["data"]["id"])


def _by_schedule(api, ada: Account, foreign: Actor, own: Actor, make_resource) -> Run:
    change = schedules.ScheduleChange(is_enabled=True, actions=[RunActor(actor_id=foreign.pk)])
    schedule = schedules.create(ada.pk, change, by=ada.principal)
    Schedule.objects.filter(pk=schedule.pk).update(next_at=schedule.created_at)
    assert fire_due() == 1
    return Run.objects.get()


def _by_a_run(api, ada: Account, foreign: Actor, own: Actor, make_resource) -> Run:
    starter = client_of(starting.start(own, by=ada.principal))
    return Run.objects.get(pk=send(starter, "post", f"/v2/actors/{foreign.pk}/runs").json()["data"]["id"])


def _by_metamorph(api, ada: Account, foreign: Actor, own: Actor, make_resource) -> Run:
    run = starting.start(own, by=ada.principal)
    response = send(client_of(run), "post", f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={foreign.pk}")
    assert response.status_code == 200, response.content
    return run


def _by_resurrection(api, ada: Account, foreign: Actor, own: Actor, make_resource) -> Run:
    run = starting.start(foreign, by=ada.principal)
    ended(run)
    assert send(api(ada), "post", f"/v2/actor-runs/{run.pk}/resurrect").status_code == 200
    return run


@pytest.mark.parametrize(
    "start", [_by_api, _by_console, _by_task, _by_schedule, _by_a_run, _by_metamorph, _by_resurrection]
)
def test_however_it_was_started(api, ada, ben, foreign, own, make_resource, signed_in, start: Callable[..., Run]):
    dataset = make_resource(Kind.DATASET, ada)
    known = {"signed_in": signed_in} if start is _by_console else {}
    client = client_of(start(api, ada, foreign, own, make_resource, **known))
    assert_refused(send(client, "put", f"/v2/datasets/{dataset.pk}/access-rights/ben", {"permissions": ["READ"]}))
    assert not Grant.objects.exists()


def test_a_metamorph_into_an_own_actor_takes_the_restriction_back(ada, ben, foreign, own, make_resource):
    dataset, run = make_resource(Kind.DATASET, ada), starting.start(foreign, by=ada.principal)
    at_work(run)
    restarting.metamorph(run, own, by=ada.principal)
    path = f"/v2/datasets/{dataset.pk}/access-rights/ben"
    assert send(client_of(run), "put", path, {"permissions": ["READ"]}).status_code == 200


def test_a_run_that_it_starts_of_the_owners_own_actor_is_that_actors_run(ada, ben, client, own, make_resource):
    started = send(client, "post", f"/v2/actors/{own.pk}/runs").json()["data"]["id"]
    path = f"/v2/datasets/{make_resource(Kind.DATASET, ada).pk}/access-rights/ben"
    assert send(client_of(Run.objects.get(pk=started)), "put", path, {"permissions": ["READ"]}).status_code == 200


# Who has access


@pytest.mark.parametrize("kind", list(Kind))
def test_access_rights(client, ada, ben, give, make_resource, kind):
    resource = make_resource(kind, ada, name=None if kind in (Kind.RUN, Kind.BUILD) else "prices")
    give(resource, ben)
    path = f"/v2/{KINDS[kind].api_path}/{resource.pk}/access-rights"
    before = list(Grant.objects.values())
    assert_refused(client.get(path))
    for who in ("cleo", "ben", "ada"):
        assert_refused(send(client, "put", f"{path}/{who}", {"permissions": ["READ"]}))
    assert_refused(client.delete(f"{path}/ben"))
    assert list(Grant.objects.values()) == before


def test_a_grant_to_its_own_account_is_not_given_up(client, ada, cleo, give, make_resource):
    dataset = make_resource(Kind.DATASET, cleo)
    give(dataset, ada, "MANAGE_ACCESS_RIGHTS")
    assert_refused(client.delete(f"/v2/datasets/{dataset.pk}/access-rights/ada"))
    assert Grant.objects.exists()


@pytest.mark.parametrize("kind", [kind for kind in Kind if KINDS[kind].general_access])
def test_general_access(client, run, ada, make_resource, kind):
    own_storage = Resource.objects.filter(run_id=run.pk, kind=kind).first()
    for resource in filter(None, [make_resource(kind, ada), own_storage, run if kind is Kind.RUN else None]):
        path = f"/v2/{KINDS[kind].api_path}/{resource.pk}"
        for level in ("ANYONE_WITH_ID_CAN_READ", "RESTRICTED"):
            response = send(client, "put", path, {"generalAccess": level})
            assert response.status_code == 403
            assert WHY in message_of(response)
        assert Resource.objects.get(pk=resource.pk).general_access == "FOLLOW_USER_SETTING"


# Signing keys


@pytest.mark.parametrize("kind", STORAGES)
def test_signing_keys(client, ada, run, own, make_resource, kind):
    path = f"/v2/{KINDS[kind].api_path}"
    own_one = Resource.objects.get(run_id=run.pk, kind=kind)
    others = [
        make_resource(kind, ada, name="prices"),
        make_resource(kind, ada),
        Resource.objects.get(run_id=starting.start(own, by=ada.principal).pk, kind=kind),
    ]
    assert client.get(f"{path}/{own_one.pk}").json()["data"]["urlSigningSecretKey"]
    for other in others:
        assert "urlSigningSecretKey" not in client.get(f"{path}/{other.pk}").json()["data"]
    assert "urlSigningSecretKey" not in send(client, "post", f"{path}?name=prices").json()["data"]


# What goes on after it has ended


def test_actors(client, ada, own):
    for method, path, body in (
        ("post", "/v2/actors", {"name": "mine"}),
        ("post", "/v2/actors", {"name": "mine", "isPublic": True}),
        ("put", f"/v2/actors/{own.pk}", {"isPublic": True}),
        ("put", f"/v2/actors/{own.pk}", {"defaultRunOptions": {"build": "beta"}}),
        ("post", f"/v2/actors/{own.pk}/versions", {"versionNumber": "0.2"}),
        ("post", f"/v2/actors/{own.pk}/builds?version=0.1", None),
        ("delete", f"/v2/actors/{own.pk}", None),
    ):
        assert_refused(send(client, method, path, body))
    own.refresh_from_db()
    assert (own.is_public, Actor.objects.count()) == (False, 2)


def test_schedules(client, ada, own, make_resource):
    schedule = make_resource(Kind.SCHEDULE, ada, name="daily")
    body = {"name": "mine", "cronExpression": "* * * * *", "isEnabled": True}
    assert_refused(send(client, "post", "/v2/schedules", body))
    assert_refused(send(client, "put", f"/v2/schedules/{schedule.pk}", body))
    assert_refused(client.delete(f"/v2/schedules/{schedule.pk}"))
    assert [each.is_enabled for each in Schedule.objects.all()] == [False]


def webhook(**condition: str) -> dict[str, Any]:
    return {
        "eventTypes": ["ACTOR.RUN.SUCCEEDED"],
        "requestUrl": "https://example.com/hook",
        "isAdHoc": True,
        "condition": condition,
    }


def test_webhooks_that_outlive_it(client, ada, run, own, make_resource):
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=own.pk)
    other = starting.start(own, by=ada.principal)
    for body in (
        webhook(actorId=own.pk),
        webhook(actorTaskId=task.pk),
        webhook(actorRunId=other.pk),
        webhook(actorRunId=run.pk) | {"isAdHoc": False},
        webhook(),
    ):
        assert_refused(send(client, "post", "/v2/webhooks", body))
    assert not Webhook.objects.exists()


def test_webhooks_that_end_with_it(client, run, foreign):
    assert send(client, "post", "/v2/webhooks", webhook(actorRunId=run.pk)).status_code == 201
    started = send(client, "post", f"/v2/actors/{foreign.pk}/runs").json()["data"]["id"]
    assert send(client, "post", "/v2/webhooks", webhook(actorRunId=started)).status_code == 201


def test_webhooks_of_its_owner(client, api, ada, own):
    path = f"/v2/webhooks/{send(api(ada), 'post', '/v2/webhooks', webhook(actorId=own.pk)).json()['data']['id']}"
    assert_refused(client.get(path))
    assert_refused(send(client, "put", path, {"requestUrl": "https://example.com/other"}))
    assert_refused(client.delete(path))
    assert_refused(client.post(f"{path}/test"))
    assert Webhook.objects.get().request_url == "https://example.com/hook"


def _ways_to_webhooks(ids: dict[str, str]):
    """Return each method and path of the API's webhooks, with each address filled in from `ids`."""
    for pattern in webhook_urls.of_webhooks:
        route = str(pattern.pattern)
        kind = "task" if route.startswith("actor-tasks") else "actor"
        path = route.replace("<str:address>", ids[kind])
        for name in ("webhook", "dispatch_id"):
            path = path.replace(f"<str:{name}>", ids[name])
        for method in ("get", "post", "put", "delete"):
            yield method, f"/v2/{path}"


@pytest.mark.parametrize("way", ["actorId", "actorTaskId", "actorRunId", "adHocOfOther"])
def test_no_endpoint_shows_it_webhooks_of_its_owner(client, api, ada, run, own, foreign, make_resource, way):
    """The endpoints are taken from the routes, so a new one is tried too."""
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=foreign.pk)
    other = starting.start(foreign, by=ada.principal)
    of = {"actorId": foreign.pk, "actorTaskId": task.pk, "actorRunId": run.pk, "adHocOfOther": other.pk}
    ad_hoc = way in ("actorId", "adHocOfOther")
    body = webhook(**{"actorRunId" if way == "adHocOfOther" else way: of[way]}) | {
        "requestUrl": "https://example.com/owners-secret",
        "payloadTemplate": '{"token": "owners-secret"}',
        "idempotencyKey": "known",
        "isAdHoc": ad_hoc,
    }
    made = send(api(ada), "post", "/v2/webhooks", body).json()["data"]["id"]
    dispatch = send(api(ada), "post", f"/v2/webhooks/{made}/test").json()["data"]["id"]
    ids = {"actor": foreign.pk, "task": task.pk, "webhook": made, "dispatch_id": dispatch}
    shown = 0
    for method, path in _ways_to_webhooks(ids):
        said = send(client, method, path, webhook(actorRunId=run.pk) | {"idempotencyKey": "known"}).content.decode()
        assert "owners-secret" not in said, (method, path)
        assert dispatch not in said, (method, path)
        shown += method == "get" and "owners-secret" in api(ada).get(path).content.decode()
    assert shown >= 4  # its owner sees it in these
    assert Webhook.objects.get().request_url.endswith("owners-secret")


def test_it_sees_the_webhooks_that_end_with_it(client, api, ada, run, foreign):
    started = send(client, "post", f"/v2/actors/{foreign.pk}/runs").json()["data"]["id"]
    mine = [
        send(client, "post", "/v2/webhooks", webhook(actorRunId=run_id)).json()["data"]["id"]
        for run_id in (run.pk, started)
    ]
    dispatches = [send(api(ada), "post", f"/v2/webhooks/{each}/test").json()["data"]["id"] for each in mine]
    others = send(api(ada), "post", "/v2/webhooks", webhook(actorId=foreign.pk)).json()["data"]["id"]
    send(api(ada), "post", f"/v2/webhooks/{others}/test")

    def listed(path: str) -> set[str]:
        return {each["id"] for each in client.get(f"/v2/{path}").json()["data"]["items"]}

    assert listed("webhooks") == set(mine)
    assert listed("webhook-dispatches") == set(dispatches)
    assert listed(f"webhooks/{mine[0]}/dispatches") == {dispatches[0]}
    assert client.get(f"/v2/webhook-dispatches/{dispatches[1]}").status_code == 200
    assert client.get(f"/v2/webhooks/{others}/dispatches").status_code == 404


def test_templates_of_a_webhook_that_was_made_before_are_not_shown_to_it(client, api, ada, run):
    """Its owner may have given the run a webhook at its start, with a token in a template."""
    body = webhook(actorRunId=run.pk) | {"idempotencyKey": "known", "headersTemplate": '{"X-Key": "owners-secret"}'}
    send(api(ada), "post", "/v2/webhooks", body)
    again = send(client, "post", "/v2/webhooks", webhook(actorRunId=run.pk) | {"idempotencyKey": "known"})
    assert again.status_code == 200
    assert "owners-secret" not in again.content.decode()
    assert "owners-secret" in send(api(ada), "post", "/v2/webhooks", body).content.decode()


# What is done in the account's name


def test_issues(client, api, ada, run, foreign):
    path = f"/v2/actors/{foreign.pk}/issues"
    assert_refused(send(client, "post", path, {"title": "Look", "runUrl": run.pk}))
    assert_refused(send(client, "post", path, {"title": "Look", "description": run.console_url}))
    mine = Issue.objects.create(actor=foreign, author=ada, title="Prices missing")
    assert_refused(send(client, "put", f"{path}/{mine.pk}", {"runUrl": run.pk}))
    assert_refused(send(client, "post", f"{path}/{mine.pk}/comments", {"text": run.console_url}))
    assert_refused(client.delete(f"{path}/{mine.pk}"))
    assert client.get(path).status_code == 200
    assert (Issue.objects.count(), IssueComment.objects.count(), Grant.objects.count()) == (1, 0, 0)


def test_a_run_is_attached_to_an_issue_by_no_narrowed_principal(ada, run, foreign):
    issue = Issue.objects.create(actor=foreign, author=ada, title="Prices missing")
    at_work(run)
    by = tokens.resolve(make_run_token(run))
    with pytest.raises(issues.CannotAttach):
        issues.attach_run(issue, run, by=by)


def test_the_account(client, api, ada):
    assert client.get("/v2/users/me").json()["data"] == {
        "id": ada.pk,
        "username": "ada",
        "profile": {"name": "ada"},
    }
    assert_refused(client.get("/v2/users/me/limits"))
    assert_refused(send(client, "put", "/v2/users/me/limits", {}))
    assert_refused(client.get("/v2/users/me/usage/monthly"))


# What it may do


def test_what_it_works_with(client, ada, run, own, make_resource):
    for kind in STORAGES:
        made = send(client, "post", f"/v2/{KINDS[kind].api_path}?name=mine").json()["data"]["id"]
        path = f"/v2/{KINDS[kind].api_path}/{made}"
        assert send(client, "put", path, {"name": "other"}).status_code == 200
        assert client.delete(path).status_code == 204
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=own.pk)
    assert send(client, "put", f"/v2/actor-tasks/{task.pk}/input", {"page": 2}).status_code == 200
    assert client.get("/v2/actor-runs").status_code == 200
    assert send(client, "put", f"/v2/actor-runs/{run.pk}", {"statusMessage": "3 of 9"}).status_code == 200
    assert Task.objects.get().input == '{"page":2}'
    assert ApiToken.objects.exclude(run_id="").count() == 1


def test_a_run_of_an_own_actor_does_what_its_owner_does(ada, ben, own, make_resource):
    client = client_of(starting.start(own, by=ada.principal))
    path = f"/v2/datasets/{make_resource(Kind.DATASET, ada).pk}"
    assert send(client, "put", f"{path}/access-rights/ben", {"permissions": ["READ"]}).status_code == 200
    assert send(client, "put", path, {"generalAccess": "RESTRICTED"}).status_code == 200
    assert send(client, "post", "/v2/schedules", {"cronExpression": "@daily", "isEnabled": False}).status_code == 201
    assert client.get("/v2/users/me").json()["data"]["email"] == ada.email
