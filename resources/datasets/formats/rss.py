"""Items as an RSS 2.0 feed: each is an `<item>` with its fields as elements, as in XML."""

from collections.abc import Callable, Iterator

from resources.datasets.formats.markup import escape
from resources.datasets.formats.xml import HEAD, Elements
from resources.datasets.items import Block
from resources.datasets.options import ItemsOptions

# What feeds are extended with. They are declared, so that fields may be called `media:content` or `dc:creator`.
_EXTENSIONS = {
    "atom": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "g": "http://base.google.com/ns/1.0",
    "georss": "http://www.georss.org/georss",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "podcast": "https://podcastindex.org/namespace/1.0",
}


def write(blocks: Callable[[], Iterator[Block]], options: ItemsOptions, columns: list[str] | None) -> Iterator[bytes]:
    """Write the items as a feed with the title, the description and the link that `options` gives it."""
    elements = Elements(frozenset(_EXTENSIONS))
    declarations = "".join(f' xmlns:{prefix}="{uri}"' for prefix, uri in _EXTENSIONS.items())
    channel = "".join(
        f"<{name}>{escape(text)}</{name}>\n"
        for name, text in (
            ("title", options.feed_title),
            ("link", options.feed_link),
            ("description", options.feed_description),
        )
    )
    yield f'{HEAD}<rss version="2.0"{declarations}>\n<channel>\n{channel}'.encode()
    for block in blocks():
        if block:
            yield "".join(f"{elements.item('item', item)}\n" for item in block).encode()
    yield b"</channel>\n</rss>"
