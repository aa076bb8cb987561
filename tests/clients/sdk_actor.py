"""A process that uses the Apify SDK for Python and crawlee as an Actor does: `sdk_actor.py single|shared START_URL`.

It works with the storages of the API that APIFY_API_BASE_URL names, crawls the site at START_URL with its queue,
dataset and store there, and at last prints what it has seen as one JSON object. It knows nothing of Latchkey.
"""

import asyncio
import json
import re
import sys
from datetime import timedelta

from apify import Actor
from apify.storage_clients import ApifyStorageClient, SmartApifyStorageClient
from crawlee import Request, service_locator
from crawlee.crawlers import HttpCrawler, HttpCrawlingContext

ACCESS, START_URL = sys.argv[1:]
FOREVER = 60


async def queue_by_hand() -> dict[str, object]:
    """Work a queue off in the way of the SDK: add, fetch, put back, handle."""
    queue = await Actor.open_request_queue(name="by-hand", force_cloud=True)
    urls = [f"https://example.com/{number}" for number in range(40)]
    await queue.add_requests([Request.from_url(url, user_data={"number": at}) for at, url in enumerate(urls)])
    again = await queue.add_request(urls[0])
    await queue.add_request("https://example.com/first", forefront=True)
    seen, put_back = [], 0
    while not await queue.is_finished():
        request = await queue.fetch_next_request()
        if request is None:
            continue
        if request.url == urls[3] and not put_back:
            put_back += 1
            await queue.reclaim_request(request, forefront=True)
            continue
        seen.append(request.url)
        await queue.mark_request_as_handled(request)
    plain = await Actor.apify_client.request_queue(queue.id).add_request({"url": "https://a.b/", "uniqueKey": "plain"})
    fetched = await queue.fetch_next_request()
    metadata = await queue.get_metadata()
    return {
        "first": seen[0],
        "seen": sorted(seen),
        "expected": sorted([*urls, "https://example.com/first"]),
        "again": again is not None and again.was_already_present,
        "handled": metadata.handled_request_count,
        "plain": [plain.was_already_present, fetched.url if fetched else None],
    }


async def contents() -> dict[str, object]:
    """Push data, and keep and read values, in default and in named storages."""
    await Actor.push_data([{"n": 1}, {"n": 2}])
    dataset = await Actor.open_dataset(name="products")
    await dataset.push_data([{"n": number} for number in range(30)])
    page = await dataset.get_data(offset=10, limit=2)
    await Actor.set_value("STATE", {"a": [1, 2.5, None]})
    store = await Actor.open_key_value_store(name="pages")
    await store.set_value("page.html", "<p>é</p>", content_type="text/html")
    await store.set_value("bytes", b"\x00\xff", content_type="application/octet-stream")
    return {
        "default": (await (await Actor.open_dataset()).get_data()).items,
        "page": page.items,
        "all": [item["n"] async for item in dataset.iterate_items()],
        "state": await Actor.get_value("STATE"),
        "html": await store.get_value("page.html"),
        "bytes": (await store.get_value("bytes")).hex(),
        "missing": await store.get_value("missing"),
        "keys": sorted([key.key async for key in store.iterate_keys()]),
    }


async def crawl() -> dict[str, object]:
    """Crawl the site with crawlee; every page is stored, and one page works at the second try only."""
    queue = await Actor.open_request_queue(name="crawl", force_cloud=True)
    crawler = HttpCrawler(request_manager=queue, max_request_retries=2, request_handler_timeout=timedelta(seconds=30))

    @crawler.router.default_handler
    async def handle(context: HttpCrawlingContext) -> None:
        body = (await context.http_response.read()).decode()
        # Kept with the links once the whole page is through, so that a page that is tried again is there once.
        await context.push_data({"url": context.request.url, "title": re.findall(r"<title>(.*?)</title>", body)[0]})
        await context.add_requests([START_URL + path for path in re.findall(r'href="/(.*?)"', body)])

    before = (await (await Actor.open_dataset()).get_metadata()).item_count
    statistics = await crawler.run([START_URL])
    await Actor.set_value("CRAWL", {"finished": statistics.requests_finished, "retries": statistics.requests_total})
    items = (await (await Actor.open_dataset()).get_data(offset=before)).items
    metadata = await queue.get_metadata()
    return {
        "urls": sorted(str(item["url"]) for item in items),
        "finished": statistics.requests_finished,
        "failed": statistics.requests_failed,
        "total": metadata.total_request_count,
        "handled": metadata.handled_request_count,
        "pending": metadata.pending_request_count,
    }


async def main() -> None:
    """Do everything as one Actor, and print what was seen."""
    cloud = ApifyStorageClient(request_queue_access="shared" if ACCESS == "shared" else "single")
    # Nothing is to stay on this machine, though it is none of the platform's.
    service_locator.set_storage_client(SmartApifyStorageClient(cloud_storage_client=cloud, local_storage_client=cloud))
    async with Actor(exit_process=False):
        found = {"queue": await queue_by_hand(), "contents": await contents(), "crawl": await crawl()}
    print(json.dumps(found))


asyncio.run(asyncio.wait_for(main(), FOREVER))
