"""What the API answers about runs and their logs, wherever a run is reached, held against the description."""

from typing import Any

import pytest

from console.api.runs import wait_for_finish
from resources.jobs.status import FINISHED, JobStatus
from resources.kinds import Kind
from resources.logs import following
from resources.logs.writing import append
from resources.models import Run
from resources.runs import ending, starting
from tests.description import facts, operations
from tests.description.asking import HOST, Stage
from tests.description.holding import hold_made_up_requests, hold_the_plainest_request
from tests.support.described_storages import plainest_of_storages, stored
from tests.support.factories import built_actor
from tests.support.run_stage import at_work

# The storages of a run are held by its own address in test_description.py: by those of a last run they are the same
# views, so that fewer requests do.
STORAGES = ("/dataset", "/key-value-store", "/request-queue")
_LAST = ("/v2/actors/{actorId}/runs/last", "/v2/actor-tasks/{actorTaskId}/runs/last")
_STARTS = ("/v2/actors/{actorId}/run", "/v2/actor-tasks/{actorTaskId}/run", "/v2/actor-runs", "/v2/logs")
OF_STORAGES = operations(*(f"{last}{storage}" for last in _LAST for storage in STORAGES))
OF_RUNS = [
    (method, path)
    for method, path in operations(*_STARTS)
    if (method, path) not in OF_STORAGES and not any(each in path for each in STORAGES)
]
FEW_OF_RUNS, FEW_OF_STORAGES = 4, 1
# What a run has made is answered as it is; the description has an object of it, whatever it is.
DIFFERENCES: dict[str, tuple[str, str, bytes]] = {
    "an Actor that has made no output": ("get", "/v2/actors/{actorId}/run-sync", b""),
    "the same, with an input": ("post", "/v2/actors/{actorId}/run-sync", b""),
    "a task that has made no output": ("get", "/v2/actor-tasks/{actorTaskId}/run-sync", b""),
    "the same, with an input for the task": ("post", "/v2/actor-tasks/{actorTaskId}/run-sync", b""),
    "items, of which there is an array": ("get", "/v2/actor-tasks/{actorTaskId}/run-sync-get-dataset-items", b"[]"),
    "the same, with an input in place of the task's": (
        "post", "/v2/actor-tasks/{actorTaskId}/run-sync-get-dataset-items", b"[]",
    ),
}  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(ada, cleo, token_of, make_resource, monkeypatch) -> Stage:
    """Return an Actor of ada's, a task of it, and its last run, which is at work, with a log and with storages."""

    def finish(seconds: float) -> None:
        """Finish what is waited for, by the time that one has waited for it."""
        for run in Run.objects.exclude(status__in=FINISHED):
            ending.finish(run.pk, JobStatus.SUCCEEDED, exit_code=0)

    monkeypatch.setattr(wait_for_finish, "sleep", finish)
    monkeypatch.setattr(following, "sleep", finish)
    actor = built_actor(ada)
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk, input='{"a": 1}')
    run = starting.start(actor, by=ada.principal, task=task, input=b'{"a": 1}', content_type="application/json")
    at_work(run, charged_events={"page": 2}, event_prices={"page": 0.1})
    append(run.pk, b"2026-08-01T00:00:00.000Z Hello\n")
    made = stored(run)
    return Stage(
        {"nobody": None, "a stranger": token_of(cleo), "the owner": token_of(ada)},
        ids=made.ids | {"actorId": actor.pk, "actorTaskId": task.pk, "runId": run.pk, "buildOrRunId": run.pk},
        names={"actorId": "ada~counter", "actorTaskId": "ada~mine"},
        query=made.query
        | {"build": "latest", "memory": 256, "timeout": 60, "maxItems": 3, "maxTotalChargeUsd": 1.5, "webhooks": ""}
        | {"targetActorId": actor.pk, "status": "SUCCEEDED,RUNNING", "startedAfter": "2026-08-01T00:00:00Z"}
        | {"startedBefore": "2036-08-01T00:00:00Z", "outputRecordKey": "INPUT", "waitForFinish": 1},
        body=made.body,
    )


def as_needed(method: str, path: str) -> None:
    """Let the run have ended where that is what the operation is for."""
    if path.endswith("/resurrect") or (method, path) == ("delete", "/v2/actor-runs/{runId}"):
        for run in Run.objects.all():
            ending.finish(run.pk, JobStatus.FAILED, exit_code=1)


def plain_of(stage: Stage, method: str, path: str) -> tuple[dict[str, Any], Any]:
    """Return the query and the body of the plainest request of an operation that is to succeed."""
    if path.endswith("/metamorph"):
        return {"targetActorId": stage.ids["actorId"]}, None
    if path.endswith("/charge"):
        return {}, {"eventName": "page", "count": 1}
    if method == "put" and path == "/v2/actor-runs/{runId}":
        return {}, {"statusMessage": "Half of it is done."}
    if method == "post" and path.endswith("/runs"):
        return {}, {"a": 2}
    return {}, None


def is_different(method: str, path: str) -> bool:
    return any(of[:2] == (method, path) for of in DIFFERENCES.values())


def test_all_of_them_are_held():
    assert len(OF_STORAGES) == 2 * len(operations(*(f"{_LAST[0]}{storage}" for storage in STORAGES)))
    assert len(OF_RUNS) > 30


@pytest.mark.parametrize(("method", "path"), OF_RUNS, ids=lambda each: each)
def test_answers_are_those_of_the_description(stage, method, path):
    as_needed(method, path)
    hold_made_up_requests(stage, method, path, few=FEW_OF_RUNS, besides={201} if is_different(method, path) else ())


@pytest.mark.parametrize("reason", DIFFERENCES)
def test_a_difference_is_wanted_and_the_description_still_has_none(stage, reason):
    method, path, content = DIFFERENCES[reason]
    sent = {"method": method.upper(), "url": HOST + path.format(**stage.ids)}
    answer = stage.ask(sent, "the owner")
    assert (answer.status_code, answer.content) == (201, content)
    assert facts()["paths"][path][method]["responses"]["201"]["content"]["application/json"]["schema"] == {
        "type": "object"
    }


@pytest.mark.parametrize(
    ("method", "path"), [each for each in OF_RUNS if not is_different(*each)], ids=lambda each: each
)
def test_the_plainest_request_succeeds(stage, method, path):
    as_needed(method, path)
    hold_the_plainest_request(stage, method, path, *plain_of(stage, method, path))


@pytest.mark.parametrize(("method", "path"), OF_STORAGES, ids=lambda each: each)
def test_so_are_those_about_storages_of_the_last_run(stage, method, path):
    hold_made_up_requests(stage, method, path, few=FEW_OF_STORAGES)
    hold_the_plainest_request(stage, method, path, *plainest_of_storages(method, path))
