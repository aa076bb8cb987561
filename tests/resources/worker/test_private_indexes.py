"""Installing from private indexes: pip and npm reach those that RUN_NETWORK_ALLOW names."""

import base64
import hashlib
import io
import json
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.runs import starting as runs
from resources.worker import execute_run
from tests.support.machine import needs_programs
from tests.support.work_stage import actor_of, built, needs_bubblewrap, wheel

pytestmark = [pytest.mark.django_db, needs_bubblewrap]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def index(tmp_path, settings):
    """A server of files on loopback, which is allowed: its directory and address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    address = f"127.0.0.1:{server.server_address[1]}"
    settings.RUN_NETWORK_ALLOW = [address]
    yield tmp_path, address
    server.shutdown()
    server.server_close()


def log_of_run(ada, files: dict[str, str]) -> str:
    actor = actor_of(ada, files)
    build = built(actor)
    assert build.status == JobStatus.SUCCEEDED, read_text(build.pk)
    run = runs.start(actor, by=ada.principal)
    execute_run.execute(run.pk)
    return read_text(run.pk)


def test_pip_installs_from_an_index_that_is_allowed(ada, index):
    directory, address = index
    file = directory / "simple/greeting/greeting-1.0-py3-none-any.whl"
    file.parent.mkdir(parents=True)
    file.write_bytes(base64.b64decode(wheel()))
    files = {
        "main.py": "import greeting\nprint(greeting.HELLO)",
        "requirements.txt": f"--index-url http://{address}/simple/\ngreeting==1.0\n",
    }
    assert " hello from a wheel\n" in log_of_run(ada, files)


@needs_programs("npm")
def test_npm_installs_from_a_registry_that_is_allowed(ada, index):
    directory, address = index
    (directory / "beside.tgz").write_bytes(packed := package())
    dist = {"tarball": f"http://{address}/beside.tgz", "shasum": hashlib.sha1(packed).hexdigest()}
    version = {"name": "beside", "version": "1.0.0", "dist": dist}
    about = {"name": "beside", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
    Path(directory / "beside").write_text(json.dumps(about))
    files = {
        "main.js": "console.log(require('beside'))",
        "package.json": json.dumps({"dependencies": {"beside": "1.0.0"}}),
        ".npmrc": f"registry=http://{address}/\nfetch-retries=0\n",
    }
    assert " hello from a package\n" in log_of_run(ada, files)


def package() -> bytes:
    """Return a package for npm."""
    packed = io.BytesIO()
    contents = {
        "package.json": '{"name": "beside", "version": "1.0.0"}',
        "index.js": "module.exports = 'hello from a package'",
    }
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name, text in contents.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            tar.addfile(member, io.BytesIO(text.encode()))
    return packed.getvalue()
