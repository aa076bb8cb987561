"""`/v2/schedules`: schedules, what they start, and their log."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import ApiToken
from resources.kinds import Kind
from resources.models import Run, Schedule, ScheduleInvocation
from resources.schedules import editing
from resources.schedules.editing import ScheduleChange
from sharing.schedules import firing
from tests.support.api import error_of, message_of, send
from tests.support.factories import built_actor


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def task(ada, actor, make_resource):
    return make_resource(Kind.TASK, ada, name="prices", actor_id=actor.pk)


@pytest.fixture
def schedule(ada):
    return editing.create(ada.pk, ScheduleChange(name="nightly", cron_expression="@daily"), by=ada.principal)


def of_actor(actor, **fields):
    return {"type": "RUN_ACTOR", "actorId": actor if isinstance(actor, str) else actor.pk, **fields}


def of_task(task, **fields):
    return {"type": "RUN_ACTOR_TASK", "actorTaskId": task if isinstance(task, str) else task.pk, **fields}


# Refusals


def test_nobody_has_schedules(api):
    assert error_of(api().get("/v2/schedules")) == (401, "token-not-provided")
    assert error_of(send(api(), "post", "/v2/schedules", {})) == (401, "token-not-provided")


def test_a_schedule_does_not_exist_for_others(api, schedule, cleo):
    for client in (api(), api(cleo)):
        for path in ("", "/log"):
            assert error_of(client.get(f"/v2/schedules/{schedule.pk}{path}")) == (404, "record-not-found")
    for method in ("put", "delete"):
        assert error_of(send(api(cleo), method, f"/v2/schedules/{schedule.pk}", {})) == (404, "record-not-found")


def test_a_reader_changes_nothing(api, schedule, ben, give):
    give(schedule, ben)
    assert api(ben).get(f"/v2/schedules/{schedule.pk}/log").json()["data"] == []
    for method in ("put", "delete"):
        response = send(api(ben), method, f"/v2/schedules/{schedule.pk}", {"isEnabled": True})
        assert error_of(response) == (403, "insufficient-permissions")


def test_what_may_not_be_started_cannot_be_scheduled(api, actor, task, cleo, ben, ada, give):
    give(task, ben)
    actor.is_public = False
    actor.save()
    for who, action in (
        (cleo, of_actor(actor)),
        (cleo, of_actor("dan~finder")),
        (cleo, of_actor("0" * 17)),
        (cleo, of_task(task)),
        (ben, of_task(task)),  # he may read the task, and not run its Actor
        (ada, of_task(task)),  # nor may she by now
    ):
        response = send(api(who), "post", "/v2/schedules", {"actions": [action]})
        assert error_of(response) == (404, "record-not-found"), (who, action)
    give(actor, cleo, "READ")
    assert error_of(send(api(cleo), "post", "/v2/schedules", {"actions": [of_actor(actor)]})) == (
        403,
        "insufficient-permissions",
    )
    assert not Schedule.objects.exists()


def test_a_writer_schedules_nothing_that_the_owner_may_not_start(api, schedule, ben, give, make_resource):
    give(schedule, ben, "WRITE")
    private = make_resource(Kind.ACTOR, ben, name="bens")
    one = f"/v2/schedules/{schedule.pk}"
    response = send(api(ben), "put", one, {"actions": [of_actor(private)], "isEnabled": True})
    assert error_of(response) == (404, "record-not-found")
    schedule.refresh_from_db()
    assert (schedule.actions, schedule.is_enabled) == ("[]", False)


def test_a_writer_does_not_choose_what_the_owners_token_is_given_to(
    api, ada, schedule, ben, actor, give, make_resource
):
    give(schedule, ben, "WRITE")
    thief = make_resource(Kind.ACTOR, ben, name="thief", is_public=True)
    task = make_resource(Kind.TASK, ben, name="thief", actor_id=thief.pk)
    give(task, ada)
    one = f"/v2/schedules/{schedule.pk}"
    for action in (of_actor(thief), of_actor(actor), of_task(task)):
        assert error_of(send(api(ben), "put", one, {"actions": [action]})) == (403, "insufficient-permissions")
    assert send(api(ada), "put", one, {"actions": [of_actor(actor)]}).status_code == 200
    body = {"actions": [of_actor(actor, runInput={"body": "{}", "contentType": "application/json"})]}
    assert send(api(ben), "put", one, body).status_code == 200  # what its owner has chosen stays


@pytest.fixture
def shared_schedule(api, ada, ben, give, make_resource):
    """A schedule that ben may write, and which of ada's own Actors and tasks it starts."""
    mine, other = (make_resource(Kind.ACTOR, ada, name=name) for name in ("mine", "other"))
    daily, weekly = (make_resource(Kind.TASK, ada, name=name, actor_id=mine.pk) for name in ("daily", "weekly"))
    for each in (mine, other):
        give(each, ben, "RUN")
    for each in (daily, weekly):
        give(each, ben)
    options = {"build": "latest", "forcePermissionLevel": "FULL_PERMISSIONS", "timeoutSecs": 5}
    kept = [of_actor(mine, runOptions=options), of_task(daily)]
    body = {"name": "shared", "cronExpression": "@daily", "actions": kept}
    made = send(api(ada), "post", "/v2/schedules", body).json()["data"]
    give(Schedule.objects.get(pk=made["id"]), ben, "WRITE")
    return f"/v2/schedules/{made['id']}", {"mine": mine, "other": other, "daily": daily, "weekly": weekly}


def _options(**changed):
    return {"build": "latest", "forcePermissionLevel": "FULL_PERMISSIONS", **changed}


@pytest.mark.parametrize(
    "chosen",
    [
        lambda of: [of_actor(of["other"], runOptions=_options())],
        lambda of: [of_actor(of["mine"], runOptions=_options()), of_actor(of["other"])],
        lambda of: [of_task(of["weekly"])],
        lambda of: [of_task(of["daily"]), of_task(of["weekly"])],
        lambda of: [of_actor(of["mine"], runOptions=_options(build="beta"))],
        lambda of: [of_actor(of["mine"], runOptions=_options(build=None))],
        lambda of: [of_actor(of["mine"], runOptions=_options(forcePermissionLevel=None))],
        lambda of: [of_actor(of["mine"])],
    ],
    ids=["Actor", "new Actor", "task", "new task", "build", "no build", "no permission level", "no options"],
)
def test_only_the_owner_chooses_the_code_of_a_schedule(api, ada, ben, shared_schedule, chosen):
    """Of the owner's own Actors too: which of them runs, with which build, is what speaks for the owner."""
    one, of = shared_schedule
    before = Schedule.objects.get(name="shared").actions
    refused = send(api(ben), "put", one, {"actions": chosen(of), "title": "Mine"})
    assert error_of(refused) == (403, "insufficient-permissions")
    assert "Only its owner" in message_of(refused)
    after = Schedule.objects.get(name="shared")
    assert (after.actions, after.title) == (before, "")
    assert send(api(ada), "put", one, {"actions": chosen(of)}).status_code == 200


def test_a_writer_changes_everything_else_of_a_schedule(api, ben, shared_schedule):
    one, of = shared_schedule
    input_ = {"body": '{"page": 2}', "contentType": "application/json"}
    changed = of_actor(of["mine"], runInput=input_, runOptions=_options(timeoutSecs=9, memoryMbytes=256))
    actions = [changed, of_task(of["daily"], input={"page": 3})]
    body = {"actions": actions, "cronExpression": "@weekly", "title": "Each week", "isEnabled": True}
    answered = send(api(ben), "put", one, body)
    assert answered.status_code == 200
    data = answered.json()["data"]
    assert (data["cronExpression"], data["title"], data["isEnabled"]) == ("@weekly", "Each week", True)
    assert [{**each, "id": None} for each in data["actions"]] == [{**each, "id": None} for each in actions]
    assert send(api(ben), "put", one, {"actions": actions[1:]}).status_code == 200  # to take one away


def test_a_scope_goes_no_further_by_a_schedule(api, ada, make_resource):
    mine = built_actor(ada, name="mine")
    scope = [{"kind": "schedule", "permissions": ["WRITE", "CREATE"]}, {"kind": "actor", "permissions": ["RUN"]}]
    body = {"actions": [of_actor(mine)], "cronExpression": "* * * * *", "isEnabled": True}
    made = send(api(ada, scope=scope), "post", "/v2/schedules", body).json()["data"]
    assert firing.fire_due(timezone.now() + timedelta(minutes=2)) == 1
    run = Run.objects.get(schedule_id=made["id"])
    assert run.starters == Schedule.objects.get().starters == [[ApiToken.objects.get(name="test", scope=scope).pk, ""]]
    assert send(api(ada), "put", f"/v2/schedules/{made['id']}", {"actions": [of_actor(mine)]}).status_code == 200
    assert Schedule.objects.get().starters is None


def test_each_scope_of_another_account_narrows_a_schedule(api, ben, shared_schedule):
    """One token after another leaves no more than all of them allow, and an account's own token takes nothing back."""
    one, _ = shared_schedule
    needed = {"schedule": ["WRITE"], "actor": ["RUN"], "task": ["READ"]}
    for kind in ("dataset", "key_value_store"):
        scope = [{"kind": k, "permissions": names} for k, names in (needed | {kind: ["READ"]}).items()]
        assert send(api(ben, scope=scope), "put", one, {"title": kind}).status_code == 200
    assert {each["kind"] for each in Schedule.objects.get(name="shared").token_scope} == set(needed)
    assert send(api(ben), "put", one, {"title": "Mine"}).status_code == 200
    assert {each["kind"] for each in Schedule.objects.get(name="shared").token_scope} == set(needed)


def test_a_token_for_schedules_alone_starts_nothing(api, ada, make_resource):
    mine = make_resource(Kind.ACTOR, ada, name="mine")
    client = api(ada, scope=[{"kind": "schedule", "permissions": ["WRITE", "CREATE"]}])
    response = send(client, "post", "/v2/schedules", {"actions": [of_actor(mine)]})
    assert error_of(response) == (404, "record-not-found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"cronExpression": "nonsense"},
        {"cronExpression": "* * * * * *"},
        {"cronExpression": "0 0 30 2 *"},
        {"cronExpression": "\x00"},
        {"timezone": "Mars/Base"},
        {"timezone": "../../etc/passwd"},
        {"name": "a b"},
        {"name": "x" * 64},
        {"title": "x" * 201},
        {"description": "\x00"},
        {"isEnabled": "yes"},
        {"notifications": {"email": 1}},
        {"actions": [{"type": "DANCE"}]},
        {"actions": [{"type": "RUN_ACTOR"}]},
        {"actions": [{}]},
        {"actions": {}},
    ],
)
def test_bad_bodies(api, ada, schedule, wrong):
    assert error_of(send(api(ada), "post", "/v2/schedules", wrong)) == (400, "invalid-value")
    response = send(api(ada), "put", f"/v2/schedules/{schedule.pk}", {"isExclusive": True, **wrong})
    assert error_of(response) == (400, "invalid-value")
    assert list(Schedule.objects.values_list("name", "is_exclusive")) == [("nightly", False)]


@pytest.mark.parametrize("options", [{"memoryMbytes": 1000}, {"maxItems": 0}, {"build": "a\n"}])
def test_options_that_no_run_can_have_are_not_saved(api, ada, actor, schedule, options):
    body = {"actions": [of_actor(actor), of_actor(actor, runOptions=options)]}
    for method, url in (("post", "/v2/schedules"), ("put", f"/v2/schedules/{schedule.pk}")):
        response = send(api(ada), method, url, body)
        assert error_of(response) == (400, "invalid-value")
        assert f"actions[1].runOptions.{next(iter(options))}" in message_of(response)
    assert [each.actions for each in Schedule.objects.all()] == [schedule.actions]


@pytest.mark.parametrize(
    "content_type", ["\x00", "text/plain\x00", "text/plain\nX: y", "json", "text/caf\xe9", "x" * 256]
)
def test_a_type_that_no_input_can_have_is_not_saved(api, ada, actor, schedule, content_type):
    action = of_actor(actor, runInput={"body": "{}", "contentType": content_type})
    for method, url in (("post", "/v2/schedules"), ("put", f"/v2/schedules/{schedule.pk}")):
        response = send(api(ada), method, url, {"actions": [of_actor(actor), action]})
        assert error_of(response) == (400, "invalid-value")
        assert "contentType" in message_of(response)
    assert [each.actions for each in Schedule.objects.all()] == [schedule.actions]


def test_bad_actions(api, ada, actor):
    for action in (
        of_actor(actor, runOptions={"timeoutSecs": -1}),
        of_actor(actor, runInput={"body": 5}),
        of_actor(actor, runInput={"body": "x" * 1_000_001}),
    ):
        assert error_of(send(api(ada), "post", "/v2/schedules", {"actions": [action]})) == (400, "invalid-value")
    many = {"actions": [of_actor(actor)] * 11}
    assert error_of(send(api(ada), "post", "/v2/schedules", many)) == (400, "invalid-value")


def test_a_name_that_is_taken(api, ada, schedule):
    assert error_of(send(api(ada), "post", "/v2/schedules", {"name": "nightly"})) == (409, "schedule-name-not-unique")


# What it does


def test_a_schedule_from_beginning_to_end(api, ada, actor, task):
    client = api(ada)
    wanted = {
        "name": "hourly",
        "title": "Hourly",
        "description": "Each hour",
        "cronExpression": "0 * * * *",
        "timezone": "Europe/Prague",
        "isEnabled": True,
        "isExclusive": True,
        "notifications": {"email": False},
        "actions": [
            of_actor("dan~finder", runInput={"body": '{"a": "\x00"}', "contentType": "application/json"}),
            of_task("~prices", input={"shop": 1}),
            of_actor(actor, runOptions={"memoryMbytes": 256, "build": None}),
        ],
    }
    made = send(client, "post", "/v2/schedules", wanted)
    assert made.status_code == 201, made.content
    data = made.json()["data"]
    assert made["Location"].endswith(f"/v2/schedules/{data['id']}")
    assert data["userId"] == ada.pk
    assert data["nextRunAt"].endswith(":00:00.000Z")
    assert data["lastRunAt"] is None
    ids = [action.pop("id") for action in data["actions"]]
    assert len(set(ids)) == 3
    assert data["actions"] == [
        of_actor(actor, runInput={"body": '{"a": "\x00"}', "contentType": "application/json"}),
        of_task(task, input={"shop": 1}),
        of_actor(actor, runOptions={"memoryMbytes": 256}),
    ]
    one = f"/v2/schedules/{data['id']}"
    again = client.get(one).json()["data"]
    assert [action["id"] for action in again["actions"]] == ids
    kept = send(client, "put", one, {"actions": again["actions"], "title": "T"}).json()["data"]
    assert (kept["actions"], kept["title"], kept["nextRunAt"]) == (again["actions"], "T", again["nextRunAt"])
    off = send(client, "put", one, {"isEnabled": False, "name": None}).json()["data"]
    assert (off["isEnabled"], off["nextRunAt"], off["name"], off["timezone"]) == (
        False,
        None,
        "hourly",
        "Europe/Prague",
    )
    assert client.delete(one).status_code == 204
    assert client.get(one).status_code == 404


def test_the_least_that_a_schedule_can_be(api, ada):
    data = send(api(ada), "post", "/v2/schedules", {}).json()["data"]
    assert (data["cronExpression"], data["timezone"], data["isEnabled"], data["actions"]) == (
        "0 0 * * *",
        "UTC",
        False,
        [],
    )
    assert data["notifications"] == {"email": True}


def test_the_log(api, ada, schedule):
    for number in range(3):
        ScheduleInvocation.objects.create(schedule=schedule, message=f"line {number}")
    lines = api(ada).get(f"/v2/schedules/{schedule.pk}/log").json()["data"]
    assert [(line["message"], line["level"]) for line in lines] == [(f"line {number}", "INFO") for number in range(3)]


def test_a_writers_change_is_in_the_owners_trail(api, schedule, ben, ada, give, actor):
    from accounts.models import AuditEvent

    give(schedule, ben, "WRITE")
    assert send(api(ben), "put", f"/v2/schedules/{schedule.pk}", {"isEnabled": True}).status_code == 200
    line = AuditEvent.objects.get(action="schedule.changed")
    assert (line.account_id, line.actor_id) == (ada.pk, ben.pk)


def test_lists(api, ada, ben, schedule, give, actor, django_assert_max_num_queries):
    give(schedule, ben)
    client = api(ada)
    for number in range(20):
        send(
            client,
            "post",
            "/v2/schedules",
            {"name": f"s-{number}", "actions": [of_actor(actor, runInput={"body": "x"})]},
        )
    with django_assert_max_num_queries(5):
        found = client.get("/v2/schedules?limit=5").json()["data"]
    assert (found["total"], found["count"], found["items"][0]["id"]) == (21, 5, schedule.pk)
    assert set(found["items"][1]["actions"][0]) == {"id", "type", "actorId"}
    assert [each["id"] for each in api(ben).get("/v2/schedules").json()["data"]["items"]] == [schedule.pk]
    assert api(ben).get("/v2/schedules?ownership=ownedByMe").json()["data"]["total"] == 0
