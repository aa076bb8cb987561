"""`/v2/actor-tasks`: tasks, their settings and their input."""

import json

import pytest

from resources.kinds import Kind
from resources.models import Task
from resources.runs.saved_options import SavedOptions
from resources.tasks import editing
from resources.tasks.editing import TaskChange
from tests.support.api import error_of, message_of, send


@pytest.fixture
def actor(dan, make_resource):
    return make_resource(Kind.ACTOR, dan, name="finder", is_public=True)


@pytest.fixture
def task(ada, actor):
    return editing.create(ada.pk, actor, TaskChange(name="prices", input='{"a": 1, "b": [2]}'), by=ada.principal)


# Refusals


def test_nobody_has_tasks(api, actor):
    assert error_of(api().get("/v2/actor-tasks")) == (401, "token-not-provided")
    assert error_of(send(api(), "post", "/v2/actor-tasks", {"actId": actor.pk})) == (401, "token-not-provided")


def test_a_task_does_not_exist_for_others_by_whatever_it_is_called(api, task, cleo):
    for client in (api(), api(cleo)):
        for address in (task.pk, "ada~prices"):
            for path in ("", "/input"):
                assert error_of(client.get(f"/v2/actor-tasks/{address}{path}")) == (404, "record-not-found")
    for method, path in (("put", ""), ("delete", ""), ("put", "/input")):
        response = send(api(cleo), method, f"/v2/actor-tasks/{task.pk}{path}", {})
        assert error_of(response) == (404, "record-not-found")


def test_general_access_does_not_apply(api, task, cleo, ada):
    assert ada.general_access == "ANYONE_WITH_ID_CAN_READ"
    Task.objects.update(general_access="ANYONE_WITH_ID_CAN_READ")
    assert api(cleo).get(f"/v2/actor-tasks/{task.pk}").status_code == 404


def test_a_reader_changes_nothing(api, task, ben, give):
    give(task, ben)
    one = f"/v2/actor-tasks/{task.pk}"
    assert api(ben).get(f"{one}/input").json() == {"a": 1, "b": [2]}
    for method, url, body in (("put", one, {"name": "x"}), ("put", f"{one}/input", {}), ("delete", one, {})):
        assert error_of(send(api(ben), method, url, body)) == (403, "insufficient-permissions")
    assert Task.objects.get().input == '{"a": 1, "b": [2]}'


def test_whoever_makes_a_task_may_run_its_actor(api, actor, cleo, give):
    actor.is_public = False
    actor.save()
    for address in (actor.pk, "dan~finder", "0" * 17, "nonsense", "\x00"):
        response = send(api(cleo), "post", "/v2/actor-tasks", {"actId": address})
        assert error_of(response) == (404, "record-not-found"), address
    give(actor, cleo, "READ", "WRITE")
    response = send(api(cleo), "post", "/v2/actor-tasks", {"actId": actor.pk})
    assert error_of(response) == (403, "insufficient-permissions")
    assert "RUN" in message_of(response)
    assert not Task.objects.exists()


def test_a_token_for_tasks_alone_does_not_run_actors(api, actor, ada):
    actor.is_public = False
    actor.owner = ada
    actor.save()
    client = api(ada, scope=[{"kind": "task", "permissions": ["WRITE", "CREATE"]}])
    assert error_of(send(client, "post", "/v2/actor-tasks", {"actId": actor.pk})) == (404, "record-not-found")


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "a b"},
        {"name": "x" * 64},
        {"name": ""},
        {"name": 5},
        {"title": "x" * 201},
        {"description": "\x00"},
        {"options": {"timeoutSecs": -1}},
        {"options": {"memoryMbytes": "much"}},
        {"options": {"memoryMbytes": 1000}},
        {"options": {"memoryMbytes": 64}},
        {"options": {"memoryMbytes": 65536}},
        {"options": {"maxItems": 0}},
        {"options": {"maxTotalChargeUsd": 0}},
        {"options": {"build": "a\n"}},
        {"options": {"maxTotalChargeUsd": -0.5}},
        {"options": {"build": "x" * 41}},
        {"options": {"build": "a\x00"}},
        {"options": {"timeoutSecs": 2**31}},
        {"options": []},
        {"actorStandby": {"x": "y" * 10_001}},
        {"isPublic": True},
    ],
)
def test_bad_bodies(api, ada, actor, task, wrong):
    assert error_of(send(api(ada), "post", "/v2/actor-tasks", {"actId": actor.pk, **wrong})) == (400, "invalid-value")
    response = send(api(ada), "put", f"/v2/actor-tasks/{task.pk}", {"title": "Changed", **wrong})
    assert error_of(response) == (400, "invalid-value")
    assert list(Task.objects.values_list("name", "title")) == [("prices", "")]


def test_what_is_wrong_with_options_is_named_as_it_is_saved(api, ada, task):
    for field, value in (("memoryMbytes", 1000), ("timeoutSecs", 2**31), ("maxItems", 0)):
        response = send(api(ada), "put", f"/v2/actor-tasks/{task.pk}", {"options": {field: value}})
        assert error_of(response) == (400, "invalid-value")
        assert field in message_of(response)
    assert Task.objects.get().options == task.options


@pytest.mark.parametrize("wrong", [5, "text", True])
def test_an_input_is_an_object(api, ada, task, wrong):
    for url, body in (("", {"input": wrong}), ("/input", wrong)):
        response = send(api(ada), "put", f"/v2/actor-tasks/{task.pk}{url}", json.dumps(body))
        assert error_of(response) == (400, "input-json-not-object")
    for nul in ('{"a": "\x00"}', '{"a": \ud800"}'.encode("utf-16-be", "surrogatepass")):
        response = api(ada).put(f"/v2/actor-tasks/{task.pk}/input", nul, content_type="application/json")
        assert response.status_code == 400
    assert Task.objects.get().input == '{"a": 1, "b": [2]}'


def test_what_is_required_taken_or_for_good(api, ada, actor, task, make_resource):
    assert error_of(send(api(ada), "post", "/v2/actor-tasks", {})) == (400, "invalid-value")
    taken = send(api(ada), "post", "/v2/actor-tasks", {"actId": actor.pk, "name": "prices"})
    assert error_of(taken) == (409, "actor-task-name-not-unique")
    other = make_resource(Kind.ACTOR, ada)
    assert error_of(send(api(ada), "put", f"/v2/actor-tasks/{task.pk}", {"actId": other.pk})) == (400, "invalid-value")


# What it does


def test_a_task_from_beginning_to_end(api, ada, actor):
    client = api(ada)
    wanted = {
        "actId": "dan~finder",
        "name": "prices",
        "title": "Prices",
        "description": "All.",
        "options": {"build": "latest", "timeoutSecs": 300, "memoryMbytes": 1024, "restartOnError": None},
        "input": {"shop": "x\x00y"},
        "actorStandby": {"isEnabled": False, "build": None},
    }
    made = send(client, "post", "/v2/actor-tasks", wanted)
    data = made.json()["data"]
    assert made.status_code == 201
    assert made["Location"].endswith(f"/v2/actor-tasks/{data['id']}")
    assert (data["actId"], data["userId"], data["username"]) == (actor.pk, ada.pk, "ada")
    assert data["options"] == {"build": "latest", "timeoutSecs": 300, "memoryMbytes": 1024}
    assert (data["input"], data["actorStandby"]) == ({"shop": "x\x00y"}, {"isEnabled": False})
    assert (data["title"], data["description"], data["stats"]) == ("Prices", "All.", {"totalRuns": 0})
    for address in (data["id"], "ada~prices", "~prices"):
        assert client.get(f"/v2/actor-tasks/{address}").json()["data"] == data
    assert client.delete(f"/v2/actor-tasks/{data['id']}").status_code == 204
    assert client.get(f"/v2/actor-tasks/{data['id']}").status_code == 404


def test_what_is_not_given_stays(api, ada, task):
    one = f"/v2/actor-tasks/{task.pk}"
    send(api(ada), "put", one, {"options": {"build": "beta", "timeoutSecs": 5}, "publicConfig": {"seoTitle": "x"}})
    same = send(api(ada), "put", one, {"options": {}, "actorStandby": {}, "publicConfig": {}, "title": "T"}).json()
    assert same["data"]["options"] == {"build": "beta", "timeoutSecs": 5}
    assert same["data"]["publicConfig"] == {"seoTitle": "x"}
    assert same["data"]["input"] == {"a": 1, "b": [2]}
    changed = send(api(ada), "put", one, {"options": {"build": None, "maxItems": 3}, "name": "costs"}).json()["data"]
    assert changed["options"] == {"timeoutSecs": 5, "maxItems": 3}
    cleared = send(api(ada), "put", one, {"options": None, "input": None, "title": None}).json()["data"]
    assert (cleared["name"], cleared["options"], cleared["input"], cleared["title"]) == ("costs", {}, None, None)


def test_the_input_alone(api, ada, task):
    one = f"/v2/actor-tasks/{task.pk}/input"
    assert send(api(ada), "put", one, {"a": None, "c": 3}).json() == {"a": None, "b": [2], "c": 3}
    assert api(ada).get(one).json() == {"a": None, "b": [2], "c": 3}
    editing.update(task, TaskChange(input=None), by=ada.principal)
    assert api(ada).get(one).json() == {}


@pytest.fixture
def meanwhile(monkeypatch, task, ada):
    """Let somebody else save a change of the task just before the next one is saved."""

    def prepare(change):
        save = editing.update

        def overtaken(*args, **kwargs):
            monkeypatch.setattr(editing, "update", save)
            save(Task.objects.get(pk=task.pk), change, by=ada.principal)
            save(*args, **kwargs)

        monkeypatch.setattr(editing, "update", overtaken)

    return prepare


def test_two_who_change_fields_of_an_input_lose_neither(api, ada, task, meanwhile):
    meanwhile(TaskChange(input='{"a": 9, "d": 4}'))
    assert send(api(ada), "put", f"/v2/actor-tasks/{task.pk}/input", {"c": 3}).json() == {"a": 9, "d": 4, "c": 3}


def test_two_who_change_options_lose_neither(api, ada, task, meanwhile):
    meanwhile(TaskChange(options=SavedOptions(timeout_secs=7)))
    data = send(api(ada), "put", f"/v2/actor-tasks/{task.pk}", {"options": {"memoryMbytes": 256}}).json()["data"]
    assert (data["options"]["timeoutSecs"], data["options"]["memoryMbytes"]) == (7, 256)


def test_a_writer_changes_a_shared_task(api, task, ben, give):
    give(task, ben, "WRITE")
    data = send(api(ben), "put", f"/v2/actor-tasks/{task.pk}", {"title": "Ours"}).json()["data"]
    assert (data["title"], data["username"]) == ("Ours", "ada")


def test_a_list_names_the_actors_that_its_reader_may_read(api, ada, ben, actor, task, give):
    give(task, ben)
    actor.is_public = False
    actor.save()
    (item,) = api(ben).get("/v2/actor-tasks").json()["data"]["items"]
    assert (item["id"], item["actName"], item["actUsername"]) == (task.pk, None, None)
    give(actor, ben)
    (item,) = api(ben).get("/v2/actor-tasks").json()["data"]["items"]
    assert (item["actName"], item["actUsername"]) == ("finder", "dan")


def test_lists(api, ada, ben, actor, task, give):
    mine = editing.create(ben.pk, actor, TaskChange(name="bens"), by=ben.principal)
    give(task, ben)
    found = api(ben).get("/v2/actor-tasks?desc=1").json()["data"]
    assert [(each["id"], each["username"]) for each in found["items"]] == [(mine.pk, "ben"), (task.pk, "ada")]
    assert {(each["actName"], each["actUsername"]) for each in found["items"]} == {("finder", "dan")}
    for ownership, expected in (("ownedByMe", mine), ("sharedWithMe", task)):
        items = api(ben).get(f"/v2/actor-tasks?ownership={ownership}").json()["data"]["items"]
        assert [each["id"] for each in items] == [expected.pk]
    assert api(ben).get("/v2/actor-tasks?ownership=x").status_code == 400


def test_a_list_takes_as_many_queries_for_many_rows(api, ada, actor, task, django_assert_max_num_queries):
    client = api(ada)
    for number in range(20):
        editing.create(ada.pk, actor, TaskChange(name=f"task-{number}"), by=ada.principal)
    with django_assert_max_num_queries(6):
        assert client.get("/v2/actor-tasks").json()["data"]["count"] == 21


def test_an_input_with_a_number_that_is_too_large_is_refused(api, ada, task):
    url = f"/v2/actor-tasks/{task.pk}"
    response = api(ada).put(url, '{"input": {"a": 1e400}}', content_type="application/json")
    assert error_of(response) == (400, "invalid-value")
