"""The JavaScript client, unchanged, with runs and logs; see javascript.py for what it needs."""

import time

from resources.jobs.status import JobStatus
from resources.models import KeyValueStore, Run
from resources.records.reading import find, open_record
from tests.clients.javascript import needs_javascript, run_script
from tests.clients.test_python_runs import counting
from tests.support.run_stage import built_actor, worker


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


@needs_javascript
def test_runs(cast, live_server, token_of):
    cast["ada"].general_access = "RESTRICTED"
    cast["ada"].save()
    built_actor(cast["ben"], is_public=True)
    with worker(counting_or_holding):
        run_script("runs.mjs", live_server.url, ada=token_of(cast["ada"]), cleo=token_of(cast["cleo"]))
