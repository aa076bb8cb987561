"""Builds over HTTP: asking for one, reading it by every rule, waiting, aborting, deleting, and what it takes."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from console.api.runs import wait_for_finish
from resources.actors import environment, versions
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.models import Build, BuildContent
from tests.support.api import data_of, error_of, message_of, send
from tests.support.factories import built

BUILDS = "/v2/actor-builds"
SCHEMA = {
    "title": "Input",
    "type": "object",
    "schemaVersion": 1,
    "properties": {
        "url": {"title": "URL", "type": "string", "editor": "textfield", "minLength": 3, "sectionCaption": "Where"},
        "pages": {"title": "Pages", "type": "integer", "minimum": 1, "maximum": 9, "nullable": True},
        "mode": {"title": "Mode", "type": "string", "enum": ["fast", "slow"]},
        "tags": {"title": "Tags", "type": "array", "maxItems": 2, "uniqueItems": True, "items": {"type": "string"}},
    },
    "required": ["url"],
}


@pytest.fixture
def actor(ada, make_resource):
    for account in (ada,):
        account.general_access = "RESTRICTED"
        account.save()
    actor = make_resource(Kind.ACTOR, ada, name="prices")
    version = versions.add(
        actor, "0.1", VersionChange(source_files=[SourceFile("main.py", content="1")]), by=ada.principal
    )
    environment.set_variable(version, "PASSWORD", "hunter2", is_secret=True, by=ada.principal)
    environment.set_variable(version, "LEVEL", "hunter3", by=ada.principal)
    return actor


@pytest.fixture
def url(actor):
    return f"/v2/actors/{actor.pk}"


@pytest.fixture
def make_build(actor):
    def make(status=JobStatus.SUCCEEDED, tag="latest", schema=None, **fields):
        number = f"0.1.{Build.objects.count() + 1}"
        build = built(actor, number, tag, status, **fields)
        content = {"input_schema": json.dumps(schema)} if schema else {}
        BuildContent.objects.create(build=build, definition='{"description": "Finds prices."}', **content)
        return build

    return make


# Refusals


def test_building_needs_build(api, ben, cleo, actor, url, give):
    give(actor, ben, "READ", "WRITE", "RUN", "MANAGE_ACCESS_RIGHTS")
    assert error_of(api().post(f"{url}/builds?version=0.1")) == (401, "token-not-provided")
    assert error_of(api(cleo).post(f"{url}/builds?version=0.1")) == (404, "record-not-found")
    refused = api(ben).post(f"{url}/builds?version=0.1")
    assert error_of(refused) == (403, "insufficient-permissions")
    assert "Missing permission: BUILD" in message_of(refused)
    actor.is_public = True
    actor.save()
    assert error_of(api(cleo).post(f"{url}/builds?version=0.1")) == (403, "insufficient-permissions")
    assert not Build.objects.exists()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("version=0.2", (404, "record-not-found")),
        ("version=%00", (404, "record-not-found")),
        ("version=0.1&tag=a/b", (400, "invalid-value")),
        ("version=0.1&useCache=maybe", (400, "invalid-value")),
        ("version=0.1&betaPackages=maybe", (400, "invalid-value")),
        ("version=0.1&waitForFinish=soon", (400, "invalid-value")),
    ],
)
def test_wrong_orders_build_nothing(api, ada, url, query, expected):
    assert error_of(api(ada).post(f"{url}/builds?{query}")) == expected
    assert not Build.objects.exists()


def test_who_reads_a_build_and_who_changes_it(api, ada, ben, cleo, dan, actor, make_build, give):
    build = make_build(status=JobStatus.FAILED)
    one = f"{BUILDS}/{build.pk}"
    give(actor, ben, "RUN")
    give(actor, cleo, "BUILD")
    for client in (api(), api(dan)):
        for path in (one, f"{one}/openapi.json"):
            assert error_of(client.get(path)) == (403, "insufficient-permissions")
    assert data_of(api(ben).get(one))["id"] == build.pk
    for method, path in (("delete", one), ("post", f"{one}/abort"), ("put", one)):
        assert error_of(send(api(), method, path, {})) == (401, "token-not-provided")
        assert error_of(send(api(ben), method, path, {})) == (403, "insufficient-permissions")
        assert error_of(send(api(dan), method, path, {})) == (403, "insufficient-permissions")
    level = send(api(cleo), "put", one, {"generalAccess": "ANYONE_WITH_ID_CAN_READ"})
    assert error_of(level) == (403, "insufficient-permissions-to-change-field")
    assert error_of(send(api(ada), "put", one, {"status": "SUCCEEDED"})) == (400, "invalid-value")
    assert api(cleo).delete(one).status_code == 204


def test_builds_of_a_public_actor_are_read_by_anybody_until_it_is_private(api, dan, actor, make_build):
    build = make_build(client_ip="192.0.2.1", user_agent="Secret browser")
    one = f"{BUILDS}/{build.pk}"
    actor.is_public = True
    actor.save()
    for client in (api(), api(dan)):
        seen = client.get(one)
        assert data_of(seen)["meta"] == {"origin": "API"}
        assert client.get(f"{one}/openapi.json").status_code == 200
    assert "usageTotalUsd" not in data_of(api().get(one))
    assert data_of(api(dan).get(one))["usageTotalUsd"] == 0
    actor.is_public = False
    actor.save()
    for client in (api(), api(dan)):
        assert error_of(client.get(one)) == (403, "insufficient-permissions")


def test_a_build_is_not_found_below_another_actor(api, ada, ben, actor, make_build, make_resource, url):
    build = make_build()
    other = make_resource(Kind.ACTOR, ada, name="other")
    for address in (actor.pk, "~prices", "ADA~prices", "~PRICES"):
        assert data_of(api(ada).get(f"/v2/acts/{address}/builds/{build.pk}"))["id"] == build.pk
    for address in (other.pk, "~other", "ben~prices", "prices", "0" * 17):
        for method, path in (("get", ""), ("get", "/openapi.json"), ("post", "/abort")):
            refused = getattr(api(ada), method)(f"/v2/actors/{address}/builds/{build.pk}{path}")
            assert error_of(refused) == (404, "record-not-found")
    assert error_of(api(ben).get(f"{url}/builds/{build.pk}")) == (403, "insufficient-permissions")


def test_a_scope_without_builds_has_none(api, ada, actor, make_build, url):
    make_build()
    scoped = api(ada, scope=[{"kind": "actor", "permissions": ["READ", "BUILD"]}])
    assert error_of(scoped.get(BUILDS)) == (403, "insufficient-permissions")
    assert error_of(scoped.get(f"{url}/builds")) == (403, "insufficient-permissions")
    for path in ("builds/default", "builds/default/openapi.json"):
        assert error_of(scoped.get(f"{url}/{path}")) == (403, "insufficient-permissions")


def test_nobody_has_no_list_of_their_own_and_none_of_a_private_actor(api, cleo, url):
    assert error_of(api().get(BUILDS)) == (401, "token-not-provided")
    for client in (api(), api(cleo)):
        assert error_of(client.get(f"{url}/builds")) == (404, "record-not-found")


# Building


def test_a_version_is_built(api, ada, ben, actor, url, give):
    give(actor, ben, "BUILD")
    response = api(ben).post(f"{url}/builds?version=0.1&useCache=1&tag=beta", headers={"User-Agent": "Browser"})
    assert response.status_code == 201
    built = data_of(response)
    assert response["Location"].endswith(f"{BUILDS}/{built['id']}")
    assert (built["userId"], built["actId"], built["status"]) == (ada.pk, actor.pk, "READY")
    assert (built["buildNumber"], built["finishedAt"]) == ("0.1.1", None)
    assert built["meta"] == {"origin": "API", "clientIp": "127.0.0.1", "userAgent": "Browser"}
    assert built["options"]["useCache"] is True
    assert built["actVersion"] == {
        "versionNumber": "0.1",
        "sourceType": "SOURCE_FILES",
        "buildTag": "latest",
        "sourceFiles": [{"name": "main.py", "format": "TEXT", "content": "1"}],
    }
    assert "hunter" not in response.content.decode()
    assert data_of(api(ada).get(f"{BUILDS}/{built['id']}")) == built
    assert Build.objects.get().tag == "beta"
    assert data_of(api(ada).get(url))["stats"]["totalBuilds"] == 1


@pytest.mark.parametrize(
    ("kind", "seen"), [("GIT_REPO", {"gitRepoUrl": "https://example.com/a"}), ("TARBALL", {}), ("GITHUB_GIST", {})]
)
def test_the_url_of_a_repository_is_that_of_no_other_source(api, ada, actor, url, kind, seen):
    versions.change(
        actor.versions.get(), VersionChange(source_type=kind, source_url="https://example.com/a"), by=ada.principal
    )
    built = data_of(api(ada).post(f"{url}/builds?version=0.1"))
    assert built["actVersion"] == {"versionNumber": "0.1", "sourceType": kind, "buildTag": "latest", **seen}


@pytest.mark.parametrize(
    ("said", "kept"), [("CI", "CI"), ("cli", "CLI"), ("MCP", "MCP"), ("APIFY_AI", "APIFY_AI"), ("WEB", "API")]
)
def test_clients_say_what_called_them(api, ada, url, said, kept):
    built = data_of(api(ada).post(f"{url}/builds", headers={"X-Apify-Request-Origin": said}))
    assert built["meta"]["origin"] == kept
    assert data_of(api(ada).get(BUILDS))["items"][0]["meta"]["origin"] == kept


def test_the_version_may_be_left_out_where_there_is_only_one(api, ada, actor, url):
    assert data_of(api(ada).post(f"{url}/builds"))["buildNumber"] == "0.1.1"
    versions.add(actor, "0.2", by=ada.principal)
    refused = api(ada).post(f"{url}/builds")
    assert error_of(refused) == (400, "invalid-value")
    assert '"version"' in message_of(refused)


def test_a_client_waits_for_the_end_and_gets_what_came_of_it(api, ada, url, monkeypatch):
    started = timezone.now()

    def finish(seconds: float) -> None:
        times = {"started_at": started, "finished_at": started + timedelta(seconds=90)}
        Build.objects.update(status=JobStatus.SUCCEEDED, exit_code=0, memory_mbytes=2048, **times)

    monkeypatch.setattr(wait_for_finish, "sleep", finish)
    built = data_of(api(ada).post(f"{url}/builds?waitForFinish=60"))
    assert (built["status"], built["exitCode"]) == ("SUCCEEDED", 0)
    assert built["stats"] == {"durationMillis": 90_000, "runTimeSecs": 90.0, "computeUnits": 0.05}
    assert built["usage"] == {"ACTOR_COMPUTE_UNITS": 0.05}
    Build.objects.update(status=JobStatus.RUNNING)
    assert data_of(api(ada).get(f"{BUILDS}/{built['id']}?waitForFinish=5"))["status"] == "SUCCEEDED"


# Lists


def test_lists_have_ones_own_and_what_is_shared(api, ada, ben, dan, actor, make_build, make_resource, give, url):
    first, second = make_build(), make_build()
    other = make_resource(Kind.ACTOR, ada, name="other")
    third = make_resource(Kind.BUILD, ada, actor=other)
    give(actor, ben, "RUN")

    def ids(client, path):
        answer = data_of(client.get(path))
        assert answer["count"] == len(answer["items"])
        return [item["id"] for item in answer["items"]]

    assert ids(api(ada), BUILDS) == [first.pk, second.pk, third.pk]
    assert ids(api(ada), f"{BUILDS}?desc=1&limit=1") == [third.pk]
    assert ids(api(ada), f"{url}/builds") == [first.pk, second.pk]
    assert ids(api(ada), f"{url}/builds?offset=1") == [second.pk]
    assert ids(api(ben), BUILDS) == ids(api(ben), f"{url}/builds") == [first.pk, second.pk]
    assert ids(api(dan), BUILDS) == []
    actor.is_public = True
    actor.save()
    for client in (api(dan), api(), api(dan, scope=[{"kind": "actor", "permissions": ["READ"]}])):
        assert ids(client, f"{url}/builds") == [first.pk, second.pk]
        assert ids(client, f"{url}/builds?desc=1&offset=1&limit=1") == [first.pk]
    assert ids(api(dan), BUILDS) == []  # in no list of one's own
    item = data_of(api(ada).get(f"{url}/builds"))["items"][0]
    assert (item["buildNumber"], item["buildNumberInt"], item["usageTotalUsd"]) == ("0.1.1", 100_001, 0)


def test_the_number_of_queries_does_not_grow(api, ada, make_build, url, django_assert_num_queries):
    client = api(ada)
    make_build()
    for path, queries in ((BUILDS, 4), (f"{url}/builds", 5)):
        with django_assert_num_queries(queries):
            client.get(path)
    for _ in range(20):
        make_build()
    for path, queries in ((BUILDS, 4), (f"{url}/builds", 5)):
        with django_assert_num_queries(queries):
            assert data_of(client.get(path))["total"] == 21


# The default build


def test_the_default_build(api, ada, actor, make_build, url):
    make_build(status=JobStatus.FAILED)
    for path in ("builds/default", "builds/default/openapi.json"):
        assert error_of(api(ada).get(f"{url}/{path}")) == (404, "record-not-found")
    make_build()
    newer = make_build()
    assert data_of(api(ada).get(f"{url}/builds/default"))["id"] == newer.pk
    assert error_of(api().get(f"{url}/builds/default")) == (404, "record-not-found")
    actor.is_public = True
    actor.save()
    assert data_of(api().get(f"{url}/builds/default"))["id"] == newer.pk


# Aborting and deleting


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (JobStatus.READY, "ABORTED"),
        (JobStatus.RUNNING, "ABORTING"),
        (JobStatus.SUCCEEDED, "SUCCEEDED"),
        (JobStatus.FAILED, "FAILED"),
    ],
)
def test_abort(api, ada, make_build, before, after):
    build = make_build(status=before)
    assert data_of(api(ada).post(f"{BUILDS}/{build.pk}/abort"))["status"] == after
    build.refresh_from_db()
    assert build.status == after


def test_the_default_build_and_one_at_work_stay(api, ada, make_build):
    old, default, working = make_build(), make_build(), make_build(status=JobStatus.RUNNING)
    assert error_of(api(ada).delete(f"{BUILDS}/{default.pk}")) == (400, "deleting-default-build")
    assert error_of(api(ada).delete(f"{BUILDS}/{working.pk}")) == (400, "deleting-unfinished-build")
    assert api(ada).delete(f"{BUILDS}/{old.pk}").status_code == 204
    assert set(Build.objects.all()) == {default, working}


# What it takes


def test_the_openapi_document_describes_the_input(api, ada, make_build, url):
    build = make_build(schema=SCHEMA)
    document = api(ada).get(f"{BUILDS}/{build.pk}/openapi.json").json()
    assert document == api(ada).get(f"{url}/builds/default/openapi.json").json()
    assert (document["openapi"], document["info"]["version"]) == ("3.0.1", "0.1.1")
    assert document["info"]["description"] == "Finds prices."
    assert set(document["paths"]) == {
        f"/actors/ada~prices/{path}" for path in ("runs", "run-sync", "run-sync-get-dataset-items")
    }
    schema = document["components"]["schemas"]["inputSchema"]
    assert (schema["required"], schema["properties"]["url"]["minLength"]) == (["url"], 3)
    assert "schemaVersion" not in schema
    assert "sectionCaption" not in schema["properties"]["url"]


def test_the_openapi_document_names_the_actor_to_those_who_may_read_it(api, ada, ben, make_build, actor, give):
    build = make_build(general_access="ANYONE_WITH_ID_CAN_READ")
    for client in (api(), api(ben)):
        document = client.get(f"{BUILDS}/{build.pk}/openapi.json").json()
        assert f"/actors/{actor.pk}/runs" in document["paths"]
        assert document["info"].pop("description") == "Finds prices."
        assert actor.name not in json.dumps(document)
    give(actor, ben)
    assert f"/actors/ada~{actor.name}/runs" in api(ben).get(f"{BUILDS}/{build.pk}/openapi.json").json()["paths"]


def test_the_openapi_document_has_no_value_of_a_secret_field(api, ada, make_build):
    values = dict.fromkeys(("default", "prefill", "example"), "hunter2-of-ada")
    field = {"title": "Password", "type": "string", "editor": "textfield", "isSecret": True, **values}
    build = make_build(schema={**SCHEMA, "properties": {"password": field}})
    answer = api(ada).get(f"{BUILDS}/{build.pk}/openapi.json")
    assert b"hunter2" not in answer.content
    described = answer.json()["components"]["schemas"]["inputSchema"]["properties"]["password"]
    assert described == {
        "title": "Password",
        "type": "string",
        "editor": "textfield",
        "format": "password",
        "writeOnly": True,
    }


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({}, "input.url is required"),
        (None, "input.url is required"),
        ([], "must be an object"),
        ({"url": 5}, "input.url must be text"),
        ({"url": "ab"}, "input.url must have at least 3 characters"),
        ({"url": "abc", "pages": 0}, "input.pages must be at least 1"),
        ({"url": "abc", "pages": 10}, "input.pages must be at most 9"),
        ({"url": "abc", "pages": 1.5}, "input.pages must be a whole number"),
        ({"url": "abc", "pages": True}, "input.pages must be a whole number"),
        ({"url": None}, "input.url must be text"),
        ({"url": "abc", "mode": "other"}, "input.mode must be one of fast, slow"),
        ({"url": "abc", "tags": ["a", "b", "c"]}, "input.tags must have at most 2 items"),
        ({"url": "abc", "tags": ["a", "a"]}, "must not have an item twice"),
        ({"url": "abc", "tags": ["a", 1]}, "input.tags[1] must be text"),
    ],
)
def test_an_input_that_will_not_do(api, ada, make_build, url, value, problem):
    make_build(schema=SCHEMA)
    refused = send(api(ada), "post", f"{url}/validate-input", value)
    assert error_of(refused) == (400, "invalid-input")
    assert problem in message_of(refused)


def test_an_input_that_will_do(api, ada, cleo, make_build, url):
    without = make_build(tag="beta")
    make_build(schema=SCHEMA)
    for value in ({"url": "abc"}, {"url": "abc", "pages": None, "mode": "fast", "tags": ["a"], "more": 1}):
        assert send(api(ada), "post", f"{url}/validate-input", value).json() == {"valid": True}
    empty = api(ada).generic("POST", f"{url}/validate-input?build=beta", b"", "application/json")
    assert empty.json() == {"valid": True}
    assert send(api(ada), "post", f"{url}/validate-input?build=beta", []).json() == {"valid": True}
    assert send(api(ada), "post", f"{url}/validate-input?build={without.number}", {}).json() == {"valid": True}
    assert error_of(send(api(ada), "post", f"{url}/validate-input?build=x", {})) == (400, "unknown-build-tag")
    assert error_of(send(api(ada), "post", f"{url}/validate-input", "{")) == (400, "invalid-input")
    assert error_of(send(api(cleo), "post", f"{url}/validate-input", {})) == (404, "record-not-found")


NO_SCHEMA: dict = {
    "required": [{}, [], None, 7],
    "properties": {"a": {"type": [{}, "integer"], "minimum": 1}, "b": {"type": {}, "enum": [{}]}, "c": {"items": 7}},
}


@pytest.mark.parametrize(
    "value", ["{}", '{"a": %s}' % ("9" * 400), '{"a": 18446744073709551616}', '{"b": {}, "c": [1]}']
)
def test_a_schema_that_makes_no_sense_breaks_nothing(api, ada, make_build, url, value):
    make_build(schema=NO_SCHEMA)
    response = api(ada).post(f"{url}/validate-input", value, content_type="application/json")
    assert response.status_code in (200, 400)
