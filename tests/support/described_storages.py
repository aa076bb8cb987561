"""The storages of a run as the OpenAPI description is held to them, and the plainest requests of their operations."""

from datetime import timedelta
from typing import Any

from resources.datasets.writing import push
from resources.models import Dataset, KeyValueStore, RequestQueue, Run
from resources.records.writing import write
from resources.request_queues import head, writing
from resources.request_queues.clients import Client as QueueClient
from resources.request_queues.identity import request_id
from tests.description.asking import Stage
from tests.support.queue_stage import request

WORKER = "worker"
REQUEST = "https://example.com/a"
NEW = {"url": "https://example.com/new", "uniqueKey": "https://example.com/new", "method": "GET"}
# What an operation must be sent to succeed, by its method and the end of its path: a query and a body.
PLAIN: dict[str, tuple[dict[str, Any], Any]] = {
    "put /dataset": ({}, {"title": "Prices"}),
    "put /key-value-store": ({}, {"title": "Pictures"}),
    "put /request-queue": ({}, {"title": "Pages"}),
    "put Id}": ({}, {"title": "Any"}),
    "post /items": ({}, [{"n": 3}]),
    "put /records/{recordKey}": ({}, {"a": 2}),
    "post /records/{recordKey}": ({}, {"a": 2}),
    "post /requests": ({}, NEW),
    "post /requests/batch": ({}, [NEW]),
    "delete /requests/batch": ({}, [{"uniqueKey": "https://example.com/b"}]),
    "put /requests/{requestId}": ({}, {"url": REQUEST, "uniqueKey": REQUEST, "method": "GET"}),
    "post /head/lock": ({"lockSecs": 9, "clientKey": WORKER}, None),
    "put /lock": ({"lockSecs": 9, "clientKey": WORKER}, None),
    "delete /lock": ({"clientKey": WORKER}, None),
    "delete /requests/{requestId}": ({"clientKey": WORKER}, None),
}


def stored(run: Run) -> Stage:
    """Put something into the storages of a run, and return what is there, for a stage on which nobody is yet."""
    dataset, store, queue = (model.objects.get(run=run) for model in (Dataset, KeyValueStore, RequestQueue))
    push(dataset.pk, b'[{"n": 1, "text": "one"}, {"n": null, "#hidden": [1, {"a": 2}]}]')
    write(store.pk, "INPUT", [b'{"a": 1}'], content_type="application/json", content_encoding="")
    worker = QueueClient(run.owner_id, WORKER)
    writing.add(queue.pk, [request(path) for path in ("a", "b")], client=worker, forefront=False)
    head.lock_head(queue.pk, 1, timedelta(minutes=5), client=worker)
    return Stage(
        {},
        ids={"datasetId": dataset.pk, "storeId": store.pk, "queueId": queue.pk}
        | {"runId": run.pk, "recordKey": "INPUT", "requestId": request_id(REQUEST)},
        query={"clientKey": WORKER, "forefront": "true"},
        body={"requestId": {"uniqueKey": REQUEST, "url": REQUEST, "method": "GET", "handledAt": None, "retryCount": 0}},
    )


def plainest_of_storages(method: str, path: str) -> tuple[dict[str, Any], Any]:
    """Return the query and the body of the plainest request of an operation that is to succeed."""
    ends = [end for end in PLAIN if end.startswith(f"{method} ") and path.endswith(end.split(" ")[1])]
    return PLAIN[max(ends, key=len)] if ends else ({}, None)
