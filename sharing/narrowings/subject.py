"""What the narrowings need to know of a resource: a part of the facts."""

from typing import Protocol

from resources.kinds import Kind


class Subject(Protocol):
    """A resource before a narrowing; `Facts` are one (sharing/access.py)."""

    @property
    def id(self) -> str:
        """Its ID."""

    @property
    def kind(self) -> Kind:
        """Its kind."""

    @property
    def owner_id(self) -> str:
        """The account that owns it."""

    @property
    def is_public(self) -> bool:
        """Whether it is a public Actor."""

    @property
    def is_limited(self) -> bool:
        """Whether it is an Actor with limited permissions."""

    @property
    def created_by_token(self) -> str | None:
        """The API token that it was created with, itself or by a run that it started."""

    @property
    def created_by_actor(self) -> str | None:
        """The Actor whose run created it, for a storage."""

    @property
    def started_by_run(self) -> str | None:
        """The run that started it, for a run."""

    @property
    def run(self) -> "Subject | None":
        """The run whose default storage it is."""
