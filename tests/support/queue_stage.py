"""What tests of request queues share: requests, clients of a queue, and a clock that is set by hand."""

from datetime import UTC, datetime, timedelta

from resources.request_queues.clients import Client
from resources.request_queues.structs import NewRequest

ONE = Client("account-one", "one")
TWO = Client("account-two", "two")
NOON = datetime(2026, 8, 1, 12, tzinfo=UTC)


def request(path: str, **fields) -> NewRequest:
    """Return a new request whose unique key is its URL."""
    url = f"https://example.com/{path}"
    return NewRequest(fields.pop("unique_key", url), url, **fields)


def new(path: str, **fields) -> dict[str, object]:
    """Return the same as a client sends it."""
    url = f"https://example.com/{path}"
    return {"url": url, "uniqueKey": url, **fields}


def ids(paths) -> list[str]:
    """Return the IDs of the requests of these paths."""
    return [request(path).id for path in paths]


def paths(requests) -> list[str]:
    """Return the paths of requests, in their order."""
    return [each.url.removeprefix("https://example.com/") for each in requests]


class SetClock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time go by: `clock.move(seconds=30)`."""
        self.now += timedelta(**by)
