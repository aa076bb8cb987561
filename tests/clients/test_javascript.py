"""The JavaScript client, unchanged, where Node and the package are there: LATCHKEY_NODE_MODULES says where."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NODE = shutil.which("node")
NODE_MODULES = Path(os.environ.get("LATCHKEY_NODE_MODULES") or HERE / "node_modules")


@pytest.mark.skipif(NODE is None, reason="Node is not installed.")
@pytest.mark.skipif(
    not (NODE_MODULES / "apify-client").is_dir(),
    reason="The JavaScript client is not installed: run `npm install apify-client` and set LATCHKEY_NODE_MODULES.",
)
def test_datasets_and_users(cast, live_server, token_of):
    environment = {
        **os.environ,
        "NODE_MODULES": str(NODE_MODULES.resolve()),
        "API_URL": live_server.url,
        "ADA": token_of(cast["ada"]),
        "CLEO": token_of(cast["cleo"]),
    }
    done = subprocess.run(
        [str(NODE), HERE / "datasets.mjs"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == "delete"
