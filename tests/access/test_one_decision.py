"""What the console and the API decide alike: publishing, memory, builds of tasks, what is gone when it is answered."""

from itertools import chain, combinations
from typing import Any

import pytest

from resources import storages
from resources.kinds import KINDS, STORAGES, Kind
from resources.models import Actor, Resource, Run, Task
from resources.runs import saved_options, starting
from sharing.enforcement.require import access_to
from sharing.policies import publishing
from tests.support.api import error_of, message_of, send
from tests.support.factories import built, built_actor
from tests.support.run_stage import at_work, client_of, ended

pytestmark = pytest.mark.django_db
TO_PUBLISH = ("MANAGE_ACCESS_RIGHTS", "WRITE", "RUN")
SOME = [*chain.from_iterable(combinations(TO_PUBLISH, n) for n in range(1, 4))]


# Publishing


@pytest.mark.parametrize("permissions", SOME)
def test_publishing_takes_all_that_it_gives_away(api, signed_in, ada, ben, give, permissions):
    actor = built_actor(ada)
    give(actor, ben, *permissions)
    may = set(permissions) == set(TO_PUBLISH)
    for put in (
        lambda: send(api(ben), "put", f"/v2/actors/{actor.pk}", {"isPublic": True}),
        lambda: signed_in(ben).post(f"{actor.console_path}/publish", {"public": "yes"}),
    ):
        Actor.objects.update(is_public=False)
        response = put()
        actor.refresh_from_db()
        assert actor.is_public is may
        assert response.status_code in ((200, 302) if may else (403,))
    assert (publishing.missing(access_to(ben.principal, actor), public=True) is None) is may


def test_the_publish_page_says_which_permission_is_missing(signed_in, ada, ben, give):
    actor = built_actor(ada)
    give(actor, ben, "MANAGE_ACCESS_RIGHTS", "WRITE")
    here = signed_in(ben)
    assert "Run" in here.get(f"{actor.console_path}/publish").content.decode()
    assert f"{actor.console_path}/publish" not in here.get(f"{actor.console_path}/settings").content.decode()
    give(actor, ben, *TO_PUBLISH)
    assert f"{actor.console_path}/publish" in here.get(f"{actor.console_path}/settings").content.decode()


def test_making_an_actor_private_takes_the_permission_to_manage_access(api, signed_in, ada, ben, cleo, give):
    actor = built_actor(ada, is_public=True)
    give(actor, ben, "MANAGE_ACCESS_RIGHTS")
    give(actor, cleo, "WRITE", "RUN")
    assert send(api(cleo), "put", f"/v2/actors/{actor.pk}", {"isPublic": False}).status_code == 403
    assert signed_in(cleo).post(f"{actor.console_path}/publish", {"public": "no"}).status_code == 403
    actor.refresh_from_db()
    assert actor.is_public
    assert signed_in(ben).post(f"{actor.console_path}/publish", {"public": "no"}).status_code == 302
    actor.refresh_from_db()
    assert not actor.is_public


@pytest.mark.parametrize("permissions", SOME)
def test_a_scoped_token_makes_an_actor_only_with_create_and_has_all_permissions_on_it(api, ada, permissions):
    client = api(ada, scope=[{"kind": "actor", "permissions": list(permissions)}])
    assert send(client, "post", "/v2/actors", {"name": "open", "isPublic": True}).status_code == 403
    assert not Actor.objects.exists()
    client = api(ada, scope=[{"kind": "actor", "permissions": ["CREATE"]}])
    assert send(client, "post", "/v2/actors", {"name": "open", "isPublic": True}).status_code == 201
    assert send(client, "put", "/v2/actors/~open", {"isPublic": False}).status_code == 200


# Memory


@pytest.mark.parametrize("memory", [0, 1, 64, 127, 129, 300, 1000, 32_767, 32_769, 65_536])
def test_memory_that_no_run_can_have_is_saved_nowhere(api, signed_in, ada, memory, make_resource):
    actor = built_actor(ada)
    task = make_resource(Kind.TASK, ada, name="daily", actor_id=actor.pk)
    client, body = api(ada), {"memoryMbytes": memory}
    action = {"type": "RUN_ACTOR", "actorId": actor.pk, "runOptions": body}
    for method, path, given in (
        ("post", "/v2/actors", {"name": "new", "defaultRunOptions": body}),
        ("put", f"/v2/actors/{actor.pk}", {"defaultRunOptions": body}),
        ("put", f"/v2/actors/{actor.pk}", {"actorStandby": body}),
        ("post", "/v2/actor-tasks", {"actId": actor.pk, "options": body}),
        ("put", f"/v2/actor-tasks/{task.pk}", {"options": body}),
        ("put", f"/v2/actor-tasks/{task.pk}", {"actorStandby": body}),
        ("post", "/v2/schedules", {"cronExpression": "@daily", "isEnabled": False, "actions": [action]}),
        ("post", f"/v2/actors/{actor.pk}/runs?memory={memory}", None),
    ):
        response = send(client, method, path, given)
        assert response.status_code == 400, (path, given)
        assert "power of 2 from 128 to 32768" in message_of(response), (path, given)
    form = {"name": "counter", "default_build": "latest", "default_timeout_secs": 60, "default_memory_mbytes": memory}
    page = signed_in(ada).post(f"{actor.console_path}/settings", form)
    assert page.status_code == 422
    assert "power of 2 from 128 to 32768" in page.content.decode()
    actor.refresh_from_db()
    assert actor.default_memory_mbytes == 1024


# The build of a task


@pytest.fixture
def task(ada, dan, make_resource) -> Task:
    actor = built_actor(dan, name="finder", is_public=True)
    built(actor, "0.1.2", tag="beta")
    return make_resource(Kind.TASK, ada, name="daily", actor_id=actor.pk, options='{"build":"latest"}')


@pytest.mark.parametrize("build", ["beta", "0.1.2", "", None])
def test_a_writer_does_not_choose_the_build_of_a_task(api, signed_in, ada, ben, give, task, build):
    give(task, ben, "WRITE")
    refused = send(api(ben), "put", f"/v2/actor-tasks/{task.pk}", {"options": {"build": build}})
    assert error_of(refused) == (403, "insufficient-permissions")
    assert "Only its owner" in message_of(refused)
    page = signed_in(ben).post(f"{task.console_path}/input", {"input": "{}", "build": build or ""})
    assert page.status_code == 422
    assert "Only its owner" in page.content.decode()
    task.refresh_from_db()
    assert saved_options.load_options(task.options).build == "latest"


def test_a_writer_does_not_take_all_options_away(api, ben, give, task):
    give(task, ben, "WRITE")
    assert send(api(ben), "put", f"/v2/actor-tasks/{task.pk}", {"options": None}).status_code == 403


def test_a_writer_changes_everything_else_of_a_task(api, signed_in, ben, give, task):
    give(task, ben, "WRITE")
    body = {"title": "Each day", "options": {"build": "latest", "memoryMbytes": 256}, "input": {"page": 2}}
    assert send(api(ben), "put", f"/v2/actor-tasks/{task.pk}", body).status_code == 200
    form = {"input": '{"page": 3}', "build": "latest", "memory_mbytes": "512"}
    assert signed_in(ben).post(f"{task.console_path}/input", form).status_code == 302
    task.refresh_from_db()
    assert (task.input, saved_options.load_options(task.options).memory_mbytes) == ('{"page": 3}', 512)


def test_the_owner_chooses_the_build_of_a_task(api, signed_in, ada, task):
    assert send(api(ada), "put", f"/v2/actor-tasks/{task.pk}", {"options": {"build": "beta"}}).status_code == 200
    assert signed_in(ada).post(f"{task.console_path}/input", {"input": "", "build": "0.1.2"}).status_code == 302
    task.refresh_from_db()
    assert saved_options.load_options(task.options).build == "0.1.2"


def test_a_run_of_another_accounts_actor_chooses_no_code(ada, dan, task):
    foreign = Actor.objects.get()
    mine = built_actor(ada)
    over, going_on = starting.start(mine, by=ada.principal), starting.start(mine, by=ada.principal)
    ended(over)
    client = client_of(starting.start(foreign, by=ada.principal))
    at_work(going_on)
    for method, path, body in (
        ("put", f"/v2/actor-tasks/{task.pk}", {"options": {"build": "beta"}}),
        ("post", f"/v2/actor-runs/{over.pk}/resurrect?build=latest", None),
        ("post", f"/v2/actor-runs/{going_on.pk}/metamorph?targetActorId={foreign.pk}", None),
    ):
        response = send(client, method, path, body)
        assert response.status_code == 403, path
        assert "another account's Actor" in message_of(response)
    assert Run.objects.get(pk=over.pk).status == "SUCCEEDED"


def test_a_run_of_another_accounts_actor_turns_itself_into_another_one(ada, dan):
    foreign = built_actor(dan, name="finder", is_public=True)
    run = starting.start(foreign, by=ada.principal)
    path = f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={built_actor(ada).pk}"
    assert send(client_of(run), "post", path).status_code == 200


# What is gone when it is answered


@pytest.mark.parametrize("kind", STORAGES)
def test_a_storage_that_is_gone_at_once_is_not_found(api, ada, monkeypatch, kind):
    create = storages.create

    def and_lose(*args: Any, **kwargs: Any) -> tuple[Resource, bool]:
        made, is_new = create(*args, **kwargs)
        Resource.objects.filter(pk=made.pk).delete()
        return made, is_new

    monkeypatch.setattr(storages, "create", and_lose)
    response = send(api(ada), "post", f"/v2/{KINDS[kind].api_path}?name=prices")
    assert error_of(response) == (404, "record-not-found")


def test_a_run_that_is_gone_at_once_is_not_found(api, ada, monkeypatch):
    start, actor = starting.start, built_actor(ada)

    def and_lose(*args: Any, **kwargs: Any) -> Run:
        run = start(*args, **kwargs)
        Resource.objects.filter(pk=run.pk).delete()
        return run

    monkeypatch.setattr(starting, "start", and_lose)
    response = send(api(ada), "post", f"/v2/actors/{actor.pk}/runs")
    assert error_of(response) == (404, "record-not-found")
