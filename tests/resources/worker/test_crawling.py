"""Crawlers in runs with a network of their own: the SDK's and crawlee's, a browser's, and one behind a proxy.

They are on a machine in a world of namespaces (`tests/support/network_world.py`), where a site is served at a public
address and at a private one.
"""

import contextlib
import datetime
import json
import shutil
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Dataset, Run
from resources.sandbox.bubblewrap import Isolation
from resources.sandbox.network import namespaces, relay, starting, upstreams, user_mode
from resources.worker import events, execute_run, run_proxy
from tests.support.crawled_site import FLAKY, PAGES, RICH_PAGES, RICH_PARTS, Proxy, Site, serving
from tests.support.machine import missing, needs_programs
from tests.support.network_world import World, needs_namespaces
from tests.support.work_stage import needs_bubblewrap, started

pytestmark = [needs_bubblewrap, needs_namespaces, pytest.mark.usefixtures("looks_often")]

PUBLIC, PRIVATE, PORT, TLS_PORT = "8.8.4.4", "10.9.9.9", 8080, 8443
NAMED = f"http://public.test:{PORT}/"
PROXY = ("127.0.0.1", 3128)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with World() as world:
        yield world


@pytest.fixture(
    autouse=True, params=[pytest.param(each, marks=needs_programs(each)) for each in ("pasta", "slirp4netns")]
)
def by(request, monkeypatch) -> str:
    """Let only one of the user-mode networks be installed."""
    found = {request.param: user_mode.installed()[request.param]}
    monkeypatch.setattr(user_mode, "installed", lambda: found)
    return request.param


@pytest.fixture(scope="module")
def passed_on(world, live_server) -> None:
    """Let the API be on the machine's loopback, too, as long as the machine is there."""
    _, _, port = live_server.url.rpartition(":")
    with world.entered():
        listening = socket.create_server(("127.0.0.1", int(port)), backlog=100)
    relay.serve(listening, partial(relay.connected, "127.0.0.1", int(port)))


@pytest.fixture
def api(transactional_db, live_server, passed_on, settings, monkeypatch, tmp_path) -> None:
    """Let runs be told where the API is, and names be resolved by the world."""
    settings.PUBLIC_URL = live_server.url
    conf = tmp_path / "resolv.conf"
    conf.write_text("nameserver 8.8.4.4\n")
    monkeypatch.setattr(starting, "RESOLV_CONF", conf)


@contextlib.contextmanager
def served(world: World, host: str, port: int = PORT, **options) -> Iterator[Site]:
    with world.entered(world=True):
        site = Site(host, port, **options)
    with serving(site):
        yield site


@pytest.fixture
def site(world) -> Iterator[Site]:
    with served(world, PUBLIC) as site:
        yield site


def executed(run: Run, world: World) -> Run:
    events.close()  # a server that another test has left listens on another loopback
    with world.entered():
        execute_run.execute(run.pk)
    events.close()
    run.refresh_from_db()
    return run


def said(run: Run) -> dict:
    log = read_text(run.pk)
    (line,) = [line for line in log.splitlines() if " {" in line] or pytest.fail(log)
    found: dict = json.loads(line.partition(" ")[2])
    return found


CRAWLEE = """
import asyncio, json, re
from apify import Actor
from crawlee.crawlers import HttpCrawler

async def main():
    async with Actor:
        start = (await Actor.get_input())["start"]
        crawler = HttpCrawler(configure_logging=False)

        @crawler.router.default_handler
        async def handle(context):
            body = (await context.http_response.read()).decode()
            await context.push_data({"url": context.request.url})
            await context.add_requests([start + path for path in re.findall(r'href="/(.*?)"', body)])

        statistics = await crawler.run([start])
        said = f"{statistics.requests_finished}, {statistics.requests_failed} failed"
        await Actor.set_status_message(said, is_terminal=True)

asyncio.run(main())
"""


def test_crawlee_crawls_a_site_to_the_end_with_its_queue_and_dataset_in_the_api(api, ada, world, site):
    run = started(ada, {"main.py": CRAWLEE}, input=json.dumps({"start": NAMED}).encode(), memory_mbytes=1024)
    executed(run, world)
    assert (run.status, run.status_message) == (JobStatus.SUCCEEDED, f"{PAGES + 1}, 0 failed"), read_text(run.pk)
    assert Dataset.objects.get(run_id=run.pk).item_count == PAGES + 1
    pages = {f"/page-{number}": 1 for number in range(PAGES)}
    assert site.asked == Counter({"/": 1} | pages | {FLAKY: 2})


BROWSER = """
import json
from playwright.sync_api import sync_playwright

START, CHROMIUM = {}
with sync_playwright() as playwright:
    options = ["--no-sandbox", "--disable-gpu"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
    page, found, wanted = browser.new_page(), {{}}, [START]
    while wanted:
        url = wanted.pop()
        page.goto(url)
        page.wait_for_function("document.title === 'complete'")
        found[url] = page.inner_text("body").strip()
        links = page.eval_on_selector_all("a", "links => links.map((each) => each.href)")
        wanted += [each for each in links if each not in found and each not in wanted]
    browser.close()
print(json.dumps(found), flush=True)
"""


def test_a_browser_without_its_sandbox_crawls_a_site_with_all_that_its_pages_load(api, ada, world, site):
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    chromium = next(filter(None, map(shutil.which, names)), None) or missing("Chromium is not installed here.")
    start = f"{NAMED}rich/0"
    run = started(ada, {"main.py": BROWSER.format(repr((start, chromium)))}, memory_mbytes=4096)
    executed(run, world)
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)
    expected = {f"{NAMED}rich/{at}": f"{at} times 7, 1 pixel, 77px" for at in range(RICH_PAGES)}
    assert said(run) == expected
    asked = {f"/rich/{at}": 1 for at in range(RICH_PAGES)} | dict.fromkeys(RICH_PARTS, RICH_PAGES)
    assert {path: site.asked[path] for path in asked} == asked


def certificate(directory: Path) -> tuple[Path, str]:
    """Make a certificate of the private address; return the file of it and its key, and it alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, PRIVATE)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(PRIVATE))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    text = made.public_bytes(serialization.Encoding.PEM)
    (directory / "certificate.pem").write_bytes(text + key.private_bytes(*form))
    return directory / "certificate.pem", text.decode()


FETCHES = """
import json, ssl, sys, urllib.request
context = ssl.create_default_context(cafile="trusted.pem")
found = {}
for url in ADDRESSES:
    try:
        with urllib.request.urlopen(url, timeout=10, context=context) as answer:
            found[url] = answer.status
    except OSError as error:
        found[url] = "refused"
print(json.dumps(found), flush=True)
"""


@pytest.fixture
def proxy(world, settings, monkeypatch) -> Iterator[Proxy]:
    """A proxy on the machine's loopback, which the worker's variables name and runs are given."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, f"http://{PROXY[0]}:{PROXY[1]}")
    settings.RUN_PASSES_ON = ["HTTP_PROXY", "HTTPS_PROXY"]
    with world.entered(), serving(proxy := Proxy(*PROXY)):
        yield proxy


@pytest.mark.parametrize("is_allowed", [True, False])
def test_a_run_reaches_by_a_proxy_that_is_allowed_what_the_proxy_reaches(
    transactional_db, ada, world, proxy, settings, tmp_path, is_allowed
):
    settings.RUN_NETWORK_ALLOW = [f"{PROXY[0]}:{PROXY[1]}"] if is_allowed else []
    addresses = [f"http://{PRIVATE}:{PORT}/page-1", f"https://{PRIVATE}:{TLS_PORT}/page-2"]
    file, trusted = certificate(tmp_path)
    with served(world, PRIVATE), served(world, PRIVATE, TLS_PORT, certificate=file):
        actor = {"main.py": FETCHES.replace("ADDRESSES", repr(addresses)), "trusted.pem": trusted}
        run = executed(started(ada, actor), world)
    assert said(run) == dict.fromkeys(addresses, 200 if is_allowed else "refused")
    ways = {("GET", f"{PRIVATE}:{PORT}"): 1, ("CONNECT", f"{PRIVATE}:{TLS_PORT}"): 1}
    assert proxy.asked == Counter(ways if is_allowed else {})


def test_a_crawler_behind_a_proxy_asks_the_api_itself(api, ada, world, proxy, settings):
    """The proxy may be on another machine, where it does not reach the API, and should not see its tokens."""
    settings.RUN_NETWORK_ALLOW = [f"{PROXY[0]}:{PROXY[1]}"]
    start = f"http://{PRIVATE}:{PORT}/"
    run = started(ada, {"main.py": CRAWLEE}, input=json.dumps({"start": start}).encode(), memory_mbytes=1024)
    with served(world, PRIVATE):
        executed(run, world)
    assert (run.status, run.status_message) == (JobStatus.SUCCEEDED, f"{PAGES + 1}, 0 failed"), read_text(run.pk)
    assert {where for _, where in proxy.asked} == {f"{PRIVATE}:{PORT}"}


USES_ITS_PROXY = """
import asyncio, json
import impit
from apify import Actor

async def main():
    async with Actor:
        given = await Actor.get_input()
        proxy = await Actor.create_proxy_configuration(groups=["PUBLIC"])
        found = {}
        for url in given:
            async with impit.AsyncClient(proxy=await proxy.new_url("s1"), timeout=20) as client:
                found[url] = (await client.get(url)).status_code
        print(json.dumps(found), flush=True)

asyncio.run(main())
"""


def test_without_a_proxy_of_the_server_a_run_has_one_that_reaches_what_the_run_does(
    api, ada, world, site, settings, monkeypatch
):
    """What is refused without it is refused by it, and the log says once that it leads out directly."""
    refused = [f"http://{PRIVATE}:{PORT}/", "http://10.5.5.2:5432/", "http://5.5.5.2:5432/", "http://127.0.0.1:5432/"]
    settings.RUN_NETWORK_ALLOW = [f"index.test:{PORT}"]
    monkeypatch.setattr(starting, "_resolve_addresses", lambda name: [PUBLIC])
    reached = [f"http://{PUBLIC}:{PORT}/page-1", f"http://index.test:{PORT}/"]
    urls = [*reached, *refused]
    run = started(ada, {"main.py": USES_ITS_PROXY}, input=json.dumps(urls).encode(), memory_mbytes=1024)
    with served(world, PRIVATE) as private:
        executed(run, world)
    assert said(run) == dict.fromkeys(reached, 200) | dict.fromkeys(refused, 502), read_text(run.pk)
    assert site.asked == {"/page-1": 1, "/": 1}
    assert not private.asked
    assert read_text(run.pk).count(run_proxy.DIRECTLY) == 1


def test_a_proxy_that_the_server_names_is_reached_without_being_allowed(api, ada, world, settings, site):
    settings.PROXIES = upstreams.parse_all("", [f"PUBLIC=http://them:theirs@{PROXY[0]}:{PROXY[1]}"])
    refused = f"http://{PRIVATE}:{PORT}/"
    given = json.dumps([f"http://{PUBLIC}:{PORT}/page-1", refused]).encode()
    run = started(ada, {"main.py": USES_ITS_PROXY}, input=given, memory_mbytes=1024)
    with world.entered(), serving(proxy := Proxy(*PROXY)):
        executed(run, world)
    assert said(run) == {f"http://{PUBLIC}:{PORT}/page-1": 200, refused: 403}, read_text(run.pk)
    assert (proxy.asked, proxy.logins) == ({("GET", f"{PUBLIC}:{PORT}"): 1}, {"them:theirs"})
    assert run_proxy.DIRECTLY not in read_text(run.pk)


def test_no_run_can_use_the_proxy_of_another_one(world, ada):
    """Each is on the loopback of its own network, so that not even the same account's password lets a run in."""
    with world.entered():
        found = user_mode.installed()
        (chosen,) = found.items()
        with run_proxy.open_proxy(Run(owner_id=ada.pk), Isolation(on=True, shares_network=False)) as proxy:
            with_one, without = starting.RunNetwork(chosen, proxy=proxy.plan), starting.RunNetwork(chosen)
            try:
                assert connects(with_one, *run_proxy.ADDRESS)
                assert not connects(without, *run_proxy.ADDRESS)
            finally:
                with_one.close()
                without.close()


def connects(network: starting.RunNetwork, host: str, port: int) -> bool:
    """Tell whether a program in a network can connect."""
    code = f"import socket; socket.create_connection(({host!r}, {port}), timeout=30)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        check=False,
        stderr=subprocess.DEVNULL,
        preexec_fn=partial(namespaces.enter, *network.namespaces),
        pass_fds=network.namespaces,
    )
    return done.returncode == 0
