"""Versions of Actors and their environment variables, over HTTP."""

import pytest

from resources.actors import environment
from resources.kinds import Kind
from resources.models import ActorVersion, EnvironmentVariable
from tests.support.api import data_of, error_of, message_of, send


@pytest.fixture
def actor(ada, make_resource):
    made = make_resource(Kind.ACTOR, ada, name="prices")
    ActorVersion.objects.create(actor=made, number="0.1")
    return made


@pytest.fixture
def url(actor):
    return f"/v2/actors/{actor.pk}/versions"


@pytest.fixture
def variables(url):
    return f"{url}/0.1/env-vars"


# Refusals


def test_reading_versions_is_enough_for_no_change(api, ben, cleo, actor, url, give):
    give(actor, ben, "READ", "RUN", "BUILD", "MANAGE_ACCESS_RIGHTS")
    for method, path in (("post", url), ("put", f"{url}/0.1"), ("post", f"{url}/0.1"), ("delete", f"{url}/0.1")):
        body = {"versionNumber": "0.2", "sourceType": "SOURCE_FILES"}
        assert error_of(send(api(), method, path, body)) == (401, "token-not-provided")
        assert error_of(send(api(cleo), method, path, body)) == (404, "record-not-found")
        assert error_of(send(api(ben), method, path, body)) == (403, "insufficient-permissions")
    assert ActorVersion.objects.get().number == "0.1"


@pytest.mark.parametrize("public", [False, True])
def test_variables_are_for_those_with_write_even_to_look_at(api, ada, ben, cleo, actor, variables, give, public):
    actor.is_public = public
    actor.save()
    give(actor, ben, "READ", "RUN", "BUILD", "MANAGE_ACCESS_RIGHTS")
    data_of(send(api(ada), "post", variables, {"name": "LEVEL", "value": "debug"}))
    stranger = (403, "insufficient-permissions") if public else (404, "record-not-found")
    body = {"name": "LEVEL", "value": "changed"}
    for path, methods in ((variables, ("get", "post")), (f"{variables}/LEVEL", ("get", "put", "post", "delete"))):
        for method in methods:

            def call(client, method=method, path=path):
                return client.get(path) if method == "get" else send(client, method, path, body)

            assert error_of(call(api())) == (401, "token-not-provided")
            assert error_of(call(api(cleo))) == stranger
            assert error_of(call(api(ben))) == (403, "insufficient-permissions")
    assert EnvironmentVariable.objects.get().value == "debug"


@pytest.mark.parametrize("number", ["0.2", "x", "00.1", "0.1%00", "%2e%2e"])
def test_versions_that_are_not_there(api, ada, url, number):
    for path in (f"{url}/{number}", f"{url}/{number}/env-vars", f"{url}/{number}/env-vars/A"):
        assert error_of(api(ada).get(path)) == (404, "record-not-found")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "versionNumber"),
        ({"versionNumber": "1"}, "versionNumber"),
        ({"versionNumber": "0.2", "sourceType": "SOURCE_CODE"}, "sourceType"),
        ({"versionNumber": "0.2", "sourceType": "GIT_REPO"}, "gitRepoUrl"),
        ({"versionNumber": "0.2", "sourceType": "TARBALL", "tarballUrl": "file:///etc/passwd"}, "tarballUrl"),
        ({"versionNumber": "0.2", "sourceType": "GITHUB_GIST", "gitHubGistUrl": "x"}, "gitHubGistUrl"),
        ({"versionNumber": "0.2", "buildTag": "a/b"}, "buildTag"),
        ({"versionNumber": "0.2", "sourceFiles": "x"}, "sourceFiles"),
        ({"versionNumber": "0.2", "sourceFiles": [{"name": "a", "format": "BASE64", "content": "?"}]}, "sourceFiles"),
        ({"versionNumber": "0.2", "envVars": [{"name": "A-B", "value": ""}]}, "name"),
        ({"versionNumber": "0.2", "envVars": [{"name": "A"}]}, "value"),
    ],
)
def test_wrong_versions_are_named_and_leave_nothing(api, ada, url, body, named):
    refused = send(api(ada), "post", url, body)
    assert error_of(refused) == (400, "invalid-value")
    assert f'"{named}"' in message_of(refused)
    assert ActorVersion.objects.get().number == "0.1"


def test_the_last_version_and_taken_numbers(api, ada, url):
    assert error_of(api(ada).delete(f"{url}/0.1")) == (400, "too-few-versions")
    taken = {"versionNumber": "0.1", "sourceType": "SOURCE_FILES"}
    assert error_of(send(api(ada), "post", url, taken)) == (400, "version-already-exists")


# What is done


def test_a_version_is_added_changed_and_removed(api, ada, url):
    files = [{"name": "src", "folder": True}, {"name": "src/logo", "format": "BASE64", "content": "AAE="}]
    body = {"versionNumber": "0.2", "sourceType": "SOURCE_FILES", "sourceFiles": files, "buildTag": None}
    response = send(api(ada), "post", url, body)
    assert response.status_code == 201
    made = data_of(response)
    assert made == {**body, "applyEnvVarsToBuild": False, "envVars": []}
    assert data_of(api(ada).get(f"{url}/0.2")) == made
    listed = data_of(api(ada).get(url))
    assert (listed["total"], [each["versionNumber"] for each in listed["items"]]) == (2, ["0.1", "0.2"])
    for method in ("put", "post"):
        changed = data_of(send(api(ada), method, f"{url}/0.2", {"buildTag": f"{method}ed"}))
        assert changed == {**made, "buildTag": f"{method}ed"}
    elsewhere = {"sourceType": "GIT_REPO", "gitRepoUrl": "https://example.com/a.git#main"}
    changed = data_of(send(api(ada), "put", f"{url}/0.2", elsewhere))
    assert "sourceFiles" not in changed
    assert {name: changed[name] for name in elsewhere} == elsewhere
    assert api(ada).delete(f"{url}/0.2").status_code == 204
    assert error_of(api(ada).get(f"{url}/0.2")) == (404, "record-not-found")


def test_secret_values_never_leave_the_server_again(api, ada, url, variables):
    said = {"name": "PASSWORD", "value": "hunter2", "isSecret": True}
    answers = [send(api(ada), "post", variables, said)]
    assert answers[0].status_code == 201
    one = f"{variables}/PASSWORD"
    answers += [api(ada).get(path) for path in (variables, one, url, f"{url}/0.1", url.removesuffix("/versions"))]
    answers.append(send(api(ada), "put", f"{url}/0.1", {"envVars": [{"name": "PASSWORD"}]}))
    answers.append(send(api(ada), "put", one, {"name": "PASSWORD", "isSecret": True}))
    for answer in answers:
        assert answer.status_code < 300
        assert "hunter2" not in answer.content.decode()
    assert data_of(api(ada).get(one)) == {"name": "PASSWORD", "isSecret": True}
    refused = send(api(ada), "put", one, {"isSecret": False})
    assert error_of(refused) == (400, "invalid-value")
    assert environment.of_version(ActorVersion.objects.get()).values == {"PASSWORD": "hunter2"}
    assert data_of(send(api(ada), "put", one, {"isSecret": False, "value": "open"}))["value"] == "open"


def test_variables_are_added_changed_and_removed(api, ada, variables):
    one = f"{variables}/LEVEL"
    assert error_of(api(ada).get(one)) == (404, "record-not-found")
    assert error_of(send(api(ada), "put", one, {"value": "x"})) == (404, "record-not-found")
    made = data_of(send(api(ada), "post", variables, {"name": "LEVEL", "value": "debug"}))
    assert made == {"name": "LEVEL", "value": "debug", "isSecret": False}
    assert error_of(send(api(ada), "post", variables, made)) == (400, "env-var-already-exists")
    assert error_of(send(api(ada), "put", one, {"name": "OTHER", "value": "x"})) == (400, "cannot-rename-env-var")
    assert error_of(send(api(ada), "post", variables, {"name": "A", "value": "x\x00"})) == (400, "invalid-value")
    assert error_of(send(api(ada), "post", variables, {"name": "A"})) == (400, "invalid-value")
    for method in ("put", "post"):
        assert data_of(send(api(ada), method, one, {"value": method}))["value"] == method
    assert data_of(api(ada).get(variables)) == {"total": 1, "items": [{**made, "value": "post"}]}
    assert api(ada).delete(one).status_code == 204
    assert error_of(api(ada).delete(one)) == (404, "record-not-found")
