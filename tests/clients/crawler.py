"""An Actor of Apify's SDK and crawlee for Python, as they are installed. It goes by the proxy that it insists on."""

from html.parser import HTMLParser

from apify import Actor
from crawlee.crawlers import HttpCrawler, HttpCrawlingContext


class Links(HTMLParser):
    """The addresses that a page leads to."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note where a link leads."""
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


async def main() -> None:
    """Crawl from where the input says."""
    async with Actor:
        given = await Actor.get_input() or {}
        start = [each["url"] for each in given.get("start_urls", [])]
        proxy = await Actor.create_proxy_configuration()
        if proxy is None:
            raise RuntimeError("There is no proxy.")
        Actor.log.info("The proxy is %s.", (await proxy.new_url() or "").rpartition("@")[2])
        crawler = HttpCrawler(proxy_configuration=proxy, max_requests_per_crawl=100)

        @crawler.router.default_handler
        async def handle(context: HttpCrawlingContext) -> None:
            text = (await context.http_response.read()).decode()
            links = Links(text).found
            await context.push_data({"url": context.request.url, "links": len(links)})
            await context.add_requests([f"{start[0].rstrip('/')}{link}" for link in links])

        finished = await crawler.run(start)
        await Actor.set_status_message(f"{finished.requests_finished} pages.", is_terminal=True)
