"""The list of Actors, making one, and the settings of one, over HTTP."""

import json

import pytest
from django.utils import timezone

from resources.actors import editing
from resources.actors.fields import ActorChange
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Actor, ActorVersion, Build, Run, TaggedBuild
from tests.support.api import data_of, error_of, message_of, send

ACTORS = "/v2/actors"
PRICING = {
    "pricingModel": "FLAT_PRICE_PER_MONTH",
    "apifyMarginPercentage": 0.2,
    "createdAt": "2026-01-01T00:00:00.000Z",
    "startedAt": "2026-01-02T00:00:00.000Z",
    "trialMinutes": 60,
    "pricePerUnitUsd": 5,
}
VERSION = {"versionNumber": "0.1", "sourceType": "SOURCE_FILES", "sourceFiles": [{"name": "main.py", "content": "1"}]}


@pytest.fixture
def actor(ada, make_resource):
    made = make_resource(Kind.ACTOR, ada, name="prices")
    ActorVersion.objects.create(actor=made, number="0.1", source_files='[{"name":"a","format":"TEXT","content":"b"}]')
    return made


@pytest.fixture
def url(actor):
    return f"{ACTORS}/{actor.pk}"


# Refusals


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("path", [ACTORS, "/v2/acts"])
def test_nobody_has_no_list_and_makes_no_actor(api, method, path):
    assert error_of(getattr(api(), method)(path)) == (401, "token-not-provided")
    assert not Actor.objects.exists()


def test_a_scope_for_one_actor_lists_nothing_and_makes_nothing(api, ada, actor, url):
    scoped = api(ada, scope=[{"kind": "actor", "permissions": ["WRITE"], "resourceId": actor.pk}])
    assert error_of(scoped.get(ACTORS)) == (403, "insufficient-permissions")
    assert error_of(send(scoped, "post", ACTORS, {"name": "other"})) == (403, "insufficient-permissions")
    assert data_of(send(scoped, "put", url, {"title": "mine"}))["title"] == "mine"


def test_a_scope_that_cannot_publish_publishes_none_but_what_it_has_made(api, ada, actor, url):
    client = api(ada, scope=[{"kind": "actor", "permissions": ["WRITE", "CREATE"]}])
    refused = send(client, "put", url, {"isPublic": True})
    assert error_of(refused) == (403, "insufficient-permissions-to-change-field")
    assert "MANAGE_ACCESS_RIGHTS" in message_of(refused)
    assert data_of(send(client, "post", ACTORS, {"name": "open", "isPublic": True}))["isPublic"] is True


def test_general_access_is_not_about_actors(api, ada, cleo, actor, url):
    ada.general_access = "ANYONE_WITH_ID_CAN_READ"
    ada.save()
    for path in (url, f"{ACTORS}/ada~prices", f"{ACTORS}/{'0' * 17}", f"{ACTORS}/ada~other"):
        for client in (api(), api(cleo)):
            assert error_of(client.get(path)) == (404, "record-not-found")
            assert client.get(path).json()["error"]["message"] == "Actor was not found."


@pytest.mark.parametrize("method", ["put", "delete"])
def test_changing_and_deleting_need_write(api, ben, cleo, actor, url, give, method):
    give(actor, ben, "READ", "RUN", "BUILD", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS")
    assert error_of(send(api(), method, url, {"isPublic": True})) == (401, "token-not-provided")
    assert error_of(send(api(cleo), method, url, {"isPublic": True})) == (404, "record-not-found")
    refused = send(api(ben), method, url, {"isPublic": True})
    assert error_of(refused) == (403, "insufficient-permissions")
    assert "Missing permission: WRITE" in message_of(refused)
    assert Actor.objects.filter(is_public=False).exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": "No Name"}, "name"),
        ({"name": 5}, "name"),
        ({"title": "x" * 201}, "title"),
        ({"description": "a\x00b"}, "description"),
        ({"isPublic": "yes"}, "isPublic"),
        ({"defaultRunOptions": {"memoryMbytes": 1}}, "defaultRunOptions.memoryMbytes"),
        ({"defaultRunOptions": {"timeoutSecs": -1}}, "defaultRunOptions.timeoutSecs"),
        ({"defaultRunOptions": {"build": "a b"}}, "defaultRunOptions.build"),
        ({"categories": ["ai"]}, "categories"),
        ({"categories": ['A"]']}, "categories"),
        ({"pricingInfos": [{"pricingModel": "GOLD"}]}, "pricingInfos"),
        ({"pricingInfos": [{**PRICING, "createdAt": "}cg"}]}, "pricingInfos"),
        ({"pricingInfos": [{**PRICING, "pricePerUnitUsd": "1"}]}, "pricingInfos"),
        ({"pricingInfos": [{"pricingModel": "FREE"}]}, "pricingInfos"),
        ({"versions": [{"versionNumber": "1"}]}, "versionNumber"),
        ({"versions": [VERSION, VERSION]}, "versions"),
        ({"versions": [{**VERSION, "sourceFiles": [{"name": "../x"}]}]}, "sourceFiles"),
        ({"versions": [{**VERSION, "envVars": [{"value": "x"}]}]}, "name"),
        ({"taggedBuilds": {"a b": None}}, "taggedBuilds"),
    ],
)
def test_wrong_values_are_named_and_change_nothing(api, ada, actor, url, change, named):
    before = Actor.objects.values().get()
    refused = send(api(ada), "put", url, {"title": "Other", **change})
    assert error_of(refused) == (400, "invalid-value")
    assert f'"{named}"' in message_of(refused)
    assert Actor.objects.values().get() == before
    assert ActorVersion.objects.get().number == "0.1"


@pytest.mark.parametrize("body", ["", "{", "[]", '{"name": "\\ud800"}', b"\xff", "5"])
def test_what_is_no_actor_is_refused(api, ada, body):
    assert send(api(ada), "post", ACTORS, body).status_code == 400
    assert not Actor.objects.exists()


def test_names_are_unique_for_one_owner(api, ada, ben, actor):
    assert error_of(send(api(ada), "post", ACTORS, {"name": "prices"})) == (400, "actor-name-not-unique")
    other = data_of(send(api(ada), "post", ACTORS, {"name": "other"}))
    assert error_of(send(api(ada), "put", f"{ACTORS}/{other['id']}", {"name": "prices"})) == (
        400,
        "actor-name-not-unique",
    )
    assert data_of(send(api(ben), "post", ACTORS, {"name": "prices"}))["username"] == "ben"


def test_a_failed_creation_leaves_nothing_behind(api, ada):
    body = {"name": "prices", "versions": [VERSION, {"versionNumber": "x"}]}
    assert error_of(send(api(ada), "post", ACTORS, body)) == (400, "invalid-value")
    assert not Actor.objects.exists()


# Making and changing


def test_an_actor_is_made_with_all_that_is_said_of_it(api, ada):
    body = {
        "name": "prices",
        "title": "Prices",
        "description": "Finds prices.",
        "isPublic": False,
        "categories": ["AI", "OPEN_SOURCE"],
        "seoTitle": "Prices!",
        "versions": [{**VERSION, "envVars": [{"name": "A", "value": "1"}], "buildTag": "beta"}],
        "defaultRunOptions": {"build": "beta", "timeoutSecs": 60, "memoryMbytes": 256, "maxItems": 10},
        "exampleRunInput": {"body": "{}", "contentType": "application/json"},
    }
    response = send(api(ada), "post", ACTORS, body)
    made = data_of(response)
    assert response.status_code == 201
    assert response["Location"].endswith(f"/v2/actors/{made['id']}")
    for name in ("name", "title", "description", "isPublic", "categories", "seoTitle", "exampleRunInput"):
        assert made[name] == body[name], name
    assert made["defaultRunOptions"] == {**body["defaultRunOptions"], "restartOnError": False}
    assert made["versions"] == [
        {
            "versionNumber": "0.1",
            "sourceType": "SOURCE_FILES",
            "buildTag": "beta",
            "applyEnvVarsToBuild": False,
            "sourceFiles": [{"name": "main.py", "format": "TEXT", "content": "1"}],
            "envVars": [{"name": "A", "value": "1", "isSecret": False}],
        }
    ]
    active = {"totalUsers7Days": 0, "totalUsers30Days": 0, "totalUsers90Days": 0}
    assert made["stats"] == {"totalBuilds": 0, "totalRuns": 0, "totalUsers": 1} | active
    assert (made["userId"], made["username"], made["taggedBuilds"]) == (ada.pk, "ada", {})
    assert data_of(api(ada).get(f"/v2/acts/ada~{made['name']}")) == made


def test_null_and_empty_objects_change_nothing(api, ada, actor, url):
    kept = {"title": "Prices", "exampleRunInput": {"body": "1"}, "actorStandby": {"isEnabled": False, "build": "beta"}}
    data_of(send(api(ada), "put", url, kept))
    empty = {"name": None, "isPublic": None, "versions": None, "exampleRunInput": {}, "actorStandby": {}}
    changed = data_of(send(api(ada), "put", url, empty | {"defaultRunOptions": {}, "taggedBuilds": None}))
    assert {name: changed[name] for name in kept} == kept
    assert len(changed["versions"]) == 1
    changed = data_of(send(api(ada), "put", url, {"title": None, "actorStandby": {"build": "latest"}}))
    assert changed["title"] is None
    assert changed["actorStandby"] == {"isEnabled": False, "build": "latest"}


def test_two_who_change_an_object_of_an_actor_lose_neither(api, ada, actor, url, monkeypatch):
    save = editing.update

    def overtaken(*args, **kwargs):
        monkeypatch.setattr(editing, "update", save)
        save(Actor.objects.get(), ActorChange(details={"actorStandby": {"build": "beta"}}), by=ada.principal)
        save(*args, **kwargs)

    monkeypatch.setattr(editing, "update", overtaken)
    changed = data_of(send(api(ada), "put", url, {"actorStandby": {"isEnabled": True}}))
    assert changed["actorStandby"] == {"isEnabled": True, "build": "beta"}


def test_versions_that_are_given_are_all_that_there_are(api, ada, actor, url):
    assert error_of(send(api(ada), "put", url, {"versions": []})) == (400, "too-few-versions")
    changed = data_of(send(api(ada), "put", url, {"versions": [{"versionNumber": "0.10"}, {"versionNumber": "0.2"}]}))
    assert [version["versionNumber"] for version in changed["versions"]] == ["0.2", "0.10"]
    changed = data_of(send(api(ada), "put", url, {"versions": [{"versionNumber": "0.2", "buildTag": "beta"}]}))
    assert [(version["versionNumber"], version["buildTag"]) for version in changed["versions"]] == [("0.2", "beta")]


def test_tags_are_moved_only_to_builds_of_the_actor_that_succeeded(api, ada, make_resource, actor, url):
    def build(of, **fields):
        return make_resource(Kind.BUILD, ada, actor=of, number="0.1.1", status=JobStatus.SUCCEEDED, **fields)

    own = build(actor, finished_at=timezone.now())
    strange = build(make_resource(Kind.ACTOR, ada, name="other"))
    failed = make_resource(Kind.BUILD, ada, actor=actor, status=JobStatus.FAILED)
    for each in (strange.pk, failed.pk, "0" * 17, "\x00", ""):
        refused = send(api(ada), "put", url, {"title": "x", "taggedBuilds": {"latest": {"buildId": each}}})
        assert error_of(refused) == (400, "invalid-build"), each
    assert not TaggedBuild.objects.exists()
    tags = {"latest": {"buildId": own.pk}, "beta": {"buildId": own.pk}, "old": None}
    changed = data_of(send(api(ada), "put", url, {"taggedBuilds": tags}))["taggedBuilds"]
    assert {tag: (each["buildId"], each["buildNumber"], each["buildNumberInt"]) for tag, each in changed.items()} == {
        "latest": (own.pk, "0.1.1", 100_001),
        "beta": (own.pk, "0.1.1", 100_001),
    }
    changed = data_of(send(api(ada), "put", url, {"taggedBuilds": {"latest": None}}))
    assert list(changed["taggedBuilds"]) == ["beta"]


# Public Actors


def test_a_writer_cannot_publish_nor_make_private_but_sends_back_what_was_read(api, ada, ben, actor, url, give):
    give(actor, ben, "WRITE")
    for is_public in (False, True):
        Actor.objects.filter(pk=actor.pk).update(is_public=is_public)
        refused = send(api(ben), "put", url, {"isPublic": not is_public, "title": "Refused"})
        assert error_of(refused) == (403, "insufficient-permissions-to-change-field")
        assert "MANAGE_ACCESS_RIGHTS" in message_of(refused)
        kept = Actor.objects.get(pk=actor.pk)
        assert (kept.is_public, kept.title) == (is_public, "")
        seen = data_of(send(api(ben), "put", url, {"isPublic": is_public, "title": "Kept"}))
        assert (seen["isPublic"], seen["title"]) == (is_public, "Kept")
        Actor.objects.filter(pk=actor.pk).update(title="")


def test_publishing_opens_the_actor_and_unpublishing_closes_it(api, ada, ben, cleo, actor, url, give):
    give(actor, ben, "WRITE", "RUN", "MANAGE_ACCESS_RIGHTS")
    data_of(send(api(ben), "put", url, {"isPublic": True}))
    for client in (api(), api(cleo)):
        assert data_of(client.get(url))["versions"][0]["sourceFiles"][0]["name"] == "a"
        assert data_of(client.get(f"{ACTORS}/ada~prices"))["isPublic"] is True
    assert error_of(send(api(), "put", url, {"title": "x"})) == (401, "token-not-provided")
    assert error_of(send(api(cleo), "put", url, {"title": "x"})) == (403, "insufficient-permissions")
    data_of(send(api(ben), "put", url, {"isPublic": False}))
    for client in (api(), api(cleo)):
        assert error_of(client.get(url)) == (404, "record-not-found")


def test_mere_readers_see_no_environment_and_no_password_of_a_source(api, ada, ben, cleo, actor, url, give):
    secret = "https://me:hunter2@example.com/a.git"
    version = {"versionNumber": "0.1", "sourceType": "GIT_REPO", "gitRepoUrl": secret}
    variables = [{"name": "LEVEL", "value": "debug"}, {"name": "PASSWORD", "value": "hunter3", "isSecret": True}]
    seen = send(api(ada), "put", url, {"isPublic": True, "versions": [{**version, "envVars": variables}]})
    assert data_of(seen)["versions"][0]["gitRepoUrl"] == secret
    assert data_of(seen)["versions"][0]["envVars"] == [
        {"name": "LEVEL", "value": "debug", "isSecret": False},
        {"name": "PASSWORD", "isSecret": True},
    ]
    give(actor, ben, "READ", "RUN", "BUILD", "MANAGE_ACCESS_RIGHTS")
    for client in (api(), api(ben), api(cleo)):
        for path in (url, f"{url}/versions", f"{url}/versions/0.1"):
            text = client.get(path).content.decode()
            assert "https://example.com/a.git" in text
            assert not any(each in text for each in ("hunter", "debug", "envVars"))
    assert "hunter3" not in api(ada).get(url).content.decode()


# Lists


def test_the_list_has_ones_own_and_what_is_shared_and_no_public_ones(api, ada, ben, cleo, make_resource, give, actor):
    public = make_resource(Kind.ACTOR, cleo, name="public", is_public=True)
    of_ben = make_resource(Kind.ACTOR, ben, name="of-ben")
    give(of_ben, ada)

    def names(query=""):
        answer = data_of(api(ada).get(f"{ACTORS}{query}"))
        assert answer["count"] == len(answer["items"])
        return [item["name"] for item in answer["items"]], answer["total"]

    assert names() == (["prices", "of-ben"], 2)
    assert names("?desc=1") == (["of-ben", "prices"], 2)
    assert names("?my=1") == (["prices"], 1)
    assert names("?offset=1&limit=1") == (["of-ben"], 2)
    Actor.objects.filter(pk=actor.pk).update(last_run_at=timezone.now())
    assert names("?sortBy=stats.lastRunStartedAt") == (["of-ben", "prices"], 2)
    assert names("?sortBy=stats.lastRunStartedAt&desc=true&limit=1") == (["prices"], 2)
    item = data_of(api(ada).get(f"{ACTORS}?sortBy=createdAt"))["items"][1]
    assert (item["id"], item["username"]) == (of_ben.pk, "ben")
    assert public.pk not in api(ada).get(ACTORS).content.decode()


@pytest.mark.parametrize("query", ["my=maybe", "sortBy=name", "limit=-1", "offset=x", "desc=2"])
def test_parameters_of_the_list_that_are_wrong(api, ada, query):
    refused = api(ada).get(f"{ACTORS}?{query}")
    assert error_of(refused) == (400, "invalid-value")
    assert query.partition("=")[0] in message_of(refused)


@pytest.mark.parametrize("query", ["", "?sortBy=stats.lastRunStartedAt", "?my=1"])
def test_the_number_of_queries_does_not_grow(api, ada, make_resource, django_assert_num_queries, query):
    client = api(ada)
    make_resource(Kind.ACTOR, ada, name="first")
    with django_assert_num_queries(6 if "sortBy" in query else 5):
        client.get(f"{ACTORS}{query}")
    for number in range(20):
        make_resource(Kind.ACTOR, ada, name=f"other-{number}")
    with django_assert_num_queries(6 if "sortBy" in query else 5):
        assert len(data_of(client.get(f"{ACTORS}{query}"))["items"]) == 21


def test_an_actor_is_shown_in_a_number_of_queries_that_does_not_grow(api, ada, url, actor, django_assert_num_queries):
    client = api(ada)
    with django_assert_num_queries(8):
        client.get(url)
    for number in range(2, 20):
        version = ActorVersion.objects.create(actor=actor, number=f"0.{number}")
        version.environment.create(name="A", value="1")
    with django_assert_num_queries(8):
        assert len(data_of(client.get(url))["versions"]) == 19


# The end


def test_deleting_takes_builds_and_leaves_runs(api, ada, make_resource, actor, url):
    build = make_resource(Kind.BUILD, ada, actor=actor)
    run = make_resource(Kind.RUN, ada, actor=actor, build_id=build.pk)
    assert api(ada).delete(url).status_code == 204
    assert error_of(api(ada).delete(url)) == (404, "record-not-found")
    assert error_of(api(ada).get(f"/v2/actor-builds/{build.pk}")) == (404, "record-not-found")
    assert not Build.objects.exists()
    assert Run.objects.get(pk=run.pk).build_id is None


def test_what_it_costs_elsewhere_is_given_back_as_it_was(api, ada):
    made = api(ada).post(
        ACTORS, json.dumps({"name": "priced", "pricingInfos": [PRICING]}), content_type="application/json"
    )
    assert made.status_code == 201
    assert made.json()["data"]["pricingInfos"] == [PRICING]
