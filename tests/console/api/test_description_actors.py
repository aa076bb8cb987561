"""What the API answers about Actors, builds and the Store, held against the description; see test_description.py."""

import pytest
from django.utils import timezone

from resources.actors import environment, versions
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.kinds import Kind
from resources.models import Actor, BuildContent
from tests.description import operations
from tests.description.asking import Stage
from tests.description.holding import Plain, hold_made_up_requests, hold_the_plainest_request
from tests.support.factories import built

_ACTOR = "/v2/actors/{actorId}"
WHOLE = {"/v2/actors", _ACTOR, "/v2/store", "/v2/actor-builds", "/v2/actor-builds/{buildId}"}
STARTS = (f"{_ACTOR}/versions", f"{_ACTOR}/builds", f"{_ACTOR}/validate-input")
ENDS = ("/abort", "/openapi.json")
COVERED = [
    (method, path)
    for method, path in operations("/v2/actors", "/v2/actor-builds", "/v2/store")
    if path in WHOLE or path.startswith(STARTS) or (path.startswith("/v2/actor-builds/") and path.endswith(ENDS))
]
VERSION = {"versionNumber": "0.2", "sourceType": "SOURCE_FILES", "sourceFiles": [{"name": "a.py", "content": "1"}]}
# What an operation must be sent to succeed: a query and a body.
PLAIN: Plain = {
    ("post", "/v2/actors"): ({}, {"name": "other", "versions": [VERSION]}),
    ("put", _ACTOR): ({}, {"title": "Prices"}),
    ("post", f"{_ACTOR}/versions"): ({}, VERSION),
    ("put", f"{_ACTOR}/versions/{{versionNumber}}"): ({}, {"buildTag": "beta"}),
    ("post", f"{_ACTOR}/versions/{{versionNumber}}"): ({}, {"buildTag": "beta"}),
    ("post", f"{_ACTOR}/versions/{{versionNumber}}/env-vars"): ({}, {"name": "B", "value": "2"}),
    ("put", f"{_ACTOR}/versions/{{versionNumber}}/env-vars/{{envVarName}}"): ({}, {"name": "A", "value": "2"}),
    ("post", f"{_ACTOR}/versions/{{versionNumber}}/env-vars/{{envVarName}}"): ({}, {"name": "A", "value": "2"}),
    ("post", f"{_ACTOR}/builds"): ({"version": "0.1"}, None),
    ("post", f"{_ACTOR}/validate-input"): ({}, {"url": "x"}),
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(ada, cleo, token_of, make_resource) -> Stage:
    """Return an Actor of ada's with two versions, a variable, its default build and another one."""
    by = ada.principal
    actor = make_resource(Kind.ACTOR, ada, name="prices", details='{"categories":["AI"]}', last_run_at=timezone.now())
    version = versions.add(
        actor, "0.1", VersionChange(source_files=[SourceFile("src", "FOLDER"), SourceFile("src/main.py")]), by=by
    )
    versions.add(actor, "0.3", VersionChange(source_type="GIT_REPO", source_url="https://example.com/a.git"), by=by)
    environment.set_variable(version, "A", "1", by=by)
    now = timezone.now()
    build, default = (built(actor, number, started_at=now, finished_at=now) for number in ("0.1.1", "0.1.2"))
    schema = '{"type": "object", "properties": {"url": {"type": "string"}}, "required": ["url"]}'
    BuildContent.objects.create(build=build, readme="# Prices", definition='{"actorSpecification": 1, "name": "a"}')
    BuildContent.objects.create(build=default, input_schema=schema)
    return Stage(
        {"nobody": None, "a stranger": token_of(cleo), "the owner": token_of(ada)},
        ids={"actorId": actor.pk, "buildId": build.pk, "versionNumber": "0.1", "envVarName": "A"},
        names={"actorId": "ada~prices"},
        query={"version": "0.1"},
    )


def test_all_that_is_here_is_held_to_it():
    assert {path for _, path in COVERED} >= WHOLE
    assert {(method, path) for method, path in PLAIN} <= set(COVERED)


@pytest.mark.parametrize("public", [False, True])
@pytest.mark.parametrize(("method", "path"), COVERED, ids=lambda each: each)
def test_answers_are_those_of_the_description(stage, method, path, public, no_waiting):
    Actor.objects.update(is_public=public)

    hold_made_up_requests(stage, method, path)


@pytest.fixture
def no_waiting(monkeypatch) -> None:
    """Let nobody be kept waiting for a worker that is not there."""
    monkeypatch.setattr("console.api.builds.views.when_finished", lambda request, job, seconds, then: then(False))


@pytest.mark.parametrize(("method", "path"), COVERED, ids=lambda each: each)
def test_the_plainest_request_succeeds(stage, method, path):
    hold_the_plainest_request(stage, method, path, *PLAIN.get((method, path), ({}, None)))
