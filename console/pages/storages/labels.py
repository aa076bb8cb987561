"""What differs between the three storages on the pages that they have in common: what they hold, in words."""

from dataclasses import dataclass

from django.contrib.humanize.templatetags.humanize import intcomma

from resources.kinds import KINDS, Kind, KindInfo
from resources.models import Resource


@dataclass(frozen=True, slots=True)
class StorageLabels:
    """The words of one kind of storage.

    `content` is what it holds, in the singular, and `counter` the attribute that counts it. `lead` stands at the head
    of the list, `empty` in its place where there is none yet.
    """

    kind: Kind
    content: str
    counter: str
    lead: str
    empty: str

    @property
    def info(self) -> KindInfo:
        """The row of the kind in the table of kinds."""
        return KINDS[self.kind]

    @property
    def list_path(self) -> str:
        """The path of the list."""
        return f"/{self.info.console_path}"

    def count_entries(self, resource: Resource) -> int:
        """Return how much a storage of this kind holds."""
        count: int = getattr(resource, self.counter)
        return count

    def get_stored_bytes(self, resource: Resource) -> int:
        """Return how many bytes that takes."""
        size: int = resource.stored_bytes  # type: ignore[attr-defined]  # the models of all three have it
        return size

    def describe_content(self, resource: Resource) -> str:
        """Return how much a storage of this kind holds, such as "1 item" or "1,200 items"."""
        count = self.count_entries(resource)
        return f"{intcomma(count)} {self.content}{'' if count == 1 else 's'}"


STORAGE_WORDS: dict[Kind, StorageLabels] = {
    words.kind: words
    for words in (
        StorageLabels(
            Kind.DATASET,
            "item",
            "item_count",
            "Lists of items, such as the results of a crawl.",
            "A dataset holds items, such as products or pages. Create one here, or push to one through the API; the "
            "dashboard shows how.",
        ),
        StorageLabels(
            Kind.KEY_VALUE_STORE,
            "record",
            "record_count",
            "Records under keys, such as settings, screenshots and the output of runs.",
            "A key-value store holds records of any type, each under a key. Create one here and upload a file, or "
            "write to one through the API.",
        ),
        StorageLabels(
            Kind.REQUEST_QUEUE,
            "request",
            "total_count",
            "URLs to be visited, each of them once.",
            "A request queue holds the URLs that a crawler is to visit. Create one here and add the first, or let a "
            "crawler fill one through the API.",
        ),
    )
}

# What a pre-signed link to all of a storage opens.
CONTENT = {Kind.DATASET: "items", Kind.KEY_VALUE_STORE: "list of keys", Kind.REQUEST_QUEUE: "requests"}
