"""What the API answers, held against the OpenAPI description of the API that it is compatible with.

For each operation, requests are made up, right ones and wrong ones, and sent by nobody, by a stranger and by the owner:
each must be answered with a status, a type of content, headers and a shape that the description has for that
operation, and none with an error of the server. They are the same at each run; `DESCRIPTION_EXAMPLES=200` makes up more
of them, other ones each time.
"""

import json
from typing import Any

import jsonschema_rs
import pytest
from schemathesis.core.failures import FailureGroup

from console.http import json_responses
from resources.kinds import Kind
from tests.description import facts, operations
from tests.description.asking import CHECKS, HOST, Stage, description
from tests.description.holding import hold_made_up_requests, hold_the_plainest_request
from tests.support.described_storages import plainest_of_storages, stored

# What is held to the description: all operations under these paths. Whatever is added here needs a thing of its kind
# on the stage, by the name of its parameter in the path.
COVERED = (
    "/v2/datasets",
    "/v2/key-value-stores",
    "/v2/request-queues",
    "/v2/actor-runs/{runId}/dataset",
    "/v2/actor-runs/{runId}/key-value-store",
    "/v2/actor-runs/{runId}/request-queue",
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(ada, cleo, token_of, make_resource) -> Stage:
    """Return a run of ada's with a storage of each kind that has something in it and a name."""
    run = make_resource(Kind.RUN, ada)
    for kind, name in ((Kind.DATASET, "prices"), (Kind.KEY_VALUE_STORE, "pictures"), (Kind.REQUEST_QUEUE, "pages")):
        make_resource(kind, ada, name=name, run=run)
    made = stored(run)
    names = {"datasetId": "ada~prices", "storeId": "ada~pictures", "queueId": "ada~pages"}
    tokens = {"nobody": None, "a stranger": token_of(cleo), "the owner": token_of(ada)}
    return Stage(tokens, made.ids, names, made.query, made.body)


@pytest.mark.parametrize(("method", "path"), operations(*COVERED), ids=lambda each: each)
def test_answers_are_those_of_the_description(stage, method, path):
    hold_made_up_requests(stage, method, path)


@pytest.mark.parametrize(("method", "path"), operations(*COVERED), ids=lambda each: each)
def test_the_plainest_request_succeeds(stage, method, path):
    hold_the_plainest_request(stage, method, path, *plainest_of_storages(method, path))


RECORD = "/v2/key-value-stores/{storeId}/records/{recordKey}"
TAKEN = b'{"name": "taken"}'
JSON = {"Content-Type": "application/json"}
ANOTHER = {"If-Match": '"another"'}
# What we answer and the description does not have, each with the reason why; the request that is answered so.
DIFFERENCES: dict[str, tuple[int, str, str, dict[str, str], bytes]] = {
    "a name that is taken, as the description has it of tasks and schedules": (
        409, "put", "/v2/datasets/{datasetId}", JSON, TAKEN,
    ),
    "the same of a store": (409, "put", "/v2/key-value-stores/{storeId}", JSON, TAKEN),
    "the same of a queue": (409, "put", "/v2/request-queues/{queueId}", JSON, TAKEN),
    "a part of a record, which there is a redirection to a file for": (206, "get", RECORD, {"Range": "bytes=0-2"}, b""),
    "a part behind the end of a record": (416, "get", RECORD, {"Range": "bytes=99-"}, b""),
    "a record that the client has already": (304, "get", RECORD, {"If-None-Match": "*"}, b""),
    "the headers of a record that the client has already": (304, "head", RECORD, {"If-None-Match": "*"}, b""),
    "a record that is not the one that the client means to replace": (412, "put", RECORD, ANOTHER, b""),
    "the same with POST": (412, "post", RECORD, ANOTHER, b""),
    "a record that is not the one that the client means to delete": (412, "delete", RECORD, ANOTHER, b""),
    "the schema of a new store, a body that the description leaves out, in an unknown encoding": (
        415, "post", "/v2/key-value-stores", JSON | {"Content-Encoding": "bla"}, b"{}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("reason", DIFFERENCES)
def test_a_difference_is_wanted_and_the_description_still_has_none(stage, ada, make_resource, reason):
    for kind in (Kind.DATASET, Kind.KEY_VALUE_STORE, Kind.REQUEST_QUEUE):
        make_resource(kind, ada, name="taken")
    status, method, path, headers, body = DIFFERENCES[reason]
    sent = {"method": method.upper(), "url": HOST + path.format(**stage.ids), "headers": headers, "data": body}
    answer = stage.ask(sent, "the owner")
    assert answer.status_code == status
    if status >= 400 and method != "head":
        assert errors().is_valid(json.loads(answer.content))
    assert str(status) not in facts()["paths"][path][method]["responses"]


def errors() -> Any:
    return jsonschema_rs.validator_for({"$ref": "#/components/schemas/ErrorResponse", **facts()})


def test_an_answer_that_is_not_in_the_description_is_found(stage, monkeypatch):
    monkeypatch.setattr(
        "console.http.json_responses.data_response",
        lambda value, *args, **kwargs: json_responses.json_response(b'{"data": 1}'),
    )
    case = description()["/v2/datasets"]["GET"].Case()
    with pytest.raises(FailureGroup, match="Response violates schema"):
        case.validate_response(stage.ask(case.as_transport_kwargs(base_url=HOST), "the owner"), checks=CHECKS)
