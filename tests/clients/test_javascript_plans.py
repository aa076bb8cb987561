"""The JavaScript client, unchanged, with tasks, schedules and webhooks; see test_javascript.py for what it needs."""

import os
import subprocess

import pytest

from tests.clients.test_javascript import HERE, NODE, NODE_MODULES
from tests.clients.test_python_runs import counting
from tests.run_stage import built_actor, worker


@pytest.mark.skipif(NODE is None, reason="Node is not installed.")
@pytest.mark.skipif(not (NODE_MODULES / "apify-client").is_dir(), reason="The JavaScript client is not installed.")
def test_plans(cast, live_server, token_of):
    built_actor(cast["ben"], is_public=True)
    environment = {
        **os.environ,
        "NODE_MODULES": str(NODE_MODULES.resolve()),
        "API_URL": live_server.url,
        "ADA": token_of(cast["ada"]),
        "CLEO": token_of(cast["cleo"]),
    }
    with worker(counting):
        done = subprocess.run(
            [str(NODE), HERE / "plans.mjs"], env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "delete"
