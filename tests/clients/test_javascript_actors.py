"""The JavaScript client, unchanged, with Actors, builds and the Store; see test_javascript.py for what it needs."""

import os
import subprocess

import pytest

from tests.clients.test_javascript import HERE, NODE, NODE_MODULES


@pytest.mark.skipif(NODE is None, reason="Node is not installed.")
@pytest.mark.skipif(not (NODE_MODULES / "apify-client").is_dir(), reason="The JavaScript client is not installed.")
def test_actors(cast, live_server, token_of, builder):
    environment = {
        **os.environ,
        "NODE_MODULES": str(NODE_MODULES.resolve()),
        "API_URL": live_server.url,
        "ADA": token_of(cast["ada"]),
        "CLEO": token_of(cast["cleo"]),
    }
    done = subprocess.run(
        [str(NODE), HERE / "actors.mjs"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "delete"
