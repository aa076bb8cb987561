"""How the JavaScript client is driven, where Node and the package are there: LATCHKEY_NODE_MODULES says where."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.support.machine import needs

HERE = Path(__file__).parent
NODE = shutil.which("node")
NODE_MODULES = Path(os.environ.get("LATCHKEY_NODE_MODULES") or HERE / "node_modules")

needs_javascript = needs(
    NODE is not None and (NODE_MODULES / "apify-client").is_dir(),
    "There is no JavaScript client: install Node and apify-client, and set LATCHKEY_NODE_MODULES.",
)
_PROGRAMS = ("apify", "apify-cli", "crawlee")
needs_programs_of_apify = needs(
    NODE is not None and all((NODE_MODULES / each).is_dir() for each in _PROGRAMS),
    f"Not installed for Node: {', '.join(_PROGRAMS)}; LATCHKEY_NODE_MODULES says where they are.",
)


def run_script(name: str, url: str, *, ada: str, cleo: str = "", told: str = "", last: str = "delete") -> None:
    """Run a script of this directory against a server, with two tokens; its last printed word must be `last`.

    `told` is what it finds in TOLD, for it to read as JSON.
    """
    told_by_us = {"API_URL": url, "ADA": ada, "CLEO": cleo, "TOLD": told}
    environment = {**os.environ, "NODE_MODULES": str(NODE_MODULES.resolve()), **told_by_us}
    done = subprocess.run(
        [str(NODE), HERE / name], env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.split()[-1] == last
