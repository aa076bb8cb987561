"""The Apify SDK for Python and crawlee, unchanged, in a process of their own, with their storages here."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from resources.kinds import Kind
from resources.models import Dataset, QueuedRequest, RequestQueue
from resources.request_queues.identity import request_id
from tests.support.crawled_site import FLAKY, PAGES, Site, serving

ROOT = Path(__file__).parents[3]


@pytest.fixture
def site():
    site = Site()
    with serving(site):
        yield site


@pytest.mark.parametrize("access", ["single", "shared"])
def test_an_actor_crawls_a_site_to_the_end(
    transactional_db, live_server, site, ada, token_of, make_resource, access, tmp_path
):
    default = {
        "ACTOR_DEFAULT_DATASET_ID": make_resource(Kind.DATASET, ada).pk,
        "ACTOR_DEFAULT_KEY_VALUE_STORE_ID": make_resource(Kind.KEY_VALUE_STORE, ada).pk,
        "ACTOR_DEFAULT_REQUEST_QUEUE_ID": make_resource(Kind.REQUEST_QUEUE, ada).pk,
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
