"""Permission levels, wherever they can be given: what is taken, what is refused, and by whom Actors are raised."""

from dataclasses import replace
from typing import Any

import pytest

from accounts.lib.api_errors import ApiError
from accounts.models import Account, AuditEvent
from accounts.principal import Principal, Role
from resources.kinds import Kind
from resources.models import Actor, Run, Schedule, Task
from resources.runs import starting
from sharing.policies import actor_levels
from tests.support.api import data_of, error_of, message_of, send
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


def test_no_other_level_is_taken_anywhere(api, ada, actor, task, schedule, runs):
    client = api(ada)
    for method, path, body in ways(actor, task, schedule, *runs, "NO_PERMISSIONS"):
        response = send(client, method, path, body)
        where = (path, body, response.content)
        assert error_of(response) == (400, "invalid-value"), where
        assert "FULL_PERMISSIONS or LIMITED_PERMISSIONS" in message_of(response), where
    assert (Actor.objects.count(), Task.objects.count(), Schedule.objects.count(), Run.objects.count()) == (1, 1, 1, 2)


@pytest.mark.parametrize("level", [FULL, LIMITED])
def test_both_levels_are_taken_everywhere(api, ada, actor, task, schedule, runs, level):
    client = api(ada)
    for number, (method, path, body) in enumerate(ways(actor, task, schedule, *runs, level)):
        if "run-sync" not in path and "versions" not in path and "versions" not in (body or {}):
            response = send(client, method, path, {**body, "name": f"made-{number}"} if body else None)
            assert response.status_code in (200, 201), (path, body, response.content)
    assert client.get(f"/v2/actors/{actor.pk}").json()["data"]["actorPermissionLevel"] == level
    assert client.get(f"/v2/actor-tasks/{task.pk}").json()["data"]["options"]["forcePermissionLevel"] == level
    action = client.get(f"/v2/schedules/{schedule.pk}").json()["data"]["actions"][0]
    assert action["runOptions"]["forcePermissionLevel"] == level


def test_a_task_and_a_schedule_with_full_permissions_still_start(api, ada, actor, task):
    send(api(ada), "put", f"/v2/actor-tasks/{task.pk}", {"options": {"forcePermissionLevel": FULL}})
    assert send(api(ada), "post", f"/v2/actor-tasks/{task.pk}/runs").status_code == 201


# The level of an Actor


def test_a_new_actor_has_the_level_that_its_account_chose(api, ada):
    def made(**said: Any) -> str:
        level: str = data_of(send(api(ada), "post", "/v2/actors", {"title": "Counter", **said}))["actorPermissionLevel"]
        return level

    assert [made(), made(actorPermissionLevel=LIMITED)] == [FULL, LIMITED]
    Account.objects.update(limits_new_actors=True)
    assert [made(), made(actorPermissionLevel=FULL), made(actorPermissionLevel=None)] == [LIMITED, FULL, LIMITED]


def test_accounts_begin_with_limited_actors(db):
    assert Account.objects.create_user("erin", "erin@example.com").limits_new_actors


def test_only_the_owner_raises_the_level_of_an_actor(api, ada, ben, actor, give):
    give(actor, ben, "WRITE")
    path = f"/v2/actors/{actor.pk}"
    assert send(api(ben), "put", path, {"actorPermissionLevel": LIMITED}).status_code == 200
    refused = send(api(ben), "put", path, {"actorPermissionLevel": FULL, "title": "Mine"})
    assert refused.status_code == 403
    assert message_of(refused) == "Only the owner of an Actor can give it full permissions."
    assert send(api(ben), "put", path, {"actorPermissionLevel": LIMITED, "title": "Counter"}).status_code == 200
    of_reader = api(ada, scope=[{"kind": "actor", "permissions": ["READ"]}])
    assert send(of_reader, "put", path, {"actorPermissionLevel": FULL}).status_code == 403
    assert send(api(ada), "put", path, {"actorPermissionLevel": FULL}).status_code == 200
    lines = AuditEvent.objects.filter(action="actor.permission_level_changed").order_by("pk")
    assert [(line.actor_username, line.details["after"]) for line in lines] == [("ben", LIMITED), ("ada", FULL)]


def member(ada: Account, *of_account: str) -> Principal:
    role = Role("Developer", "acme", actors=frozenset({"READ", "WRITE", "RUN"}), account=frozenset(of_account))
    return replace(ada.principal, role=role)


def test_in_an_organization_it_takes_its_management(ada, actor):
    assert not actor_levels.may_raise(actor, by=member(ada))
    assert actor_levels.may_raise(actor, by=member(ada, "MANAGE_ORGANIZATION"))
    Account.objects.update(limits_new_actors=True)
    actor_levels.check_new(None, by=member(ada, "MANAGE_ORGANIZATION"))
    with pytest.raises(ApiError):
        actor_levels.check_new(None, by=member(ada))
