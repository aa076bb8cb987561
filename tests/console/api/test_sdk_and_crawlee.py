"""The Apify SDK for Python and crawlee, unchanged, in a process of their own, with their storages here."""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from resources.models import Dataset, KeyValueStore, QueuedRequest, RequestQueue
from resources.requests.identity import request_id

ROOT = Path(__file__).parents[3]
PAGES = 30
FLAKY = "/page-7"


class Site(ThreadingHTTPServer):
    """Pages that lead to each other; one of them fails when it is asked for the first time."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Page)
        self.asked: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Page(BaseHTTPRequestHandler):
    """The start page leads to every third page, each page to the next two and to the start."""

    protocol_version = "HTTP/1.1"
    server: Site

    def do_GET(self) -> None:
        self.server.asked[self.path] += 1
        fails = self.path == FLAKY and self.server.asked[self.path] == 1
        number = int(self.path.rpartition("-")[2]) if "-" in self.path else None
        following = range(0, PAGES, 3) if number is None else range(number + 1, min(number + 3, PAGES))
        links = "".join(f'<a href="/page-{each}">{each}</a>' for each in following) + '<a href="/">start</a>'
        body = f"<html><title>Page {number}</title>{links}</html>".encode()
        self.send_response(503 if fails else 200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        """Say nothing."""


@pytest.fixture
def site():
    with Site() as serving:
        thread = threading.Thread(target=serving.serve_forever, daemon=True)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.mark.parametrize("access", ["single", "shared"])
def test_an_actor_crawls_a_site_to_the_end(
    transactional_db, live_server, site, ada, token_of, make_resource, access, tmp_path
):
    default = {
        "ACTOR_DEFAULT_DATASET_ID": Dataset.objects.create(owner=ada).pk,
        "ACTOR_DEFAULT_KEY_VALUE_STORE_ID": KeyValueStore.objects.create(owner=ada).pk,
        "ACTOR_DEFAULT_REQUEST_QUEUE_ID": RequestQueue.objects.create(owner=ada).pk,
    }
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("APIFY_", "ACTOR_"))}
    environment |= default | {
        "APIFY_API_BASE_URL": live_server.url,
        "APIFY_API_PUBLIC_BASE_URL": live_server.url,
        "APIFY_TOKEN": token_of(ada),
        "APIFY_LOG_LEVEL": "WARNING",
        "CRAWLEE_LOG_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, ROOT / "tests/clients/sdk_actor.py", access, site.url],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])

    queue = found["queue"]
    assert queue["seen"] == queue["expected"]
    assert (queue["again"], queue["handled"]) == (True, 41)
    assert queue["plain"] == [False, "https://a.b/"]
    assert RequestQueue.objects.get(name="by-hand").handled_count == 41

    assert found["contents"] == {
        "default": [{"n": 1}, {"n": 2}],
        "page": [{"n": 10}, {"n": 11}],
        "all": list(range(30)),
        "state": {"a": [1, 2.5, None]},
        "html": "<p>é</p>",
        "bytes": "00ff",
        "missing": None,
        "keys": ["bytes", "page.html"],
    }

    everything = sorted([site.url, *(f"{site.url}page-{number}" for number in range(PAGES))])
    crawl = found["crawl"]
    assert crawl["urls"] == everything, (Counter(crawl["urls"]), site.asked, done.stderr)
    assert (crawl["finished"], crawl["failed"]) == (PAGES + 1, 0)
    assert (crawl["total"], crawl["handled"], crawl["pending"]) == (PAGES + 1, PAGES + 1, 0)
    assert site.asked == Counter({"/": 1, FLAKY: 2} | {f"/page-{n}": 1 for n in range(PAGES) if f"/page-{n}" != FLAKY})
    kept = RequestQueue.objects.get(name="crawl")
    assert (kept.total_count, kept.handled_count, kept.pending_count) == (PAGES + 1, PAGES + 1, 0)
    assert Dataset.objects.get(pk=default["ACTOR_DEFAULT_DATASET_ID"]).item_count == PAGES + 3
    stored = QueuedRequest.objects.filter(queue=kept)
    assert all(each.request_id == request_id(each.unique_key) for each in stored)
    assert stored.get(url=f"{site.url}page-7").retry_count == 1
