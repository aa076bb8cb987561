"""Every public method of the JavaScript client, unchanged; see test_javascript.py for what it needs."""

import os
import subprocess

import pytest

from tests.clients.test_javascript import HERE, NODE, NODE_MODULES
from tests.clients.test_javascript_runs import counting_or_holding
from tests.run_stage import built_actor, worker


@pytest.mark.skipif(NODE is None, reason="Node is not installed.")
@pytest.mark.skipif(not (NODE_MODULES / "apify-client").is_dir(), reason="The JavaScript client is not installed.")
def test_every_method(cast, live_server, token_of, builder):
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
            [str(NODE), HERE / "every_method.mjs"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "completeness"
