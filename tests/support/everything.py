"""An account that has one of everything, made by the API, and the answers about it."""

import base64
import json
from typing import Any
from urllib.parse import quote

from apify_client import _models as models
from django.test import Client
from django.utils import timezone
from pydantic import BaseModel

from accounts.models import Account
from resources.builds import ending
from resources.jobs.status import JobStatus
from resources.models import Actor, BuildContent, Run, ScheduleInvocation, WebhookDispatch
from tests.support.described_storages import WORKER, stored
from tests.support.run_stage import at_work, ended

Answers = list[tuple[type[BaseModel], Any]]

_MOMENT = "2026-01-01T00:00:00.000Z"
_COMMON = {
    "apifyMarginPercentage": 0,
    "createdAt": _MOMENT,
    "startedAt": _MOMENT,
    "notifiedAboutChangeAt": None,
    "notifiedAboutFutureChangeAt": None,
    "reasonForChange": None,
    "isPriceChangeNotificationSuppressed": False,
    "forceContainsSignificantPriceChange": False,
}
_EVENT = {"eventTitle": "Page", "eventDescription": "A page.", "isPrimaryEvent": True, "isOneTimeEvent": False}
_EVENTS = {
    "page": _EVENT | {"eventPriceUsd": 0.1},
    "tiered": _EVENT | {"eventTieredPricingUsd": {"FREE": {"tieredEventPriceUsd": 0.1}}},
}
_UNITS = {"unitName": "result", "pricePerUnitUsd": 0.1, "tieredPricing": {"FREE": {"tieredPricePerUnitUsd": 0.1}}}
_PRICES = [
    _COMMON | {"pricingModel": "FREE"},
    _COMMON | {"pricingModel": "FLAT_PRICE_PER_MONTH", "trialMinutes": 60, "pricePerUnitUsd": 1},
    _COMMON | {"pricingModel": "PRICE_PER_DATASET_ITEM"} | _UNITS,
    _COMMON
    | {"pricingModel": "PAY_PER_EVENT", "minimalMaxTotalChargeUsd": 0.5, "startedAt": "2026-02-01T00:00:00.000Z"}
    | {"pricingPerEvent": {"actorChargeEvents": _EVENTS}},
]
_OPTIONS = {"build": "latest", "timeoutSecs": 60, "memoryMbytes": 256, "maxItems": 7, "restartOnError": True}
_STANDBY = {
    "isEnabled": False,
    "build": "latest",
    "memoryMbytes": 256,
    "idleTimeoutSecs": 60,
    "disableStandbyFieldsOverride": False,
    "maxRequestsPerActorRun": 4,
    "desiredRequestsPerActorRun": 3,
    "shouldPassActorInput": False,
}
_INPUT = {"body": "{}", "contentType": "application/json"}
_FILES = [{"name": "src", "folder": True}, {"name": "src/main.py", "format": "TEXT", "content": "print(1)"}]
_ACTOR = {
    "name": "counter",
    "title": "Counter",
    "description": "It counts.",
    "categories": ["AI"],
    "seoTitle": "Counter",
    "seoDescription": "It counts.",
    "exampleRunInput": _INPUT,
    "actorStandby": _STANDBY,
    "defaultRunOptions": _OPTIONS,
    "pricingInfos": _PRICES,
    "versions": [
        {"versionNumber": "0.1", "buildTag": "latest", "sourceType": "SOURCE_FILES", "sourceFiles": _FILES},
        {"versionNumber": "0.2", "buildTag": "git", "sourceType": "GIT_REPO", "gitRepoUrl": "https://example.com/a"},
        {"versionNumber": "0.3", "sourceType": "TARBALL", "tarballUrl": "https://example.com/a.tgz"},
        {"versionNumber": "0.4", "sourceType": "GITHUB_GIST", "gitHubGistUrl": "https://gist.example.com/a"},
    ],
}
_DEFINITION = {
    "actorSpecification": 1,
    "name": "counter",
    "title": "Counter",
    "description": "It counts.",
    "version": "0.1",
    "buildTag": "latest",
    "environmentVariables": {"A": "1"},
    "dockerfile": "./Dockerfile",
    "dockerContextDir": ".",
    "readme": "./README.md",
    "input": {"type": "object", "properties": {}},
    "changelog": "./CHANGELOG.md",
    "storages": {"dataset": {"actorSpecification": 1}, "datasets": {}, "keyValueStore": {}},
    "minMemoryMbytes": 128,
    "maxMemoryMbytes": 512,
    "defaultMemoryMbytes": 256,
    "usesStandbyMode": False,
    "output": {},
    "meta": {"templateId": "python", "generatedBy": "a template"},
}
_PUBLIC_CONFIG = {
    "seoTitle": "Count",
    "seoDescription": "It counts.",
    "inputSchemaFields": ["a"],
    "datasetName": "counts",
    "datasetView": "overview",
}
_HOOK = {"eventTypes": ["ACTOR.RUN.SUCCEEDED"], "requestUrl": "https://example.com/hook"}
_TASK_OPTIONS = _OPTIONS | {"maxTotalChargeUsd": 1.5}
_SCHEDULE = {"name": "nightly", "cronExpression": "@daily", "isEnabled": True, "isExclusive": False}
_STORAGES = (("datasets", "datasetId"), ("key-value-stores", "storeId"), ("request-queues", "queueId"))
_PAGE = "https://example.com/"


class _Asker:
    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, path: str, method: str = "get", body: Any = None, *, status: int = 0) -> Any:
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(self._client, method)(f"/v2/{path}", **sent)
        assert answer.status_code == status or (not status and answer.status_code < 300), (method, path, answer.content)
        return json.loads(answer.content) if answer.content else None

    def make(self, path: str, body: Any = None) -> str:
        """POST something, and return the ID of what has been made."""
        made: str = self(path, "post", body)["data"]["id"]
        return made


def answers(client: Client, owner: Account) -> Answers:
    """Return what the API answers about an account that has one of everything, with the models of the client for it."""
    ask = _Asker(client)
    return [*_of_jobs(ask, _make_actor(ask)), *_of_account(ask, owner)]


def _make_actor(ask: _Asker) -> list[str]:
    """Make an Actor with two builds, and return their IDs."""
    actor = ask.make("actors", _ACTOR)
    url = f"actors/{actor}"
    ask(f"{url}/versions/0.1/env-vars", "post", {"name": "A", "value": "1"})
    builds = [ask.make(f"{url}/builds?version={number}") for number in ("0.1", "0.2")]
    BuildContent.objects.filter(build_id=builds[0]).update(definition=json.dumps(_DEFINITION), readme="# Counter")
    for build in builds:
        ending.finish(build, JobStatus.SUCCEEDED, exit_code=0)
    Actor.objects.update(is_public=True)
    return builds


def _of_actors(ask: _Asker, builds: list[str]) -> Answers:
    url = f"actors/{Actor.objects.get().pk}"
    return [
        (models.ActorResponse, ask(url)),
        (models.ListOfActorsResponse, ask("actors?my=1")),
        (models.ListOfStoreActorsResponse, ask("store")),
        (models.VersionResponse, ask(f"{url}/versions/0.1")),
        (models.ListOfVersionsResponse, ask(f"{url}/versions")),
        (models.EnvVarResponse, ask(f"{url}/versions/0.1/env-vars/A")),
        (models.ListOfEnvVarsResponse, ask(f"{url}/versions/0.1/env-vars")),
        *((models.BuildResponse, ask(f"actor-builds/{build}")) for build in builds),
        (models.ListOfBuildsResponse, ask("actor-builds")),
    ]


def _of_jobs(ask: _Asker, builds: list[str]) -> Answers:
    actor = Actor.objects.get()
    task = ask.make("actor-tasks", {"actId": actor.pk, "name": "mine", "input": {"a": 1}, "options": _TASK_OPTIONS})
    ask(f"actor-tasks/{task}", "put", {"title": "Mine", "actorStandby": _STANDBY, "publicConfig": _PUBLIC_CONFIG})
    hooks = [ask.make("webhooks", _HOOK | {"condition": {"actorTaskId": task}})]
    hooks.append(ask.make("webhooks", _HOOK | {"condition": {"actorId": actor.pk}}))
    by_task = ask.make(f"actor-tasks/{task}/runs", {})
    run = ask.make(f"actors/{actor.pk}/runs?webhooks={_encoded([_HOOK])}", {"a": 1})
    Run.objects.filter(pk=run).update(schedule_id="schedule", scheduled_at=timezone.now())
    ask(f"actor-runs/{at_work(run).pk}/charge", "post", {"eventName": "page", "count": 2})
    metamorph = {"createdAt": _MOMENT, "actorId": actor.pk, "buildId": builds[0], "inputKey": "INPUT-METAMORPH-1"}
    for each in (run, by_task):
        ended(at_work(each, metamorphs=[metamorph]))
    actions = [
        {"type": "RUN_ACTOR", "actorId": actor.pk, "runInput": _INPUT, "runOptions": _OPTIONS},
        {"type": "RUN_ACTOR_TASK", "actorTaskId": task, "input": {}},
    ]
    schedule = ask.make("schedules", _SCHEDULE | {"actions": actions})
    ScheduleInvocation.objects.create(schedule_id=schedule, message="Started.")
    call = {
        "startedAt": _MOMENT,
        "finishedAt": _MOMENT,
        "errorMessage": None,
        "responseStatus": 200,
        "responseBody": "",
    }
    WebhookDispatch.objects.update(calls=json.dumps([call]))
    dispatches = ask("webhook-dispatches")
    built_hook = {"eventTypes": ["ACTOR.BUILD.SUCCEEDED"], "condition": {"actorId": actor.pk}}
    ask.make("webhooks", _HOOK | built_hook)
    ending.finish(ask.make(f"actors/{actor.pk}/builds?version=0.1"), JobStatus.SUCCEEDED, exit_code=0)
    return [
        (models.TaskResponse, ask(f"actor-tasks/{task}")),
        (models.ListOfTasksResponse, ask("actor-tasks")),
        (models.RunResponse, ask(f"actor-runs/{run}")),
        (models.RunResponse, ask(f"actor-runs/{by_task}")),
        (models.ListOfRunsResponse, ask("actor-runs")),
        *((models.WebhookResponse, ask(f"webhooks/{hook}")) for hook in hooks),
        (models.ListOfWebhooksResponse, ask("webhooks")),
        (models.ListOfWebhookDispatchesResponse, ask("webhook-dispatches")),
        (models.WebhookDispatchResponse, ask(f"webhook-dispatches/{dispatches['data']['items'][0]['id']}")),
        (models.ScheduleResponse, ask(f"schedules/{schedule}")),
        (models.ListOfSchedulesResponse, ask("schedules")),
        (models.ScheduleLogResponse, ask(f"schedules/{schedule}/log")),
        *_of_storages(ask, Run.objects.get(pk=run)),
        *_of_actors(ask, builds),
    ]


def _of_storages(ask: _Asker, run: Run) -> Answers:
    ids = stored(run).ids
    dataset, store, queue = (f"{name}/{ids[id_]}" for name, id_ in _STORAGES)
    return [
        (models.DatasetResponse, ask(dataset)),
        (models.ListOfDatasetsResponse, ask("datasets?unnamed=1")),
        (models.DatasetStatisticsResponse, ask(f"{dataset}/statistics")),
        (models.KeyValueStoreResponse, ask(store)),
        (models.ListOfKeyValueStoresResponse, ask("key-value-stores?unnamed=1")),
        (models.ListOfKeysResponse, ask(f"{store}/keys")),
        (models.RequestQueueResponse, ask(queue)),
        (models.ListOfRequestQueuesResponse, ask("request-queues?unnamed=1")),
        *_of_requests(ask, queue),
        *_of_a_schema(ask),
    ]


def _of_a_schema(ask: _Asker) -> Answers:
    fields = {"type": "object", "properties": {"price": {"type": "number"}}, "required": ["price"]}
    dataset = f"datasets/{ask.make('datasets', {'schema': {'actorSpecification': 1, 'fields': fields}})}"
    ask(f"{dataset}/items", "post", [{"price": 1}])
    return [
        (models.DatasetResponse, ask(dataset)),
        (models.DatasetStatisticsResponse, ask(f"{dataset}/statistics")),
        (models.PutItemsErrorResponse, ask(f"{dataset}/items", "post", [{"price": "1"}], status=400)),
        (models.ErrorResponse, ask("datasets/none", status=404)),
    ]


def _of_requests(ask: _Asker, queue: str) -> Answers:
    handled = {"url": _PAGE, "uniqueKey": _PAGE, "method": "POST", "payload": "a", "retryCount": 1, "loadedUrl": _PAGE}
    handled |= {"errorMessages": ["late"], "noRetry": True, "headers": {}, "userData": {"__crawlee": {"state": 1}}}
    added = ask(f"{queue}/requests", "post", handled)
    request = f"{queue}/requests/{added['data']['requestId']}"
    updated = ask(request, "put", handled | {"id": added["data"]["requestId"], "handledAt": _MOMENT})
    others = [{"url": f"{_PAGE}{n}", "uniqueKey": f"{_PAGE}{n}", "method": "GET"} for n in range(3)]
    batch = ask(f"{queue}/requests/batch", "post", others)
    locked = ask(f"{queue}/head/lock?lockSecs=9&limit=1&clientKey={WORKER}", "post")
    first = locked["data"]["items"][0]["id"]
    page = ask(f"{queue}/requests?limit=1")
    return [
        (models.AddRequestResponse, added),
        (models.UpdateRequestResponse, updated),
        (models.RequestResponse, ask(request)),
        (models.BatchAddResponse, batch),
        (models.RequestQueueHeadResponse, ask(f"{queue}/head")),
        (models.ListOfRequestsResponse, page),
        (models.ListOfRequestsResponse, ask(f"{queue}/requests?exclusiveStartId=a")),
        (models.ListOfRequestsResponse, ask(f"{queue}/requests?cursor={page['data']['nextCursor']}")),
        (models.LockedRequestQueueHeadResponse, locked),
        (models.ProlongRequestLockResponse, ask(f"{queue}/requests/{first}/lock?lockSecs=9&clientKey={WORKER}", "put")),
        (models.UnlockRequestsResponse, ask(f"{queue}/requests/unlock", "post")),
        (models.BatchDeleteResponse, ask(f"{queue}/requests/batch", "delete", [{"uniqueKey": _PAGE}, {"id": "a"}])),
    ]


def _of_account(ask: _Asker, owner: Account) -> Answers:
    return [
        (models.UserPrivateInfoResponse, ask("users/me")),
        (models.UserPublicInfoResponse, ask(f"users/{owner.username}")),
        (models.AccountLimitsResponse, ask("users/me/limits")),
        (models.MonthlyUsageResponse, ask("users/me/usage/monthly")),
    ]


def _encoded(value: Any) -> str:
    return quote(base64.b64encode(json.dumps(value).encode()).decode())
