"""The JavaScript client, unchanged, with runs and logs; see test_javascript.py for what it needs."""

import os
import subprocess
import time

import pytest

from resources.jobs import JobStatus
from resources.models import KeyValueStore, Run
from resources.records.reading import find, open_record
from tests.clients.test_javascript import HERE, NODE, NODE_MODULES
from tests.clients.test_python_runs import counting
from tests.run_stage import built_actor, worker


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


@pytest.mark.skipif(NODE is None, reason="Node is not installed.")
@pytest.mark.skipif(not (NODE_MODULES / "apify-client").is_dir(), reason="The JavaScript client is not installed.")
def test_runs(cast, live_server, token_of):
    cast["ada"].general_access = "RESTRICTED"
    cast["ada"].save()
    built_actor(cast["ben"], is_public=True)
    environment = {
        **os.environ,
        "NODE_MODULES": str(NODE_MODULES.resolve()),
        "API_URL": live_server.url,
        "ADA": token_of(cast["ada"]),
        "CLEO": token_of(cast["cleo"]),
    }
    with worker(counting_or_holding):
        done = subprocess.run(
            [str(NODE), HERE / "runs.mjs"], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "delete"
