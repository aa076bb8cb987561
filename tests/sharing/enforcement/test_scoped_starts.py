"""What a scoped token needs for tasks, schedules, webhooks and lists, through HTTP."""

import pytest

from accounts.models import ApiToken
from resources.kinds import KINDS, Kind
from resources.models import Run, Schedule, Task, Webhook
from resources.schedules import editing
from resources.schedules.actions import RunActor, RunActorTask
from resources.schedules.editing import ScheduleChange
from tests.support.api import data_of, send
from tests.support.factories import built_actor, make_resource, make_webhook

pytestmark = pytest.mark.django_db
REFUSED = (403, "insufficient-permissions")


@pytest.fixture
def actor(ada):
    return built_actor(ada, name="mine")


@pytest.fixture
def task(ada, actor):
    return make_resource(Kind.TASK, ada, name="prices", actor_id=actor.pk)


def entry(kind: str, *permissions: str, on: str | None = None) -> dict:
    return {"kind": kind, "permissions": list(permissions), "resourceId": on}


def refused(response) -> dict:
    """Return `error.data` of a refusal."""
    error = response.json()["error"]
    assert (response.status_code, error["type"]) == REFUSED, response.content
    return error["data"]


# Tasks


def test_starting_a_task_takes_run_on_its_actor_and_read_on_the_task(api, ada, actor, task):
    url = f"/v2/actor-tasks/{task.pk}/runs"
    for scope in (
        [entry("task", "READ")],
        [entry("actor", "RUN")],
        [entry("task", "READ", "WRITE"), entry("actor", "READ", "WRITE", "BUILD")],
        [entry("task", "READ", on="0" * 17), entry("actor", "RUN")],
    ):
        assert send(api(ada, scope=scope), "post", url).status_code in (403, 404)
    assert not Run.objects.exists()
    assert send(
        api(ada, scope=[entry("task", "READ", on=task.pk), entry("actor", "RUN", on=actor.pk)]), "post", url
    ).status_code in (201,)


@pytest.mark.parametrize("path", ["", "/input"])
def test_changing_a_task_takes_run_on_its_actor(api, ada, actor, task, path):
    body = {"title": "Changed"}
    client = api(ada, scope=[entry("task", "READ", "WRITE"), entry("actor", "READ", "WRITE")])
    answer = send(client, "put", f"/v2/actor-tasks/{task.pk}{path}", body)
    assert refused(answer) == {"heldBackBy": "SCOPE", "permission": "RUN", "kind": "actor"}
    task.refresh_from_db()
    assert (task.title, task.input) == ("", "")
    other = api(ada, scope=[entry("task", "WRITE"), entry("actor", "RUN", on="0" * 17)])
    refused(send(other, "put", f"/v2/actor-tasks/{task.pk}{path}", body))
    client = api(ada, scope=[entry("task", "WRITE"), entry("actor", "RUN", on=actor.pk)])
    data = send(client, "put", f"/v2/actor-tasks/{task.pk}{path}", body)
    assert data.status_code == 200


def test_creating_a_task_takes_run_on_its_actor(api, ada, actor):
    body = {"actId": actor.pk, "name": "new"}
    scoped = api(ada, scope=[entry("task", "WRITE", "CREATE"), entry("actor", "READ", "WRITE")])
    refused(send(scoped, "post", "/v2/actor-tasks", body))
    assert not Task.objects.exists()
    scoped = api(ada, scope=[entry("task", "CREATE"), entry("actor", "RUN")])
    made = data_of(send(scoped, "post", "/v2/actor-tasks", body))
    # What a token has created is in its scope.
    assert scoped.get(f"/v2/actor-tasks/{made['id']}").status_code == 200


def test_a_task_whose_actor_is_gone_can_be_changed(api, ada):
    task = make_resource(Kind.TASK, ada, name="left")
    client = api(ada, scope=[entry("task", "WRITE")])
    assert send(client, "put", f"/v2/actor-tasks/{task.pk}", {"title": "x"}).status_code == 200


# Schedules


@pytest.mark.parametrize("of_task", [False, True])
def test_a_schedule_takes_run_for_everything_it_starts(api, ada, actor, task, of_task):
    action = RunActorTask(actor_task_id=task.pk) if of_task else RunActor(actor_id=actor.pk)
    change = ScheduleChange(name="nightly", cron_expression="@daily", actions=[action])
    schedule = editing.create(ada.pk, change, by=ada.principal)
    url = f"/v2/schedules/{schedule.pk}"
    for scope in (
        [entry("schedule", "WRITE")],
        [entry("schedule", "WRITE"), entry("actor", "READ", "WRITE"), entry("task", "WRITE")],
    ):
        refused(send(api(ada, scope=scope), "put", url, {"isEnabled": True}))
    assert not Schedule.objects.get().is_enabled
    enough = [entry("schedule", "WRITE"), entry("actor", "RUN"), entry("task", "READ")]
    assert send(api(ada, scope=enough), "put", url, {"isEnabled": True}).status_code == 200
    saved = Schedule.objects.get()
    assert saved.is_enabled
    enabled_by = ApiToken.objects.latest("created_at").pk
    assert [each[0] for each in saved.starters] == [enabled_by], "it acts as the principal that enabled it"


# Webhooks

ALL_TOLD = [entry("run", "READ"), entry("build", "READ"), entry("task", "READ")]


@pytest.mark.parametrize("on", ["actorId", "actorTaskId"])
def test_a_webhook_takes_run_on_its_actor(api, ada, actor, task, on):
    body = {
        "eventTypes": ["ACTOR.RUN.SUCCEEDED"],
        "requestUrl": "https://example.com/hook",
        "condition": {on: actor.pk if on == "actorId" else task.pk},
    }
    writing = api(ada, scope=[entry("actor", "READ", "WRITE"), *ALL_TOLD])
    assert refused(send(writing, "post", "/v2/webhooks", body))["permission"] == "RUN"
    assert not Webhook.objects.exists()
    running = api(ada, scope=[entry("actor", "WRITE", "RUN"), *ALL_TOLD])
    assert send(running, "post", "/v2/webhooks", body).status_code == 201


def test_a_webhook_is_not_moved_to_an_actor_that_the_token_may_not_run(api, ada, actor):
    hook = make_webhook(ada, actor=built_actor(ada, name="other"))
    writing = api(ada, scope=[entry("actor", "READ", "WRITE"), *ALL_TOLD])
    refused(send(writing, "put", f"/v2/webhooks/{hook.pk}", {"condition": {"actorId": actor.pk}}))


# Lists


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.BUILD])
def test_a_list_takes_read_on_the_whole_kind(api, ada, kind):
    one = make_resource(kind, ada) if kind is not Kind.SCHEDULE else editing.create(ada.pk, by=ada.principal)
    url = f"/v2/{KINDS[kind].api_path}"
    assert error_of_list(api(ada, scope=[entry(kind.value, "READ", on=one.pk)]).get(url)) == REFUSED
    if kind is not Kind.RUN:
        assert error_of_list(api(ada, scope=[entry(kind.value, "CREATE")]).get(url)) == REFUSED
    assert api(ada, scope=[entry(kind.value, "READ")]).get(url).status_code == 200


def error_of_list(response) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["type"]
