"""Secret input fields that tasks and schedules save: encrypted for their owner, by every way to save them."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from resources.kinds import Kind
from resources.models import Actor, Build, DiscardedFile, InputKeyPair, KeyValueStore, Record, Run, Schedule, Task
from resources.records import writing
from resources.records.files import storage
from resources.runs import starting
from resources.runs.options import RunOptions
from resources.worker.tasks import seal_saved_inputs
from sharing.schedules.firing import fire_due
from tests.support.factories import built, built_actor
from tests.support.secret_stage import (
    GIVEN,
    JSON,
    PASSWORD,
    SCHEMA,
    give_schema,
    read_by,
    secret_actor,
    shows_no_secret,
    stored,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def actor(ada) -> Actor:
    return secret_actor(ada)


def send(client, method: str, path: str, value, status: int = 200) -> dict:
    response = client.generic(method, path, json.dumps(value), JSON)
    assert response.status_code == status, response.content
    return response.json()


@pytest.fixture
def task(api, ada, actor) -> Task:
    made = send(api(ada), "POST", "/v2/actor-tasks", {"actId": actor.pk, "name": "mine", "input": GIVEN}, 201)
    assert shows_no_secret(json.dumps(made))
    return Task.objects.get(pk=made["data"]["id"])


def run_of(api, ada, task: Task, body=None) -> Run:
    return Run.objects.get(pk=send(api(ada), "POST", f"/v2/actor-tasks/{task.pk}/runs", body, 201)["data"]["id"])


# Tasks


def test_a_task_keeps_its_secrets_encrypted_and_its_runs_read_them(api, ada, task):
    assert shows_no_secret(task.input)
    run = run_of(api, ada, task)
    assert json.loads(stored(run)) == json.loads(task.input)
    assert read_by(run) == GIVEN


def test_fields_given_to_a_run_of_a_task_go_over_its_own(api, ada, task):
    run = run_of(api, ada, task, {"password": "another-one"})
    assert "another-one" not in stored(run)
    assert read_by(run) == {**GIVEN, "password": "another-one"}


def test_a_task_that_is_sent_back_as_it_was_read_stays_as_it_is(api, ada, task):
    path = f"/v2/actor-tasks/{task.pk}"
    answer = send(api(ada), "GET", path, None)["data"]["input"]
    assert shows_no_secret(json.dumps(answer))
    send(api(ada), "PUT", path, {"input": answer})
    send(api(ada), "PUT", f"{path}/input", answer)
    before, task.input = task.input, Task.objects.get(pk=task.pk).input
    assert json.loads(task.input) == json.loads(before)


@pytest.mark.parametrize("path", ["", "/input"])
def test_who_may_change_a_task_saves_secrets_for_its_owner(api, ada, ben, task, give, path):
    give(task, ben, "WRITE")
    given = {"password": "chosen-by-ben"}
    answer = send(api(ben), "PUT", f"/v2/actor-tasks/{task.pk}{path}", given if path else {"input": given})
    assert "chosen-by-ben" not in json.dumps(answer)
    assert read_by(run_of(api, ada, task))["password"] == "chosen-by-ben"
    assert set(InputKeyPair.objects.values_list("account_id", flat=True)) == {ada.pk}


def test_a_task_takes_no_value_that_was_encrypted_for_something_else(api, ada, ben, actor, task, give):
    give(actor, ben, "RUN")
    ciphertext = json.loads(task.input)["password"]
    for client, named, given in (
        (api(ben), actor, {"password": ciphertext}),
        (api(ada), secret_actor(ada, "other"), {"password": ciphertext}),
        (api(ada), actor, {"url": ciphertext}),
    ):
        answer = send(client, "POST", "/v2/actor-tasks", {"actId": named.pk, "input": given}, 400)
        assert answer["error"]["type"] == "invalid-value"
        assert "was encrypted for another account, Actor or field" in answer["error"]["message"]
    answer = send(api(ada), "PUT", f"/v2/actor-tasks/{task.pk}/input", {"url": ciphertext}, 400)
    assert ciphertext not in json.dumps(answer)


def test_a_list_could_not_be_encrypted_and_is_refused(api, ada, actor):
    answer = send(api(ada), "POST", "/v2/actor-tasks", {"actId": actor.pk, "input": [GIVEN]}, 400)
    assert "must be a JSON object" in answer["error"]["message"]


def test_another_build_may_have_other_secret_fields(api, ada, actor):
    given = {"actId": actor.pk, "name": "old", "input": GIVEN, "options": {"build": "0.1.1"}}
    id_ = send(api(ada), "POST", "/v2/actor-tasks", given, 201)["data"]["id"]
    assert not shows_no_secret(Task.objects.get(pk=id_).input)
    send(api(ada), "PUT", f"/v2/actor-tasks/{id_}", {"options": {"build": "latest"}})
    assert shows_no_secret(Task.objects.get(pk=id_).input)
    assert read_by(run_of(api, ada, Task.objects.get(pk=id_))) == GIVEN


# Schedules


def due(api, account, *actions: dict) -> Schedule:
    """Make a schedule of these actions by the API, and let it be due."""
    body = {"name": "daily", "cronExpression": "0 0 * * *", "isEnabled": True, "actions": actions}
    made = send(api(account), "POST", "/v2/schedules", body, 201)
    assert shows_no_secret(json.dumps(made))
    schedule = Schedule.objects.get(pk=made["data"]["id"])
    Schedule.objects.filter(pk=schedule.pk).update(next_at=timezone.now() - timedelta(minutes=1))
    assert shows_no_secret(schedule.actions)
    return schedule


def test_the_run_input_of_a_schedule_is_encrypted_and_its_run_reads_it(api, ada, actor):
    body = {"body": json.dumps(GIVEN), "contentType": JSON}
    due(api, ada, {"type": "RUN_ACTOR", "actorId": actor.pk, "runInput": body})
    fire_due()
    assert read_by(Run.objects.get()) == GIVEN


def test_what_a_schedule_gives_a_task_is_encrypted_and_goes_over_the_tasks_own(api, ada, task):
    over = {"password": f"{PASSWORD}-of-the-schedule"}
    due(api, ada, {"type": "RUN_ACTOR_TASK", "actorTaskId": task.pk, "input": over})
    fire_due()
    assert read_by(Run.objects.get()) == {**GIVEN, **over}


def test_a_schedule_that_is_sent_back_as_it_was_read_stays_as_it_is(api, ada, actor, task):
    body = {"body": json.dumps(GIVEN), "contentType": JSON}
    schedule = due(
        api,
        ada,
        {"type": "RUN_ACTOR", "actorId": actor.pk, "runInput": body},
        {"type": "RUN_ACTOR_TASK", "actorTaskId": task.pk, "input": {"password": PASSWORD}},
    )
    read = send(api(ada), "GET", f"/v2/schedules/{schedule.pk}", None)["data"]["actions"]
    send(api(ada), "PUT", f"/v2/schedules/{schedule.pk}", {"actions": read})
    assert json.loads(Schedule.objects.get(pk=schedule.pk).actions) == json.loads(schedule.actions)


@pytest.mark.parametrize("by_task", [False, True])
def test_a_schedule_takes_no_value_that_was_encrypted_for_something_else(api, ada, ben, actor, task, give, by_task):
    give(actor, ben, "RUN")
    give(task, ben)
    given = {"password": json.loads(task.input)["password"]}
    action = {"type": "RUN_ACTOR", "actorId": actor.pk, "runInput": {"body": json.dumps(given), "contentType": JSON}}
    if by_task:
        action = {"type": "RUN_ACTOR_TASK", "actorTaskId": task.pk, "input": given}
    answer = send(api(ben), "POST", "/v2/schedules", {"name": "mine", "actions": [action]}, 400)
    assert "was encrypted for another account, Actor or field" in answer["error"]["message"]
    assert not Schedule.objects.exists()


def test_a_schedule_of_another_account_does_not_get_the_secrets_of_a_task(api, ada, ben, actor, task, give):
    give(actor, ben, "RUN")
    give(task, ben)
    schedule = due(api, ben, {"type": "RUN_ACTOR_TASK", "actorTaskId": task.pk})
    fire_due()
    assert not Run.objects.exists()
    line = schedule.invocations.get().message
    assert "input.password holds a value that was encrypted for another account" in line
    assert shows_no_secret(line)


def test_an_input_of_a_schedule_that_is_not_json_is_refused(api, ada, actor):
    action = {"type": "RUN_ACTOR", "actorId": actor.pk, "runInput": {"body": PASSWORD, "contentType": "text/plain"}}
    answer = send(api(ada), "POST", "/v2/schedules", {"name": "mine", "actions": [action]}, 400)
    assert "must be a JSON object" in answer["error"]["message"]
    assert PASSWORD not in json.dumps(answer)


# Saved before a build said which fields are secret


def test_what_was_saved_before_there_was_a_build_is_encrypted_when_one_succeeds(api, ada, make_resource, commits):
    actor = built_actor(ada, name="later")
    task = make_resource(Kind.TASK, ada, name="mine", actor_id=actor.pk, input=json.dumps(GIVEN))
    body = {"body": json.dumps(GIVEN), "contentType": JSON}
    action = {"type": "RUN_ACTOR", "actorId": actor.pk, "runInput": body}
    by_task = {"type": "RUN_ACTOR_TASK", "actorTaskId": task.pk, "input": GIVEN}
    made = send(api(ada), "POST", "/v2/schedules", {"name": "mine", "actions": [action, by_task]}, 201)
    give_schema(built(actor, "0.1.2"), SCHEMA)
    seal_saved_inputs.func(actor.pk)
    assert shows_no_secret(Task.objects.get(pk=task.pk).input)
    assert shows_no_secret(Schedule.objects.get(pk=made["data"]["id"]).actions)
    assert read_by(run_of(api, ada, Task.objects.get(pk=task.pk))) == GIVEN


@pytest.fixture
def from_before(actor, make_resource, ada, ben):
    """Return what was stored in plain text: a task, a schedule of both kinds of action, and the inputs of two runs."""
    task = make_resource(Kind.TASK, ada, name="before", actor_id=actor.pk, input=json.dumps(GIVEN))
    body = {"body": json.dumps(GIVEN), "contentType": JSON}
    actions = [
        {"type": "RUN_ACTOR", "id": "a", "actorId": actor.pk, "runInput": body},
        {"type": "RUN_ACTOR_TASK", "id": "b", "actorTaskId": task.pk, "input": GIVEN},
    ]
    schedule = make_resource(Kind.SCHEDULE, ben, name="before", actions=json.dumps(actions))
    old = RunOptions(build="0.1.1")
    given = {"input": json.dumps(GIVEN).encode(), "content_type": JSON, "options": old}
    runs = [starting.start(actor, by=account.principal, **given) for account in (ada, ben)]
    Run.objects.update(build=Build.objects.get(number="0.1.2"))
    assert not any(shows_no_secret(stored(run)) for run in runs)
    return task, schedule, runs


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("encrypt_input_secrets", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_encrypts_what_was_stored_before_once(from_before):
    task, schedule, runs = from_before
    report = said()
    assert "Tasks: 1 encrypted, 0 cannot be encrypted." in report
    assert "Schedules: 1 encrypted, 0 cannot be encrypted." in report
    assert "Inputs of runs: 2 encrypted, 0 cannot be encrypted." in report
    task.refresh_from_db()
    schedule.refresh_from_db()
    texts = [task.input, schedule.actions, *map(stored, runs)]
    assert all(map(shows_no_secret, texts))
    assert [read_by(run) for run in runs] == [GIVEN, GIVEN]
    again = said()
    assert "Tasks: 0 encrypted" in again
    assert "Inputs of runs: 0 encrypted" in again
    task.refresh_from_db()
    schedule.refresh_from_db()
    assert [task.input, schedule.actions, *map(stored, runs)] == texts


def test_the_command_leaves_no_file_with_the_plain_text(from_before):
    of_runs = Record.objects.filter(store__run_id__in=[run.pk for run in from_before[2]])
    files = list(of_runs.values_list("file", flat=True))
    assert all(storage().exists(file) for file in files)
    assert "The files with the plain text were deleted." in said()
    assert [file for file in files if storage().exists(file)] == []
    assert not DiscardedFile.objects.filter(file__in=files).exists()


def test_the_command_goes_on_after_a_run(from_before):
    first, second = sorted(from_before[2], key=lambda run: run.pk)
    assert "Inputs of runs: 1 encrypted" in said("--after", first.pk)
    assert not shows_no_secret(stored(first))
    assert shows_no_secret(stored(second))


def test_the_command_leaves_what_cannot_be_read_and_says_so(from_before, ada, actor, make_resource):
    run = from_before[2][0]
    writing.write(KeyValueStore.objects.get(run_id=run.pk).pk, "INPUT", [b"no JSON"], content_type=JSON)
    make_resource(Kind.TASK, ada, name="list", actor_id=actor.pk, input=json.dumps([GIVEN]))
    report = said()
    assert "Tasks: 1 encrypted, 1 cannot be encrypted." in report
    assert "Inputs of runs: 1 encrypted, 1 cannot be encrypted." in report
    assert stored(run) == "no JSON"


def test_the_command_encrypts_the_input_of_a_metamorph_for_what_the_run_became(from_before, ada, actor):
    run = from_before[2][0]
    target = secret_actor(ada, "target")
    build = Build.objects.get(actor_id=target.pk, number="0.1.2")
    store = KeyValueStore.objects.get(run_id=run.pk)
    writing.write(store.pk, "INPUT-METAMORPH-1", [json.dumps(GIVEN).encode()], content_type=JSON)
    made = {"actorId": target.pk, "buildId": build.pk, "inputKey": "INPUT-METAMORPH-1"}
    Run.objects.filter(pk=run.pk).update(build=build, metamorphs=[made])
    assert "Inputs of runs: 3 encrypted" in said()
    assert shows_no_secret(stored(run))
    assert read_by(run, "INPUT-METAMORPH-1") == GIVEN
