"""Runs over HTTP: inputs that the build's input schema does not allow start nothing."""

import json

import pytest

from resources.kinds import Kind
from resources.models import Actor, BuildContent, Run
from tests.run_stage import built, built_actor

pytestmark = pytest.mark.django_db
JSON = "application/json"
SCHEMA = {
    "type": "object",
    "properties": {
        "url": {"type": "string"},
        "depth": {"type": "integer", "minimum": 1},
        "shop": {"type": "string", "default": "all"},
    },
    "required": ["url", "shop"],
}


@pytest.fixture
def actor(ada) -> Actor:
    actor = built_actor(ada)
    build = built(actor, "0.1.2")
    BuildContent.objects.create(build=build, input_schema=json.dumps(SCHEMA))
    return actor


def error_of(response):
    error = response.json()["error"]
    return response.status_code, error["type"], error["message"]


@pytest.mark.parametrize("path", ["runs", "run-sync", "run-sync-get-dataset-items"])
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "Field input.url is required."),
        (b"{}", "Field input.url is required."),
        (b"[]", "The input must be an object."),
        (b'{"url": 5}', "Field input.url must be a text."),
        (b'{"url": "x", "depth": 0}', "Field input.depth must be at least 1."),
    ],
)
def test_an_input_that_the_schema_does_not_allow(api, ada, actor, path, body, problem):
    status, type_, message = error_of(api(ada).generic("POST", f"/v2/actors/{actor.pk}/{path}", body, JSON))
    assert (status, type_) == (400, "invalid-input")
    assert problem in message
    assert not Run.objects.exists()


def test_a_task_is_asked_for_its_own_input_and_what_goes_over_it(api, ada, actor, make_resource):
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk, input='{"depth": 3}')
    at = f"/v2/actor-tasks/{task.pk}/runs"
    assert error_of(api(ada).generic("POST", at))[:2] == (400, "invalid-input")
    assert error_of(api(ada).post(at, b'{"url": "x", "depth": 0}', content_type=JSON))[:2] == (400, "invalid-input")
    assert not Run.objects.exists()
    assert api(ada).post(at, b'{"url": "x"}', content_type=JSON).status_code == 201


def test_what_can_be_run(api, ada, actor):
    at = f"/v2/actors/{actor.pk}/runs"
    assert api(ada).post(at, b'{"url": "x", "more": 1}', content_type=JSON).status_code == 201
    assert api(ada).post(at, b"\x00", content_type="image/x").status_code == 201  # the Actor's own business
    assert api(ada).generic("POST", f"{at}?build=0.1.1", b"{}", JSON).status_code == 201  # it has no schema


def test_json_too_deep_to_be_looked_at_is_no_input(api, ada, actor):
    deep = b'{"url": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert api(ada).post(f"/v2/actors/{actor.pk}/runs", deep, content_type=JSON).status_code == 400
    assert not Run.objects.exists()
