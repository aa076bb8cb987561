"""The JavaScript client, unchanged, with key-value stores; see test_javascript.py for what it needs.

It sends streams without a length, so it talks to the real server.
"""

import os
import subprocess

import pytest

from tests.clients.test_javascript import HERE, NODE, NODE_MODULES
from tests.served import served


@pytest.mark.skipif(NODE is None, reason="Node is not installed.")
@pytest.mark.skipif(not (NODE_MODULES / "apify-client").is_dir(), reason="The JavaScript client is not installed.")
def test_key_value_stores(tmp_path):
    with served(tmp_path, ("ada", "cleo")) as server:
        environment = {
            **os.environ,
            "NODE_MODULES": str(NODE_MODULES.resolve()),
            "API_URL": server.url,
            "ADA": server.tokens["ada"],
            "CLEO": server.tokens["cleo"],
        }
        done = subprocess.run(
            [str(NODE), HERE / "key_value_stores.mjs"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "delete"
