"""What the Actor of the clients' tests does in a run, in place of a worker."""

import time

from resources.datasets.writing import push
from resources.jobs.status import JobStatus
from resources.logs.writing import append
from resources.models import Dataset, KeyValueStore, Run
from resources.records import writing
from resources.records.reading import find, open_record


def counting(run: Run) -> None:
    """Do what a small Actor does."""
    append(run.pk, b"2026-01-01T00:00:00.000Z counting\n")
    push(Dataset.objects.get(run_id=run.pk).pk, b'[{"n": 1}, {"n": 2}]')
    store = KeyValueStore.objects.get(run_id=run.pk)
    writing.write(store.pk, "OUTPUT", [b'{"sum": 3}'], content_type="application/json")


def counting_or_holding(run: Run) -> None:
    """Count, or go on until somebody aborts the run or half a minute is over, as its input says."""
    record = find(KeyValueStore.objects.get(run_id=run.pk).pk, "INPUT")
    assert record is not None
    with open_record(record) as file:
        if b"hold" not in file.read():
            return counting(run)
    deadline = time.monotonic() + 30  # where a test fails, nobody aborts it
    while Run.objects.filter(pk=run.pk, status=JobStatus.RUNNING).exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return None
