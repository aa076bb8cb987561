"""Our side of the benchmark of content, in processes of their own: each prints its figures as one JSON object.

Writing comes first, then reading in a new process, so that its memory is that of reading alone.
"""

import json
import resource
import sys
import time
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import django

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from accounts.models import Account  # noqa: E402
from resources.datasets.options import ItemsOptions  # noqa: E402
from resources.datasets.reading import open_items  # noqa: E402
from resources.datasets.writing import push  # noqa: E402
from resources.models import Dataset  # noqa: E402
from tests.benchmarks.content_data import BATCH, SCHEMA  # noqa: E402
from tests.benchmarks.timing import milliseconds  # noqa: E402

SINGLE_PUSHES = 500
ROUNDS_OF_BATCHES = 3


def write(payloads: str, *, durable: bool = True) -> dict[str, Any]:
    """Push everything, and return what it took: seconds, and bytes.

    Without `durable` SQLite need not bring a transaction to the disk before it has returned.
    """
    call_command("migrate", verbosity=0)
    if not durable:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous=NORMAL")
    owner = Account.objects.create_user("bench", "bench@example.com", None)
    dataset = Dataset.objects.create(owner=owner, name="bench")
    empty = _disk()
    processor = time.process_time()
    found: dict[str, Any] = {"push": _push_all(dataset.pk, payloads), "disk": _disk() - empty}
    found["push_cpu"] = time.process_time() - processor
    dataset.refresh_from_db()
    single = Dataset.objects.create(owner=owner)
    one = b'{"url":"https://shop.example.com/p/1","title":"One of many small pushes","price":1.5}'
    seconds, _ = _timed(lambda: [push(single.pk, one) for _ in range(SINGLE_PUSHES)])
    found |= _batches_by_schema(owner, payloads)
    return found | {
        "items": dataset.item_count,
        "single": seconds * 1000 / SINGLE_PUSHES,
        "chunks": single.chunks.count(),
    }


def read() -> dict[str, Any]:
    """Read it back in several ways, delete it, and return what it took: seconds, milliseconds of pages, and bytes."""
    dataset = Dataset.objects.get(name="bench")
    count = dataset.item_count

    def drain(**options: Any) -> int:
        body = open_items(dataset.pk, ItemsOptions(**options)).body
        return len(body) if isinstance(body, bytes) else sum(map(len, body))

    drain(limit=1)
    idle = _high_water()
    found: dict[str, Any] = {}
    found["stream"], found["bytes"] = _timed(lambda: drain())
    found["memory"] = _high_water() - idle
    found["read"], _ = _timed(lambda: [drain(offset=at, limit=BATCH) for at in range(0, count, BATCH)])
    starts = [count * at // 53 for at in range(2, 50)]
    found["page"] = milliseconds(lambda at: drain(offset=at, limit=BATCH), [(at,) for at in starts])
    found["small"] = milliseconds(lambda at: drain(offset=at, limit=20), [(at,) for at in starts])
    found["front"] = milliseconds(lambda: drain(limit=20), [()] * 50)
    found["csv"], _ = _timed(lambda: drain(format="csv"))
    found["delete"], _ = _timed(dataset.delete)
    return found


def _batches_by_schema(owner: Account, payloads: str) -> dict[str, float]:
    """Return the milliseconds of a push of 1,000 items without a schema and with one, which take turns batch by batch.

    Each is the median of a round, and the best of the rounds.
    """
    schemas = {"without": "", "with": json.dumps({"fields": SCHEMA})}
    rounds: dict[str, list[float]] = {name: [] for name in schemas}
    for _ in range(ROUNDS_OF_BATCHES):
        datasets = {name: Dataset.objects.create(owner=owner, schema=schema).pk for name, schema in schemas.items()}
        times: dict[str, list[float]] = {name: [] for name in schemas}
        with Path(payloads).open("rb") as lines:
            for line in islice(lines, 40):
                for name, dataset_id in datasets.items():
                    times[name].append(_timed(lambda id_=dataset_id, line=line: push(id_, line))[0])
        for name, found in times.items():
            rounds[name].append(median(found) * 1000)
        Dataset.objects.filter(pk__in=datasets.values()).delete()
    return {f"batch_{name}": min(found) for name, found in rounds.items()}


def _push_all(dataset_id: str, payloads: str) -> float:
    seconds = 0.0
    with Path(payloads).open("rb") as lines:
        for line in lines:
            seconds += _timed(lambda line=line: push(dataset_id, line))[0]
    return seconds


def _timed(call: Any) -> tuple[float, Any]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def _disk() -> int:
    """Return what the items take on disk, in bytes, with nothing left in a write-ahead log."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return Path(connection.settings_dict["NAME"]).stat().st_size
        cursor.execute("SELECT pg_total_relation_size('resources_datasetchunk')")
        size: int = cursor.fetchone()[0]
        return size


def _high_water() -> int:
    """Return the largest resident size that this process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    print(json.dumps(read() if sys.argv[1] == "read" else write(sys.argv[2], durable=sys.argv[1] == "write")))
