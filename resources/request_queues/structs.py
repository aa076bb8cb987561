"""Requests on their way into a queue and out of it."""

from dataclasses import dataclass, field
from typing import Final

from resources.request_queues.identity import request_id

# How many characters a URL and a unique key may have.
MAX_TEXT: Final = 32_768


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request as it is added or replaced.

    `handled_at` is in milliseconds since 1970, None for one that is still to be handled. `details` is a JSON object
    with what is only kept to be given back.
    """

    unique_key: str
    url: str
    method: str = "GET"
    retry_count: int = 0
    handled_at: int | None = None
    details: str = "{}"
    id: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", request_id(self.unique_key))

    @property
    def size(self) -> int:
        """What the request takes, in bytes."""
        return sum(len(text.encode()) for text in (self.unique_key, self.url, self.details))


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request as it is in its queue; moments are in milliseconds since 1970."""

    id: str
    unique_key: str
    url: str
    method: str
    retry_count: int
    handled_at: int | None
    lock_expires_at: int | None
    details: str


@dataclass(frozen=True, slots=True)
class HeadRequest:
    """What the head of a queue tells about a request."""

    id: str
    unique_key: str
    url: str
    method: str
    retry_count: int


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of a request that was added or replaced: how it stood before."""

    id: str
    unique_key: str
    was_present: bool
    was_handled: bool
