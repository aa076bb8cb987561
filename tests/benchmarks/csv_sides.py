"""CSV by us and by pyarrow, in a process of its own: prints the seconds as one JSON object."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import django
import pyarrow
import pyarrow.csv
import pyarrow.json

django.setup()

from django.core.management import call_command  # noqa: E402

from accounts.models import Account  # noqa: E402
from resources.datasets.options import ItemsOptions  # noqa: E402
from resources.datasets.reading import open_items  # noqa: E402
from resources.datasets.writing import push  # noqa: E402
from resources.models import Dataset  # noqa: E402

ROUNDS = 5


def main(payloads: str) -> dict[str, object]:
    """Take the items in, and make a CSV of them in every way."""
    call_command("migrate", verbosity=0)
    owner = Account.objects.create_user("bench", "bench@example.com", None)
    dataset = Dataset.objects.create(owner=owner)
    with Path(payloads).open("rb") as batches:
        for batch in batches:
            push(dataset.pk, batch)
    lines = pyarrow.py_buffer(_items(dataset, "jsonl"))
    read = pyarrow.json.read_json(pyarrow.BufferReader(lines))
    written = _pyarrow(read)
    ours = _items(dataset, "csv")
    assert ours.count(b"\n") == written.count(b"\n") == read.num_rows + 1
    ways: dict[str, Callable[[], object]] = {
        "Latchkey, from what is stored": lambda: _drain(dataset, "csv"),
        "pyarrow, from lines of JSON": lambda: _pyarrow(pyarrow.json.read_json(pyarrow.BufferReader(lines))),
        "pyarrow, from a table that it has": lambda: _pyarrow(read),
    }
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            times[name].append(_timed(way))
    best = {name: [min(each) for each in zip(*found, strict=True)] for name, found in times.items()}
    return {"rows": read.num_rows, "rounds": ROUNDS, "seconds": best}


def _items(dataset: Dataset, format_: str) -> bytes:
    body = open_items(dataset.pk, ItemsOptions(format=format_)).body
    return body if isinstance(body, bytes) else b"".join(body)


def _drain(dataset: Dataset, format_: str) -> int:
    body = open_items(dataset.pk, ItemsOptions(format=format_)).body
    return len(body) if isinstance(body, bytes) else sum(map(len, body))


def _pyarrow(items: pyarrow.Table) -> bytes:
    out = pyarrow.BufferOutputStream()
    pyarrow.csv.write_csv(items, out)
    return bytes(out.getvalue())


def _timed(way: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds on the clock and of the processors."""
    clock, processor = time.perf_counter(), time.process_time()
    way()
    return time.perf_counter() - clock, time.process_time() - processor


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
