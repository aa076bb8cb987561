"""Eight processes work on one queue: nothing is handed to two of them, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.db import connection

from resources import storages
from resources.kinds import Kind
from resources.models import QueuedRequest, RequestQueue
from resources.request_queues import head, writing
from tests.support.queue_stage import ONE, request

SEEDS = 1500
OWN = len(range(0, SEEDS, 3))
SHARED = len({number // 30 for number in range(0, SEEDS, 3)})
WORKERS = 8
ROOT = Path(__file__).parents[3]


def start(queue: RequestQueue, name: str) -> subprocess.Popen:
    """Start a worker on the database of the test."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.queue_worker", str(connection.settings_dict["NAME"]), queue.pk, name],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def queue(transactional_db, ada, make_resource):
    made = make_resource(Kind.REQUEST_QUEUE, ada)
    seeds = [request(str(number), unique_key=f"page {number}") for number in range(SEEDS)]
    for first in range(0, SEEDS, 500):
        writing.add(made.pk, seeds[first : first + 500], client=ONE)
    return made


def test_eight_workers_are_handed_everything_once(ada, queue):
    doomed = start(queue, "doomed")
    assert doomed.wait(60) == -signal.SIGKILL
    assert QueuedRequest.objects.filter(lock_expires_at__isnull=False).count() == 10

    workers = [start(queue, f"worker {number}") for number in range(WORKERS)]
    handed = [json.loads(worker.communicate(timeout=300)[0]) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * WORKERS

    times = Counter(number for numbers in handed for number in numbers)
    expected = SEEDS + OWN + SHARED
    assert len(times) == expected
    assert set(times.values()) == {1}
    assert sum(1 for numbers in handed if numbers) > 1, "the work was not shared"
    kept = RequestQueue.objects.get(pk=queue.pk)
    assert (kept.total_count, kept.handled_count, kept.pending_count) == (expected, expected, 0)
    assert QueuedRequest.objects.filter(queue=queue, handled_at__isnull=False).count() == expected
    assert kept.write_count == 3 * expected + 10  # added, locked and handled; the doomed one has locked ten
    assert kept.stored_bytes == sum(QueuedRequest.objects.values_list("size", flat=True))
    assert kept.had_multiple_clients
    assert head.head(queue.pk, 1) == []


def test_a_queue_that_is_deleted_under_its_workers_leaves_nothing(ada, queue):
    """They find it gone, in whatever they are doing; nobody waits for somebody who waits for them."""
    workers = [start(queue, f"endless {number}") for number in range(4)]
    other = RequestQueue.objects.get(pk=queue.pk)
    while RequestQueue.objects.get(pk=queue.pk).handled_count == 0:
        assert all(worker.poll() is None for worker in workers)
    assert storages.delete(other, by=ada.principal)
    for worker in workers:
        worker.communicate(timeout=60)
    assert [worker.returncode for worker in workers] == [3] * 4
    assert not QueuedRequest.objects.exists()
