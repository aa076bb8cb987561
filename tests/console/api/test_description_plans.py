"""What the API answers about tasks, schedules, webhooks and what an account uses, held against the description."""

import json
from typing import Any

import pytest
from django.utils import timezone

from resources.kinds import Kind
from resources.models import Actor, ScheduleInvocation, Webhook
from resources.runs.saved_options import SavedOptions
from resources.schedules import editing as schedules
from resources.schedules.actions import RunActor, RunActorTask, RunInput
from resources.tasks import editing as tasks
from resources.webhooks import editing as webhooks
from resources.webhooks.editing import Condition, WebhookChange
from tests.description import facts, operations
from tests.description.asking import HOST, Stage
from tests.description.holding import Plain, hold_made_up_requests, hold_the_plainest_request

_TASK = "/v2/actor-tasks/{actorTaskId}"
_SCHEDULE = "/v2/schedules/{scheduleId}"
_WEBHOOK = "/v2/webhooks/{webhookId}"
COVERED = [
    (method, path)
    for method, path in operations(
        "/v2/actor-tasks", "/v2/schedules", "/v2/webhooks", "/v2/webhook-dispatches", "/v2/users",
        "/v2/actors/{actorId}/webhooks",
    )
    if "/run" not in path
]  # fmt: skip
WEBHOOK: dict[str, Any] = {"eventTypes": ["ACTOR.RUN.SUCCEEDED"], "requestUrl": "https://example.com/hook"}
PLAIN: Plain = {
    ("put", _TASK): ({}, {"title": "Prices", "options": {"memoryMbytes": 256}}),
    ("put", f"{_TASK}/input"): ({}, {"shop": 2}),
    ("post", "/v2/schedules"): ({}, {"cronExpression": "@hourly", "isEnabled": True, "isExclusive": False}),
    ("put", _SCHEDULE): ({}, {"title": "Nightly"}),
    ("put", _WEBHOOK): ({}, {"description": "Mine"}),
    ("put", "/v2/users/me/limits"): ({}, {}),
    ("get", "/v2/users/me/usage/monthly"): ({"date": "2026-08-01"}, None),
}
TAKEN = {"name": "taken"}
_USER = "/v2/users/{userId}"
# What we answer and the description does not have, each with the reason why; the request that is answered so.
DIFFERENCES: dict[str, tuple[int, str, str, Any]] = {
    "a schedule's name that is taken, as the description has it of a new schedule": (409, "put", _SCHEDULE, TAKEN),
    "a token that is none, which is never taken for nobody's": (401, "get", f"{_USER}?token=none", None),
}

pytestmark = pytest.mark.django_db


@pytest.fixture
def stage(ada, cleo, token_of, make_resource) -> Stage:
    """Return a task, a schedule of both it and its Actor, and a webhook that has been sent, all of ada's."""
    by = ada.principal
    actor = make_resource(Kind.ACTOR, ada, name="finder")
    options = SavedOptions(build="latest", timeout_secs=60, memory_mbytes=256, max_items=7, restart_on_error=True)
    task = tasks.create(
        ada.pk,
        actor,
        tasks.TaskChange(
            name="prices",
            input='{"shop": 1}',
            options=options,
            standby={"build": "latest", "memoryMbytes": 256},
            public_config={"example": {"a": 1}},
        ),
        by=by,
    )
    schedule = schedules.create(
        ada.pk,
        schedules.ScheduleChange(
            name="nightly",
            is_enabled=True,
            actions=[
                RunActor(actor.pk, run_input=RunInput('{"a": 1}', "application/json"), run_options=options),
                RunActorTask(task.pk, input={"b": 2}),
            ],
        ),
        by=by,
    )
    ScheduleInvocation.objects.create(schedule=schedule, message="Started.")
    wanted = WebhookChange(
        event_types=WEBHOOK["eventTypes"],
        request_url=WEBHOOK["requestUrl"],
        condition=Condition(task_id=task.pk),
        payload_template='{"resource": {{resource}}}',
    )
    webhook, _ = webhooks.create(ada.pk, wanted, by=by)
    webhooks.create(ada.pk, WebhookChange(**{**_fields(wanted), "condition": Condition(actor_id=actor.pk)}), by=by)
    called = {"startedAt": "2026-08-01T00:00:00.000Z", "finishedAt": "2026-08-01T00:00:01.000Z"}
    sent = webhooks.try_out(webhook)
    sent.status, sent.finished_at = "SUCCEEDED", timezone.now()
    sent.calls = json.dumps([{**called, "errorMessage": None, "responseStatus": 200, "responseBody": "ok"}])
    sent.save()
    return Stage(
        {"nobody": None, "a stranger": token_of(cleo), "the owner": token_of(ada)},
        ids={
            "actorId": actor.pk,
            "actorTaskId": task.pk,
            "scheduleId": schedule.pk,
            "webhookId": webhook.pk,
            "dispatchId": sent.pk,
            "userId": ada.pk,
        },
        names={"actorId": "ada~finder", "actorTaskId": "ada~prices", "scheduleId": "ada~nightly", "userId": "ada"},
        body={
            "webhookId": WEBHOOK | {"condition": {"actorId": actor.pk}},
            "scheduleId": {"cronExpression": "@daily", "timezone": "UTC", "actions": [], "name": "daily"},
            "actorTaskId": {"actId": actor.pk, "name": "costs"},
        },
    )


def _fields(change: WebhookChange) -> dict[str, Any]:
    return {name: getattr(change, name) for name in change.__slots__}


def besides(method: str, path: str) -> set[int]:
    """Return the statuses by which an operation differs from the description."""
    listed = DIFFERENCES.values()
    return {status for status, its, url, _ in listed if (its, url.partition("?")[0]) == (method, path)}


@pytest.mark.parametrize(("method", "path"), COVERED, ids=lambda each: each)
def test_answers_are_those_of_the_description(stage, method, path):
    besides = {
        status for status, its, where, _ in DIFFERENCES.values() if (its, where.partition("?")[0]) == (method, path)
    }
    hold_made_up_requests(stage, method, path, besides=besides)


@pytest.mark.parametrize(("method", "path"), COVERED, ids=lambda each: each)
def test_the_plainest_request_succeeds(stage, method, path):
    actor_id = Actor.objects.get().pk
    of_actor = {
        ("post", "/v2/actor-tasks"): ({}, {"actId": actor_id, "name": "other"}),
        ("post", "/v2/webhooks"): ({}, WEBHOOK | {"condition": {"actorId": actor_id}}),
    }
    query, body = {**PLAIN, **of_actor}.get((method, path), ({}, None))
    hold_the_plainest_request(stage, method, path, query, body)


def test_a_webhook_that_was_never_sent_is_described_too(stage):
    Webhook.objects.all()[0].dispatches.all().delete()
    hold_the_plainest_request(stage, "get", "/v2/webhooks", {}, None)
    hold_the_plainest_request(stage, "get", _WEBHOOK, {}, None)


@pytest.mark.parametrize("reason", DIFFERENCES)
def test_a_difference_is_wanted_and_the_description_still_has_none(stage, ada, make_resource, reason):
    make_resource(Kind.SCHEDULE, ada, name="taken")
    status, method, path, body = DIFFERENCES[reason]
    headers = {"Content-Type": "application/json"}
    url = HOST + path.format(**stage.ids)
    sent = {"method": method.upper(), "url": url, "headers": headers, "data": json.dumps(body)}
    assert stage.ask(sent, "nobody" if "token=" in path else "the owner").status_code == status
    assert str(status) not in facts()["paths"][path.partition("?")[0]][method]["responses"]
