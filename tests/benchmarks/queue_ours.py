"""Our side of the benchmark of queues, in a process of its own: prints its figures as one JSON object.

Requests come as the JSON text of an API call, so reading and checking them is part of what is measured.
"""

import json
import sys
import time
from datetime import timedelta

import django

django.setup()

import msgspec  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import Account  # noqa: E402
from console.api.request_queues.serializers import RequestBody  # noqa: E402
from resources.models import RequestQueue  # noqa: E402
from resources.request_queues import head, writing  # noqa: E402
from resources.request_queues.clients import Client  # noqa: E402
from tests.benchmarks.queue_plan import BATCH, url_of, user_data_of  # noqa: E402

CLIENT = Client("bench", "bench")
LOCK = timedelta(minutes=5)
_decode_batch = msgspec.json.Decoder(list[RequestBody]).decode
_decode_one = msgspec.json.Decoder(RequestBody).decode


def main(count: int, durable: bool) -> dict[str, float]:
    """Add, fetch and handle, and return how many of each there were in a second.

    Without `durable` SQLite need not bring a transaction to the disk before it has returned.
    """
    call_command("migrate", verbosity=0)
    if not durable:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
    owner = Account.objects.create_user("bench", "bench@example.com", None)
    batched, single = (RequestQueue.objects.create(owner=owner).pk for _ in range(2))
    singles = count // 5
    found = {
        "add_batch": count / _add_batches(batched, count),
        "add_one": singles / _add_one_by_one(single, singles),
        "fetch_and_handle": count / _work(batched, count),
    }
    kept = RequestQueue.objects.get(pk=batched)
    assert (kept.total_count, kept.handled_count) == (count, count)
    return found


def _body(number: int, **more: str) -> dict[str, object]:
    url = url_of(number)
    return {"url": url, "uniqueKey": url, "method": "GET", "userData": user_data_of(number), **more}


def _add_batches(queue_id: str, count: int) -> float:
    texts = [
        json.dumps([_body(number) for number in range(first, first + BATCH)]).encode()
        for first in range(0, count, BATCH)
    ]
    start = time.perf_counter()
    for text in texts:
        writing.add(queue_id, [each.checked() for each in _decode_batch(text)], client=CLIENT)
    return time.perf_counter() - start


def _add_one_by_one(queue_id: str, count: int) -> float:
    texts = [json.dumps(_body(number)).encode() for number in range(count)]
    start = time.perf_counter()
    for text in texts:
        writing.add(queue_id, [_decode_one(text).checked()], client=CLIENT)
    return time.perf_counter() - start


def _work(queue_id: str, count: int) -> float:
    texts = {
        url_of(number): json.dumps(_body(number, handledAt="2026-08-01T12:00:00.000Z")).encode()
        for number in range(count)
    }
    start = time.perf_counter()
    while taken := head.lock_head(queue_id, BATCH, LOCK, client=CLIENT).requests:
        for request in taken:
            handled = _decode_one(texts[request.url]).checked()
            writing.replace(queue_id, request.id, handled, client=CLIENT)
    return time.perf_counter() - start


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), durable=sys.argv[2] == "durable")))
