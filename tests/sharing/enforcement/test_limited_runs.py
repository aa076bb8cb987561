"""A run with limited permissions: what its token is refused over HTTP, in which words, and what it may do."""

from typing import Any

import pytest

from accounts.models import Account, ApiToken
from resources.kinds import KINDS, STORAGES, Kind
from resources.logs.reading import lines_of_ours
from resources.models import Actor, Dataset, Resource, Run, Webhook
from resources.permission_levels import LIMITED
from resources.runs import starting
from sharing import run_starts, storage_creators
from sharing.models import Grant, Issue
from tests.support.api import ApiClient, data_of, message_of, send
from tests.support.factories import built_actor
from tests.support.run_stage import at_work, client_of, ended

pytestmark = pytest.mark.django_db
WHY = "limited permissions"
KINDS_OF_LISTS = ("actors", "actor-runs", "actor-tasks", "datasets", "key-value-stores", "request-queues", "schedules")


@pytest.fixture
def ada(make_account) -> Account:
    return make_account("ada", general_access="RESTRICTED")


@pytest.fixture
def foreign(dan) -> Actor:
    return built_actor(dan, name="finder", is_public=True, permission_level=LIMITED)


@pytest.fixture
def own(ada) -> Actor:
    return built_actor(ada)


@pytest.fixture
def run(ada, foreign) -> Run:
    return starting.start(foreign, by=ada.principal)


@pytest.fixture
def client(run) -> ApiClient:
    return client_of(run)


def assert_refused(response, status: int = 403) -> None:
    assert response.status_code == status, response.content
    if status == 403:
        assert WHY in message_of(response)


# The account


@pytest.mark.parametrize("kind", KINDS_OF_LISTS)
def test_lists(client, kind):
    assert_refused(client.get(f"/v2/{kind}"))


@pytest.mark.parametrize(
    "path", ["webhooks", "webhook-dispatches", "actor-builds", "users/me/limits", "users/me/usage/monthly"]
)
def test_other_lists(client, path):
    assert_refused(client.get(f"/v2/{path}"))


def test_last_runs(client, run, foreign, own, make_resource, ada):
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=foreign.pk)
    paths = [
        f"actors/{foreign.pk}/runs/last",
        f"actors/{foreign.pk}/runs/last/dataset",
        f"actors/{own.pk}/runs/last",
        "actors/dan~nothing/runs/last",
        f"actor-tasks/{task.pk}/runs/last/key-value-store",
    ]
    said = {message_of(client.get(f"/v2/{path}")) for path in paths}
    assert len(said) == 1
    assert all(client.get(f"/v2/{path}").status_code == 403 for path in paths)
    for path in (f"actors/{foreign.pk}/runs", f"actor-tasks/{task.pk}/runs"):
        assert client.get(f"/v2/{path}").status_code in (403, 404), path


def test_the_account(client, ada):
    assert data_of(client.get("/v2/users/me")) == {"id": ada.pk, "username": "ada", "profile": {"name": "ada"}}
    assert_refused(send(client, "put", "/v2/users/me/limits", {}))


# Storages of the account


@pytest.mark.parametrize("kind", STORAGES)
def test_other_storages(client, ada, own, make_resource, kind):
    info = KINDS[kind]
    named = make_resource(kind, ada, name="prices")
    of_run = Resource.objects.get(run_id=starting.start(own, by=ada.principal).pk, kind=kind)
    for storage in (named, make_resource(kind, ada), of_run):
        path = f"/v2/{info.api_path}/{storage.pk}"
        response = client.get(path)
        assert_refused(response)
        assert response.json()["error"]["data"] == {"heldBackBy": "RUN", "permission": "READ", "kind": kind}
        assert "Name it in the run's input." in message_of(response), "no approval helps: its Actor is limited"
        assert_refused(send(client, "put", path, {"name": "mine"}))
        assert_refused(client.delete(path))
    there = client.get(f"/v2/{info.api_path}/ada~prices")
    missing = client.get(f"/v2/{info.api_path}/ada~nothing")
    assert there.status_code == missing.status_code == 404
    assert there.content == missing.content
    assert named.name == "prices"


@pytest.mark.parametrize("level", ["RESTRICTED", "ANYONE_WITH_ID_CAN_READ"])
@pytest.mark.parametrize("kind", STORAGES)
def test_get_or_create_shows_nothing_of_what_has_the_name(client, ada, make_resource, kind, level):
    """Who knows a name only must not get the ID by it: it would open what anyone with the ID can read."""
    there = make_resource(kind, ada, name="prices", general_access=level)
    response = send(client, "post", f"/v2/{KINDS[kind].api_path}?name=prices")
    assert response.status_code == 403
    assert there.pk not in response.content.decode()


@pytest.mark.parametrize("kind", STORAGES)
def test_what_it_creates_is_its_actors(client, ada, foreign, kind):
    path = f"/v2/{KINDS[kind].api_path}"
    made = data_of(send(client, "post", f"{path}?name=mine"))["id"]
    assert Resource.objects.get(pk=made).created_by_actor == foreign.pk
    assert data_of(send(client, "post", f"{path}?name=mine"))["id"] == made
    assert data_of(client.get(f"{path}/{made}"))["urlSigningSecretKey"]
    next_run = client_of(starting.start(foreign, by=ada.principal))
    assert data_of(send(next_run, "post", f"{path}?name=mine"))["id"] == made
    assert send(next_run, "put", f"{path}/{made}", {"name": "ours"}).status_code == 200
    assert send(next_run, "put", f"{path}/{made}", {"generalAccess": "ANYONE_WITH_ID_CAN_READ"}).status_code == 403


def test_what_it_created_for_another_account_is_not_its_actors(client, ben, foreign):
    theirs = data_of(send(client_of(starting.start(foreign, by=ben.principal)), "post", "/v2/datasets?name=mine"))["id"]
    Dataset.objects.filter(pk=theirs).update(general_access="RESTRICTED")
    assert client.get(f"/v2/datasets/{theirs}").status_code == 403


def test_a_name_that_it_took_is_the_accounts_once_another_actor_uses_it(client, ada, own, foreign):
    made = data_of(send(client, "post", "/v2/datasets?name=orders"))["id"]
    key = data_of(client.get(f"/v2/datasets/{made}"))["urlSigningSecretKey"]
    other = client_of(starting.start(own, by=ada.principal))
    opened = data_of(send(other, "post", "/v2/datasets?name=orders"))
    assert opened["id"] == made
    assert opened["urlSigningSecretKey"] != key  # its author may have kept the one before
    assert_refused(client.get(f"/v2/datasets/{made}"))


def test_a_limited_run_ends_no_access_by_a_name_that_it_may_not_read(client, ada, ben, foreign):
    other = built_actor(ben, is_public=True, permission_level=LIMITED)
    made = data_of(send(client_of(starting.start(other, by=ada.principal)), "post", "/v2/datasets?name=theirs"))["id"]
    assert send(client, "post", "/v2/datasets?name=theirs").status_code == 403
    assert Resource.objects.get(pk=made).created_by_actor == other.pk


def test_the_owner_ends_the_access_of_the_creator(client, ada):
    made = data_of(send(client, "post", "/v2/datasets?name=orders"))["id"]
    storage = Resource.objects.get(pk=made)
    assert storage_creators.end_access(storage, by=ada.principal)
    assert not storage_creators.end_access(storage, by=ada.principal)
    assert_refused(client.get(f"/v2/datasets/{made}"))


@pytest.mark.parametrize("kind", STORAGES)
def test_its_own_storages(client, run, kind):
    mine = Resource.objects.get(run_id=run.pk, kind=kind)
    assert data_of(client.get(f"/v2/{KINDS[kind].api_path}/{mine.pk}"))["urlSigningSecretKey"]


def test_the_log_of_the_run_does_not_tell_whether_a_name_exists(client, run, ada, make_resource):
    """The run reads its own log."""
    make_resource(Kind.DATASET, ada, name="prices")
    client.get("/v2/datasets/ada~prices")
    client.get("/v2/datasets/ada~nothing")
    assert not list(lines_of_ours(run.pk))


# Runs and Actors


def test_its_own_run(client, run):
    path = f"/v2/actor-runs/{run.pk}"
    assert client.get(path).status_code == client.get(f"{path}/log").status_code == 200
    assert send(client, "put", path, {"statusMessage": "3 of 9"}).status_code == 200
    assert send(client, "put", path, {"generalAccess": "ANYONE_WITH_ID_CAN_READ"}).status_code == 403
    assert send(client, "post", f"{path}/reboot").status_code == 200


def test_runs_of_others(client, ada, foreign, own):
    for other in (starting.start(own, by=ada.principal), starting.start(foreign, by=ada.principal)):
        path = f"/v2/actor-runs/{at_work(other).pk}"
        assert_refused(client.get(path))
        assert_refused(send(client, "post", f"{path}/abort"))
        assert_refused(send(client, "post", f"{path}/metamorph?targetActorId={foreign.pk}"))
        ended(other)
        assert_refused(send(client, "post", f"{path}/resurrect"))
        assert_refused(client.delete(path))


def test_runs_that_it_started(client, ada, foreign, own):
    started = data_of(send(client, "post", f"/v2/actors/{foreign.pk}/runs"))["id"]
    run = Run.objects.get(pk=started)
    assert run.permission_level == LIMITED
    path = f"/v2/actor-runs/{started}"
    assert client.get(path).status_code == 200
    dataset = Resource.objects.get(run_id=started, kind=Kind.DATASET)
    assert client.get(f"/v2/datasets/{dataset.pk}/items").status_code == 200
    assert_refused(send(client, "post", f"/v2/datasets/{dataset.pk}/items", [{"a": 1}]))
    at_work(run)
    assert_refused(send(client, "post", f"{path}/metamorph?targetActorId={foreign.pk}"))
    ended(run)
    assert_refused(send(client, "post", f"{path}/resurrect?build=latest"))
    Actor.objects.filter(pk=foreign.pk).update(permission_level=None)
    assert send(client, "post", f"{path}/resurrect").status_code == 200
    assert Run.objects.get(pk=started).permission_level == LIMITED


def test_actors(client, ada, dan, foreign, own):
    private = built_actor(ada, name="limited-own", permission_level=LIMITED)
    siblings = built_actor(dan, name="sibling", permission_level=LIMITED)
    full = built_actor(dan, name="full", is_public=True)
    assert data_of(client.get(f"/v2/actors/{foreign.pk}"))["actorPermissionLevel"] == LIMITED
    for hidden in (own, private, siblings):
        assert client.get(f"/v2/actors/{hidden.pk}").status_code == 404  # nor does its account see the last one
        assert send(client, "post", f"/v2/actors/{hidden.pk}/runs").status_code == 404
    assert_refused(send(client, "post", f"/v2/actors/{full.pk}/runs"))
    assert_refused(send(client, "post", f"/v2/actors/{full.pk}/runs?forcePermissionLevel=LIMITED_PERMISSIONS"))
    for method, path, body in (
        ("post", "/v2/actors", {"name": "mine"}),
        ("put", f"/v2/actors/{foreign.pk}", {"actorPermissionLevel": "FULL_PERMISSIONS"}),
        ("put", f"/v2/actors/{foreign.pk}", {"isPublic": False}),
        ("post", f"/v2/actors/{foreign.pk}/builds?version=0.1", None),
        ("delete", f"/v2/actors/{foreign.pk}", None),
    ):
        assert send(client, method, path, body).status_code == 403, (method, path)
    assert Actor.objects.count() == 5


def test_a_limited_run_of_an_own_actor_does_not_become_more(ada, own):
    """Also where its account could: it forces no level, and changes none."""
    limited = built_actor(ada, name="limited", permission_level=LIMITED)
    client = client_of(starting.start(limited, by=ada.principal))
    assert_refused(send(client, "put", f"/v2/actors/{limited.pk}", {"actorPermissionLevel": "FULL_PERMISSIONS"}))
    started = data_of(send(client, "post", f"/v2/actors/{limited.pk}/runs?forcePermissionLevel=FULL_PERMISSIONS"))
    assert Run.objects.get(pk=started["id"]).permission_level == LIMITED
    assert client.get(f"/v2/actors/{own.pk}").status_code == 404


def test_metamorph(client, run, dan, own):
    full = built_actor(dan, name="full", is_public=True)
    target = built_actor(dan, name="target", is_public=True, permission_level=LIMITED)
    path = f"/v2/actor-runs/{run.pk}/metamorph"
    assert_refused(send(client, "post", f"{path}?targetActorId={full.pk}"))
    assert send(client, "post", f"{path}?targetActorId={own.pk}").status_code == 404
    assert send(client, "post", f"{path}?targetActorId={target.pk}").status_code == 200
    run.refresh_from_db()
    assert run.permission_level == LIMITED
    Actor.objects.update(permission_level=None)
    assert_refused(client_of(run).get("/v2/datasets"))


def test_a_full_run_that_turns_into_a_limited_one(ada, own, foreign):
    run = starting.start(own, by=ada.principal)
    client = client_of(run)
    assert client.get("/v2/datasets").status_code == 200
    assert send(client, "post", f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={foreign.pk}").status_code == 200
    assert_refused(client_of(run).get("/v2/datasets"))
    assert client.get("/v2/users/me").status_code == 401  # the token of what it was


def test_the_token_after_the_end(client, run):
    ended(run)
    assert client.get("/v2/users/me").status_code == 401
    assert not ApiToken.objects.exclude(run_id="").filter(revoked_at=None).exists()


# What is done in the account's name


def test_tasks_and_schedules(client, ada, foreign, make_resource):
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=foreign.pk)
    schedule = make_resource(Kind.SCHEDULE, ada, name="daily")
    assert client.get(f"/v2/actor-tasks/{task.pk}").status_code == 404
    assert send(client, "post", f"/v2/actor-tasks/{task.pk}/runs").status_code == 404
    assert_refused(send(client, "post", "/v2/actor-tasks", {"actId": foreign.pk, "name": "mine"}))
    assert client.get(f"/v2/schedules/{schedule.pk}").status_code == 404
    assert_refused(send(client, "post", "/v2/schedules", {"cronExpression": "@daily", "isEnabled": False}))


def test_grants(client, run, ada, ben, foreign, make_resource):
    made = data_of(send(client, "post", "/v2/datasets?name=mine"))["id"]
    for resource in (made, Resource.objects.get(run_id=run.pk, kind=Kind.DATASET).pk):
        assert_refused(send(client, "put", f"/v2/datasets/{resource}/access-rights/ben", {"permissions": ["READ"]}))
    assert_refused(client.get(f"/v2/actor-runs/{run.pk}/access-rights"))
    assert not Grant.objects.exists()


def test_issues(client, run, foreign):
    path = f"/v2/actors/{foreign.pk}/issues"
    assert_refused(send(client, "post", path, {"title": "Look", "runUrl": run.pk}))
    assert not Issue.objects.exists()


def webhook(**condition: str) -> dict[str, Any]:
    return {
        "eventTypes": ["ACTOR.RUN.SUCCEEDED"],
        "requestUrl": "https://example.com/hook",
        "isAdHoc": True,
        "condition": condition,
    }


def test_webhooks(client, api, ada, run, foreign):
    started = data_of(send(client, "post", f"/v2/actors/{foreign.pk}/runs"))["id"]
    other = starting.start(foreign, by=ada.principal)
    for run_id in (run.pk, started):
        assert send(client, "post", "/v2/webhooks", webhook(actorRunId=run_id)).status_code == 201
    assert_refused(send(client, "post", "/v2/webhooks", webhook(actorId=foreign.pk)))
    assert_refused(send(client, "post", "/v2/webhooks", webhook(actorRunId=other.pk)))
    owners = data_of(send(api(ada), "post", "/v2/webhooks", webhook(actorId=foreign.pk)))["id"]
    for method, body in (("get", None), ("put", {"requestUrl": "https://example.com/other"}), ("delete", None)):
        assert_refused(send(client, method, f"/v2/webhooks/{owners}", body))
    assert Webhook.objects.count() == 3


# The level


@pytest.mark.parametrize(
    ("of_actor", "forced", "by_owner", "level"),
    [
        (None, None, True, None),
        (None, "LIMITED_PERMISSIONS", True, LIMITED),
        (LIMITED, None, True, LIMITED),
        (LIMITED, "FULL_PERMISSIONS", True, None),
        (LIMITED, "FULL_PERMISSIONS", False, LIMITED),
        (None, "LIMITED_PERMISSIONS", False, LIMITED),
    ],
)
def test_a_run_has_the_lower_level(api, ada, ben, of_actor, forced, by_owner, level):
    actor = built_actor(ada, is_public=True, permission_level=of_actor)
    query = f"?forcePermissionLevel={forced}" if forced else ""
    started = data_of(send(api(ada if by_owner else ben), "post", f"/v2/actors/{actor.pk}/runs{query}"))
    assert Run.objects.get(pk=started["id"]).permission_level == level


def test_only_those_who_choose_the_code_test_an_actor_at_a_higher_level(api, ada):
    actor = built_actor(ada, permission_level=LIMITED)
    scope = [{"kind": "actor", "permissions": ["RUN"], "resourceId": actor.pk}]
    path = f"/v2/actors/{actor.pk}/runs?forcePermissionLevel=FULL_PERMISSIONS"
    assert Run.objects.get(pk=data_of(send(api(ada, scope=scope), "post", path))["id"]).permission_level == LIMITED


def test_a_task_of_another_account_raises_no_level(ada, ben, make_resource):
    actor = built_actor(ada, permission_level=LIMITED)
    options = '{"forcePermissionLevel": "FULL_PERMISSIONS"}'
    theirs = make_resource(Kind.TASK, ben, name="daily", actor_id=actor.pk, options=options)
    mine = make_resource(Kind.TASK, ada, name="daily", actor_id=actor.pk, options=options)
    levels = [run_starts.start(actor, by=ada.principal, task=task).permission_level for task in (theirs, mine)]
    assert levels == [LIMITED, None]
