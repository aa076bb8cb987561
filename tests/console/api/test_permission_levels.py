"""Limited permissions are refused wherever they can be given, until they exist; full permissions are taken."""

import json
from typing import Any

import pytest

from resources.kinds import Kind
from resources.models import Actor, Run, Schedule, Task
from resources.runs import starting
from tests.support.api import error_of, message_of, send
from tests.support.factories import built_actor
from tests.support.run_stage import at_work, ended

pytestmark = pytest.mark.django_db
FULL, LIMITED = "FULL_PERMISSIONS", "LIMITED_PERMISSIONS"


@pytest.fixture
def actor(ada) -> Actor:
    return built_actor(ada)


@pytest.fixture
def task(ada, actor, make_resource) -> Task:
    return make_resource(Kind.TASK, ada, name="daily", actor_id=actor.pk)


@pytest.fixture
def schedule(ada, make_resource) -> Schedule:
    return make_resource(Kind.SCHEDULE, ada, name="daily")


def ways(actor: Actor, task: Task, schedule: Schedule, ended_run: Run, running: Run, level: Any):
    """Return each way to give a level: the method, the path and the body."""
    query = f"?forcePermissionLevel={level}"
    action = {"type": "RUN_ACTOR", "actorId": actor.pk, "runOptions": {"forcePermissionLevel": level}}
    version = {"versionNumber": "0.7", "sourceType": "SOURCE_FILES", "sourceFiles": []}
    for path in ("runs", "run-sync", "run-sync-get-dataset-items"):
        yield "post", f"/v2/actors/{actor.pk}/{path}{query}", None
        yield "post", f"/v2/actor-tasks/{task.pk}/{path}{query}", None
    yield "post", f"/v2/actor-runs/{ended_run.pk}/resurrect{query}", None
    yield "post", f"/v2/actor-runs/{running.pk}/metamorph{query}&targetActorId={actor.pk}", None
    yield "post", "/v2/actors", {"name": "new", "actorPermissionLevel": level}
    yield "post", "/v2/actors", {"name": "new", "defaultRunOptions": {"forcePermissionLevel": level}}
    yield "put", f"/v2/actors/{actor.pk}", {"actorPermissionLevel": level}
    yield "put", f"/v2/actors/{actor.pk}", {"defaultRunOptions": {"forcePermissionLevel": level}}
    yield "put", f"/v2/actors/{actor.pk}", {"versions": [{**version, "actorPermissionLevel": level}]}
    yield "post", f"/v2/actors/{actor.pk}/versions", {**version, "forcePermissionLevel": level}
    yield "post", "/v2/actor-tasks", {"actId": actor.pk, "options": {"forcePermissionLevel": level}}
    yield "put", f"/v2/actor-tasks/{task.pk}", {"options": {"forcePermissionLevel": level}}
    yield "post", "/v2/schedules", {"cronExpression": "@daily", "isEnabled": False, "actions": [action]}
    yield "put", f"/v2/schedules/{schedule.pk}", {"actions": [action]}


@pytest.fixture
def runs(ada, actor) -> tuple[Run, Run]:
    over, running = starting.start(actor, by=ada.principal), starting.start(actor, by=ada.principal)
    at_work(running)
    ended(over)
    return over, running


@pytest.mark.parametrize(
    ("level", "type_"), [(LIMITED, "platform-feature-disabled"), ("NO_PERMISSIONS", "invalid-value")]
)
def test_no_other_level_is_taken_anywhere(api, ada, actor, task, schedule, runs, level, type_):
    client = api(ada)
    for method, path, body in ways(actor, task, schedule, *runs, level):
        response = send(client, method, path, body)
        where = (path, body, response.content)
        assert response.status_code == 400, where
        assert response.json()["error"]["type"] == type_, where
        assert "FULL_PERMISSIONS" in message_of(response), where
    assert (Actor.objects.count(), Task.objects.count(), Schedule.objects.count(), Run.objects.count()) == (1, 1, 1, 2)


def test_full_permissions_are_taken_everywhere(api, ada, actor, task, schedule, runs):
    client = api(ada)
    for number, (method, path, body) in enumerate(ways(actor, task, schedule, *runs, FULL)):
        if "run-sync" not in path and "versions" not in path and "versions" not in (body or {}):
            response = send(client, method, path, {**body, "name": f"made-{number}"} if body else None)
            assert response.status_code in (200, 201), (path, body, response.content)
    assert client.get(f"/v2/actors/{actor.pk}").json()["data"]["actorPermissionLevel"] == FULL
    assert client.get(f"/v2/actor-tasks/{task.pk}").json()["data"]["options"]["forcePermissionLevel"] == FULL
    action = client.get(f"/v2/schedules/{schedule.pk}").json()["data"]["actions"][0]
    assert action["runOptions"]["forcePermissionLevel"] == FULL


def test_a_task_and_a_schedule_with_full_permissions_still_start(api, ada, actor, task):
    send(api(ada), "put", f"/v2/actor-tasks/{task.pk}", {"options": {"forcePermissionLevel": FULL}})
    assert send(api(ada), "post", f"/v2/actor-tasks/{task.pk}/runs").status_code == 201


@pytest.mark.parametrize(
    "body",
    [{"actorPermissionLevel": LIMITED}, {"defaultRunOptions": {"forcePermissionLevel": LIMITED}}],
    ids=["Actor", "default options"],
)
def test_what_an_actor_has_from_before_is_refused_too(api, ada, actor, body):
    """The upgrade cleared it (`tests/resources/actors/test_permission_levels_migration.py`)."""
    Actor.objects.update(details=json.dumps({"actorPermissionLevel": LIMITED, "forcePermissionLevel": LIMITED}))
    response = send(api(ada), "put", f"/v2/actors/{actor.pk}", {"title": "Counter", **body})
    assert error_of(response) == (400, "platform-feature-disabled")
