"""Runs over HTTP: inputs that the build's input schema does not allow start nothing."""

import gzip
import json

import pytest

from resources.kinds import Kind
from resources.models import Actor, Build, BuildContent, KeyValueStore, Run
from resources.records import writing
from resources.records.reading import find, open_record
from resources.runs import starting
from resources.runs.options import RunOptions
from tests.support.api import error_of, message_of
from tests.support.factories import built, built_actor
from tests.support.run_stage import at_work, ended

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


@pytest.mark.parametrize("path", ["runs", "run-sync", "run-sync-get-dataset-items"])
@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "Field input.url is required."),
        (b"{}", "Field input.url is required."),
        (b"null", "Field input.url is required."),
        (b"[]", "The input must be an object."),
        (b'{"url": 5}', "Field input.url must be text."),
        (b'{"url": "x", "depth": 0}', "Field input.depth must be at least 1."),
    ],
)
def test_an_input_that_the_schema_does_not_allow(api, ada, actor, path, body, problem):
    response = api(ada).generic("POST", f"/v2/actors/{actor.pk}/{path}", body, JSON)
    assert error_of(response) == (400, "invalid-input")
    assert problem in message_of(response)
    assert not Run.objects.exists()


def test_a_task_is_asked_for_its_own_input_and_what_goes_over_it(api, ada, actor, make_resource):
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk, input='{"depth": 3}')
    at = f"/v2/actor-tasks/{task.pk}/runs"
    assert error_of(api(ada).generic("POST", at)) == (400, "invalid-input")
    assert error_of(api(ada).post(at, b'{"url": "x", "depth": 0}', content_type=JSON)) == (400, "invalid-input")
    assert not Run.objects.exists()
    assert api(ada).post(at, b'{"url": "x"}', content_type=JSON).status_code == 201


@pytest.mark.parametrize(("given", "status"), [(None, 400), (b'{"url": 5}', 400), (b'{"url": "x"}', 200)])
def test_a_run_goes_on_with_another_build_only_where_that_takes_its_first_input(api, ada, actor, given, status):
    first = Build.objects.get(number="0.1.1")
    run = starting.start(actor, by=ada.principal, input=given, content_type=JSON, options=RunOptions(build="0.1.1"))
    at_work(run, metamorphs=[{"actorId": actor.pk, "buildId": first.pk, "inputKey": "INPUT-METAMORPH-1"}])
    ended(run)
    response = api(ada).post(f"/v2/actor-runs/{run.pk}/resurrect?build=latest")
    assert response.status_code == status
    run.refresh_from_db()
    if status == 400:
        assert error_of(response) == (400, "invalid-input")
        assert (run.status, run.build_number, len(run.metamorphs)) == ("SUCCEEDED", "0.1.1", 1)
    else:
        assert (run.status, run.build_number, run.metamorphs) == ("READY", "0.1.2", [])


@pytest.fixture
def turn(api, ada, actor):
    """Ask for a run of ada's, which has been started with `given`, to go on as an Actor whose build has a schema."""
    other = built_actor(ada, name="other")

    def turn_(given: bytes | None, body: bytes = b"", content_type: str = JSON, record: dict | None = None):
        run = starting.start(other, by=ada.principal, input=given, content_type=JSON)
        if record:
            store = KeyValueStore.objects.get(run_id=run.pk)
            writing.write(store.pk, "INPUT", [record.pop("bytes")], **{"content_type": JSON, **record})
        at_work(run)
        return api(ada).generic(
            "POST", f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={actor.pk}", body, content_type
        )

    return turn_


@pytest.mark.parametrize(
    ("given", "body", "problem"),
    [
        (b'{"url": "x"}', b"{}", "Field input.url is required."),
        (b'{"url": "x"}', b'{"url": "x", "depth": 0}', "Field input.depth must be at least 1."),
        (None, b"", "Field input.url is required."),
        (b'{"url": 5}', b"", "Field input.url must be text."),  # what it goes on with is what it has
        (b"[]", b"", "The input must be an object."),
    ],
)
def test_a_run_goes_on_as_no_actor_whose_schema_refuses_its_input(turn, given, body, problem):
    response = turn(given, body)
    assert error_of(response) == (400, "invalid-input")
    assert problem in message_of(response)
    run = Run.objects.get()
    assert (run.metamorphs, run.restart_requested, run.build_number) == ([], False, "0.1.1")


@pytest.mark.parametrize(
    "record",
    [
        {"bytes": b"no JSON"},
        {"bytes": b"\xff"},
        {"bytes": b"no gzip", "content_encoding": "gzip"},
        {"bytes": b" " * 2000 + b'{"url": "x"}'},
        {"bytes": gzip.compress(b" " * 2000 + b'{"url": "x"}'), "content_encoding": "gzip"},
    ],
)
def test_an_input_of_the_runs_own_that_cannot_be_looked_at(turn, record, settings):
    settings.API_MAX_BODY_BYTES = 1000
    assert error_of(turn(None, record=record)) == (400, "invalid-input")
    assert Run.objects.get().metamorphs == []


def test_what_a_run_goes_on_with(turn):
    assert turn(b'{"url": "x"}').status_code == 200
    assert turn(b"{}", b'{"url": "x"}').status_code == 200
    assert turn(b"{}", b"\x00", "image/x").status_code == 200  # the Actor's own business
    assert turn(None, record={"bytes": b"\x00", "content_type": "image/x"}).status_code == 200
    packed = {"bytes": gzip.compress(b'{"url": "x"}'), "content_encoding": "gzip"}
    assert turn(b"{}", record=packed).status_code == 200
    assert all(len(run.metamorphs) == 1 for run in Run.objects.all())


def test_a_run_without_a_store_goes_on_where_nothing_is_asked_for(api, ada, actor):
    run = starting.start(actor, by=ada.principal, input=b'{"url": "x"}', content_type=JSON)
    at_work(run)
    KeyValueStore.objects.all().delete()
    at = f"/v2/actor-runs/{run.pk}/metamorph?targetActorId={actor.pk}"
    assert error_of(api(ada).generic("POST", at)) == (400, "invalid-input")
    assert api(ada).generic("POST", f"{at}&build=0.1.1").status_code == 200  # it has no schema


def test_what_can_be_run(api, ada, actor):
    at = f"/v2/actors/{actor.pk}/runs"
    assert api(ada).post(at, b'{"url": "x", "more": 1}', content_type=JSON).status_code == 201
    assert api(ada).post(at, b"\x00", content_type="image/x").status_code == 201  # the Actor's own business
    assert api(ada).generic("POST", f"{at}?build=0.1.1", b"{}", JSON).status_code == 201  # it has no schema


def test_json_too_deep_to_be_looked_at_is_no_input(api, ada, actor):
    deep = b'{"url": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert api(ada).post(f"/v2/actors/{actor.pk}/runs", deep, content_type=JSON).status_code == 400
    assert not Run.objects.exists()


@pytest.mark.parametrize("body", [b"", b"null", b" null\n"])
def test_no_input_is_an_empty_one_and_is_not_stored(api, ada, actor, make_resource, body):
    """The Python client sends null where it is given no input."""
    BuildContent.objects.update(input_schema='{"type": "object", "properties": {"url": {"type": "string"}}}')
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk, input='{"url": "x"}')
    for at, stored in ((f"/v2/actors/{actor.pk}", None), (f"/v2/actor-tasks/{task.pk}", b'{"url": "x"}')):
        started = api(ada).generic("POST", f"{at}/runs", body, JSON)
        assert started.status_code == 201
        found = api(ada).get(f"/v2/actor-runs/{started.json()['data']['id']}/key-value-store/records/INPUT")
        assert (found.getvalue() if found.status_code == 200 else None) == stored


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (b'{"url": "x", "big": 12345678901234567890.5}', b'{"shop":"all","url":"x","big":12345678901234567890.5}'),
        (b'{"url": "x", "shop": null}', None),  # refused: it was not left out
        (b'{"url":  "x", "shop": "a"}', b'{"url":  "x", "shop": "a"}'),
    ],
)
def test_what_is_left_out_is_filled_in_where_it_has_a_default(api, ada, actor, turn, given, stored):
    started = api(ada).post(f"/v2/actors/{actor.pk}/runs", given, content_type=JSON)
    assert started.status_code == (201 if stored else 400)
    if stored:
        assert input_of(Run.objects.get()) == stored
    assert turn(b"{}", given).status_code == (200 if stored else 400)
    if stored:
        assert input_of(Run.objects.exclude(metamorphs=[]).get(), "INPUT-METAMORPH-1") == stored


def test_no_input_is_the_defaults_where_there_are_any(api, ada, actor):
    BuildContent.objects.update(input_schema=json.dumps({**SCHEMA, "required": []}))
    assert api(ada).post(f"/v2/actors/{actor.pk}/runs", b"null", content_type=JSON).status_code == 201
    assert input_of(Run.objects.get()) == b'{"shop":"all"}'


def input_of(run: Run, key: str = "INPUT") -> bytes:
    record = find(KeyValueStore.objects.get(run_id=run.pk).pk, key)
    assert record is not None
    with open_record(record) as file:
        return file.read()
