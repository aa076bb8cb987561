"""What the form of an API token can be filled with for what most tokens are made for."""

from dataclasses import dataclass
from typing import Any, Final

from resources.kinds import Kind


@dataclass(frozen=True, slots=True)
class Preset:
    """One way to fill the form, and what is left to do in it; `find` is the kind that its search begins with."""

    key: str
    label: str
    initial: dict[str, Any]
    then: str = ""
    find: Kind | None = None


PRESETS: Final = {
    each.key: each
    for each in (
        Preset(
            "read-dataset",
            "Read one dataset",
            {"access": "limited"},
            "Tick Read beside the dataset below.",
            Kind.DATASET,
        ),
        Preset(
            "run-actor",
            "Run one Actor and read its results",
            {"access": "limited", "default_run_storages": True, "actor_runs": "FULL"},
            "Tick Run beside the Actor below. The token can read the runs that it starts.",
            Kind.ACTOR,
        ),
        Preset(
            "push-data",
            "Push data",
            {"access": "limited", "scope": [f"{Kind.DATASET}:CREATE"]},
            "The token can create datasets and write to those. For one that is there, tick Write beside it.",
            Kind.DATASET,
        ),
        Preset("everything", "Everything", {"access": "full"}),
    )
}
