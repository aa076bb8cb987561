"""The kinds of resource, and what differs between them apart from their own columns.

A new kind is a model in `resources/models/`, a row here, and its pages and API; the tests that walk the kinds
take it up from this table.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a resource is. The values are stored, and are those of `tests/access/access_cases.json`."""

    ACTOR = "actor"
    TASK = "task"
    SCHEDULE = "schedule"
    BUILD = "build"
    RUN = "run"
    DATASET = "dataset"
    KEY_VALUE_STORE = "keyValueStore"
    REQUEST_QUEUE = "requestQueue"


@dataclass(frozen=True, slots=True)
class KindInfo:
    """One row of the table of kinds.

    `noun` is how a sentence calls it, `api_path` the collection under /v2/, `console_path` the collection in the
    console, `icon` the name of its icon. `permissions` are those that can be granted. `general_access` says
    whether general access applies at all, `storage` whether it is one of the three storages and so can have a
    name that others may be let in by.
    """

    kind: Kind
    noun: str
    plural: str
    api_path: str
    console_path: str
    icon: str
    permissions: tuple[str, ...]
    general_access: bool
    storage: bool = False

    @property
    def title(self) -> str:
        """The noun as it begins a sentence or stands by itself."""
        return f"{self.noun[0].upper()}{self.noun[1:]}"

    @property
    def short(self) -> str:
        """The noun where builds and runs can only be an Actor's: "run"."""
        return self.noun.removeprefix("Actor ")

    @property
    def short_plural(self) -> str:
        """Likewise, several: "runs"."""
        return self.plural.removeprefix("Actor ")

    @property
    def heading(self) -> str:
        """What a list of them is called: "Runs"."""
        return f"{self.short_plural[0].upper()}{self.short_plural[1:]}"

    def article(self) -> str:
        """Return the indefinite article that goes before the noun."""
        return "an" if self.noun[0] in "AEIOaeio" else "a"


_FULL = ("READ", "WRITE", "MANAGE_ACCESS_RIGHTS")

KINDS: dict[Kind, KindInfo] = {
    info.kind: info
    for info in (
        KindInfo(
            Kind.ACTOR,
            "Actor",
            "Actors",
            "actors",
            "actors",
            "cube",
            ("READ", "WRITE", "RUN", "BUILD", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS"),
            general_access=False,
        ),
        KindInfo(
            Kind.TASK,
            "task",
            "tasks",
            "actor-tasks",
            "tasks",
            "clipboard-document-list",
            ("READ", "WRITE", "VIEW_OWNER_RUNS", "MANAGE_ACCESS_RIGHTS"),
            general_access=False,
        ),
        KindInfo(
            Kind.SCHEDULE,
            "schedule",
            "schedules",
            "schedules",
            "schedules",
            "clock",
            ("READ", "WRITE"),
            general_access=False,
        ),
        KindInfo(
            Kind.BUILD,
            "Actor build",
            "Actor builds",
            "actor-builds",
            "actors/builds",
            "wrench",
            _FULL,
            general_access=True,
        ),
        KindInfo(
            Kind.RUN,
            "Actor run",
            "Actor runs",
            "actor-runs",
            "actors/runs",
            "play",
            _FULL,
            general_access=True,
        ),
        KindInfo(
            Kind.DATASET,
            "dataset",
            "datasets",
            "datasets",
            "storage/datasets",
            "table-cells",
            _FULL,
            general_access=True,
            storage=True,
        ),
        KindInfo(
            Kind.KEY_VALUE_STORE,
            "key-value store",
            "key-value stores",
            "key-value-stores",
            "storage/key-value-stores",
            "archive-box",
            _FULL,
            general_access=True,
            storage=True,
        ),
        KindInfo(
            Kind.REQUEST_QUEUE,
            "request queue",
            "request queues",
            "request-queues",
            "storage/request-queues",
            "queue-list",
            _FULL,
            general_access=True,
            storage=True,
        ),
    )
}

STORAGES = tuple(kind for kind, info in KINDS.items() if info.storage)
