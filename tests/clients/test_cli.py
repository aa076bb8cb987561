"""apify-cli, and Actors of the SDK and crawlee for JavaScript, all unchanged, with a server and a worker of their own.

Their versions are pinned in `.ci/run`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.worker import run_proxy
from tests.clients.javascript import HERE, NODE, NODE_MODULES, needs_programs_of_apify
from tests.support.crawled_site import FLAKY, PAGES, Site, serving
from tests.support.served import ROOT, Served, served

pytestmark = needs_programs_of_apify

DEFINITION = {"actorSpecification": 1, "name": "counter", "version": "0.1", "buildTag": "latest"}
PROGRAM = 'import os\nprint("Level", os.environ["LEVEL"], "and", len(os.environ["PASSWORD"]), "characters")\n'


class Cli:
    """The program in a directory of an Actor, signed in where it has signed in before in this home."""

    def __init__(self, server: Served, home: Path, directory: Path) -> None:
        self._server = server
        self._directory = directory
        self._environment = {
            # No more than it needs: by the variables of CI services it would say that they start its runs.
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "APIFY_CLIENT_BASE_URL": server.url,
            "APIFY_CLI_DISABLE_TELEMETRY": "1",
            "APIFY_CLI_SKIP_UPDATE_CHECK": "1",
            "APIFY_DISABLE_KEYRING": "1",
            "NODE_OPTIONS": f"--require={HERE / 'offline.cjs'}",
        }

    def sign_in(self, who: str) -> None:
        """Sign in with a token of an account."""
        self("login", "--token", self._server.tokens[who])

    def __call__(self, *words: str, fails: bool = False) -> str:
        """Run a command in the Actor's directory, and return what it printed."""
        command = [str(NODE), str(NODE_MODULES / "apify-cli/dist/apify.js"), *words]
        done = subprocess.run(
            command,
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        printed = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, printed
        return printed

    def get(self, path: str) -> Any:
        """Return what the API answers to ada. The program takes seconds for each command, so little is asked by it."""
        return json.loads(self._server.request("GET", f"/v2/{path}").read())

    def write(self, files: dict[str, str]) -> None:
        """Write the files of the Actor."""
        for name, text in files.items():
            path = self._directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def read(self, directory: str) -> dict[str, str]:
        """Return the files of a directory within the Actor's."""
        base = self._directory / directory
        return {str(path.relative_to(base)): path.read_text() for path in base.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> Iterator[Served]:
    """A server with a worker. Runs are not isolated, for they read programs that are installed on the machine."""
    with served(tmp_path_factory.mktemp("served"), ("ada", "cleo")) as server:
        environment = {**server.environment, "RUN_ISOLATION": "none", "RUN_NETWORK": "shared"}
        worker = subprocess.Popen([sys.executable, "manage.py", "worker"], cwd=ROOT, env=environment)
        try:
            yield server
        finally:
            worker.terminate()
            worker.wait(60)


@pytest.fixture(scope="module")
def home(server, tmp_path_factory) -> Path:
    """A home in which ada has signed in."""
    home = tmp_path_factory.mktemp("home")
    Cli(server, home, home).sign_in("ada")
    return home


@pytest.fixture
def cli(server, home, tmp_path) -> Cli:
    return Cli(server, home, tmp_path)


def test_an_actor_is_pushed_called_looked_at_and_pulled(server, cli, tmp_path):
    cli("secrets", "add", "password", "hunter2")
    definition = DEFINITION | {"environmentVariables": {"LEVEL": "high", "PASSWORD": "@password"}}
    files = {".actor/actor.json": json.dumps(definition), "main.py": PROGRAM}
    cli.write(files)
    assert "Build: SUCCEEDED" in cli("push")
    called = cli("call", "ada/counter")
    assert "Run: SUCCEEDED" in called
    assert "Level high and 7 characters" in called
    (run,) = cli.get("acts/ada~counter/runs")["data"]["items"]
    assert (run["status"], run["meta"]["origin"], run["buildNumber"]) == ("SUCCEEDED", "CLI", "0.1.1")

    told = [
        cli("runs", "info", run["id"], "--verbose"),
        cli("builds", "info", run["buildId"]),
        cli("actors", "info", "ada/counter"),
        cli("runs", "ls"),
    ]
    assert not [each for each in told if "undefined" in each or "null" in each or "NaN" in each]
    assert "Succeeded (exit code: 0)" in told[0]
    assert "Succeeded (exit code: 0)" in told[1]
    assert "Users (30d): 1" in told[2]

    cli("pull", "ada/counter")
    assert cli.read("counter") == files
    (tmp_path / "cleo").mkdir()
    stranger = Cli(server, tmp_path / "cleo", tmp_path)
    stranger.sign_in("cleo")
    assert "ada/counter" in stranger("call", "ada/counter", fails=True)


def test_storages(cli):
    cli("datasets", "create", "prices")
    cli("datasets", "push-items", "prices", '[{"price": 1.5}, {"price": 2}]')
    assert '[{"price":1.5},{"price":2}]' in cli("datasets", "get-items", "prices")
    cli("key-value-stores", "create", "pictures")
    cli("key-value-stores", "set-value", "pictures", "first", '{"wide": 7}')
    assert '"wide": 7' in cli("key-value-stores", "get-value", "pictures", "first")


def push_crawler(cli: Cli, name: str) -> None:
    definition = DEFINITION | {"name": name}
    crawler = (HERE / "crawler.js").read_text().replace("INSTALLED", str(NODE_MODULES.resolve()))
    package = {"name": name, "version": "0.1.0", "scripts": {"start": "node main.js"}}
    cli.write({".actor/actor.json": json.dumps(definition), "main.js": crawler, "package.json": json.dumps(package)})
    cli("push")


def test_a_crawler_for_javascript_goes_by_the_proxy_that_it_insists_on(cli):
    push_crawler(cli, "proxied")
    with serving(site := Site()):
        start = f"http://127.0.0.1:{site.server_port}/"
        proxy = {"useApifyProxy": True, "groups": ["RESIDENTIAL"], "countryCode": "US"}
        given = {"start": start, "proxy": proxy, "dataset": "links-by-proxy"}
        called = cli("call", "--input", json.dumps(given), "--memory", "1024")
    assert "Run: SUCCEEDED" in called
    assert called.count(run_proxy.DIRECTLY) == 1
    assert "access check timed out" not in called
    assert site.asked["/"] == 1
    (run,) = cli.get("acts/ada~proxied/runs")["data"]["items"]
    assert len(cli.get(f"datasets/{run['defaultDatasetId']}/items")) == PAGES + 1


def test_a_crawler_for_python_goes_by_the_proxy_that_it_insists_on(cli):
    definition = DEFINITION | {"name": "in-python", "input": "./input_schema.json", "dockerfile": "./Dockerfile"}
    schema = {
        "title": "Crawler",
        "type": "object",
        "schemaVersion": 1,
        "properties": {
            "start_urls": {"title": "Start", "type": "array", "description": "x", "editor": "requestListSources"}
        },
        "required": ["start_urls"],
    }
    dockerfile = """FROM apify/actor-python:3.13
COPY --chown=myuser:myuser . ./
RUN python -m compileall -q crawler/
CMD ["python", "-m", "crawler"]
"""
    files = {"__init__.py": "", "main.py": (HERE / "crawler.py").read_text()}
    files["__main__.py"] = "import asyncio\n\nfrom crawler.main import main\n\nasyncio.run(main())\n"
    cli.write({f"crawler/{name}": text for name, text in files.items()})
    cli.write({".actor/actor.json": json.dumps(definition), ".actor/input_schema.json": json.dumps(schema)})
    cli.write({".actor/Dockerfile": dockerfile})
    cli("push")
    with serving(site := Site()):
        given = {"start_urls": [{"url": f"http://127.0.0.1:{site.server_port}/"}]}
        called = cli("call", "--input", json.dumps(given), "--memory", "1024")
    assert "Run: SUCCEEDED" in called
    assert called.count(run_proxy.DIRECTLY) == 1
    assert (site.asked["/"], site.asked[FLAKY]) == (1, 2)
    (run,) = cli.get("acts/ada~in-python/runs")["data"]["items"]
    assert run["statusMessage"] == f"{PAGES + 1} pages."
    assert len(cli.get(f"datasets/{run['defaultDatasetId']}/items")) == PAGES + 1


def test_a_crawler_for_javascript_reads_a_site_to_its_end(cli):
    push_crawler(cli, "crawler")
    with serving(site := Site()):
        start = f"http://127.0.0.1:{site.server_port}/"
        called = cli("call", "--input", json.dumps({"start": start}), "--memory", "1024")
    assert "Run: SUCCEEDED" in called
    (run,) = cli.get("acts/ada~crawler/runs")["data"]["items"]
    assert run["statusMessage"] == "Crawled."
    assert site.asked["/"] == 1
    assert site.asked[FLAKY] == 2
    for dataset in (run["defaultDatasetId"], "ada~links"):
        assert len(cli.get(f"datasets/{dataset}/items")) == PAGES + 1
