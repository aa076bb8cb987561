"""What a run may be given: which build, how long, how much memory, what it may cost. The nearest to the run decides."""

from dataclasses import dataclass, fields, replace
from typing import Final

import msgspec

from resources import memory, permission_levels
from resources.models import Actor, Run, Task
from resources.runs.saved_options import SavedOptions, load_options

MAX_BUILD_LENGTH: Final = 40
# The largest number that the databases' columns hold; as a time it is 68 years.
MAX_TIMEOUT_SECS: Final = 2**31 - 1
MAX_ITEMS: Final = 2**53 - 1
MAX_CHARGE_USD: Final = 1_000_000_000.0
# Options that are called otherwise in a query than where they are saved.
_SAVED_AS: Final = {"timeout": "timeoutSecs", "memory": "memoryMbytes"}


class InvalidOption(ValueError):
    """An option that no run can have: `field` is its name in the API, the message says what it must be."""

    def __init__(self, field: str, problem: str, type_: str = "invalid-value") -> None:
        super().__init__(problem)
        self.field = field
        self.type = type_


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of a run; None leaves the choice to the task or Actor.

    `build` is a tag or number, `timeout_secs` of 0 is no limit, `max_items` and `max_total_charge_usd` are what the
    Actor is told that it may charge for, and `force_permission_level` is one of `resources/permission_levels.py`.
    """

    build: str | None = None
    timeout_secs: int | None = None
    memory_mbytes: int | None = None
    max_items: int | None = None
    max_total_charge_usd: float | None = None
    restart_on_error: bool | None = None
    force_permission_level: str | None = None

    def over(self, other: "RunOptions") -> "RunOptions":
        """Return these options, and the other ones where these leave the choice."""
        mine = {field.name: getattr(self, field.name) for field in fields(self)}
        return RunOptions(**{name: getattr(other, name) if value is None else value for name, value in mine.items()})

    def checked(self) -> "RunOptions":
        """Return the same options.

        Raises:
            InvalidOption: naming the first one that no run can have.
        """
        _check_build(self.build)
        _check_number("timeout", self.timeout_secs, 0, MAX_TIMEOUT_SECS)
        _check_memory(self.memory_mbytes)
        _check_number("maxItems", self.max_items, 1, MAX_ITEMS, "max-items-must-be-greater-than-zero")
        _check_charge(self.max_total_charge_usd)
        _check_level(self.force_permission_level)
        return self


def options_of_actor(actor: Actor) -> RunOptions:
    """Return what an Actor's runs get where nothing else is said."""
    return RunOptions(
        build=actor.default_build or None,
        timeout_secs=actor.default_timeout_secs,
        memory_mbytes=actor.default_memory_mbytes,
        restart_on_error=actor.restart_on_error,
        force_permission_level=msgspec.json.decode(actor.details).get("forcePermissionLevel"),
    )


def options_of_task(task: Task) -> RunOptions:
    """Return what a task's runs get where the request says nothing else."""
    return options_saved(load_options(task.options))


def options_saved(saved: SavedOptions) -> RunOptions:
    """Return what a task or a schedule has saved, as options of a run."""
    options = RunOptions(**msgspec.structs.asdict(saved))
    return replace(options, build=options.build or None)


def check_saved(saved: SavedOptions) -> None:
    """Check options that are about to be saved as those of a run are checked when it starts.

    Raises:
        InvalidOption: naming the first one that no run can have, as it is called where options are saved.
    """
    try:
        options_saved(saved).checked()
    except InvalidOption as error:
        raise InvalidOption(_SAVED_AS.get(error.field, error.field), str(error)) from None


def options_of_run(run: Run) -> RunOptions:
    """Return what a run has been given."""
    return RunOptions(
        build=run.build_option or None,
        timeout_secs=run.timeout_secs,
        memory_mbytes=run.memory_mbytes,
        max_items=run.max_items,
        max_total_charge_usd=run.max_total_charge_usd,
        restart_on_error=run.restart_on_error,
    )


def _check_build(build: str | None) -> None:
    if build is not None and not (0 < len(build) <= MAX_BUILD_LENGTH and build.isprintable()):
        raise InvalidOption("build", f"it must be a tag or a number of at most {MAX_BUILD_LENGTH} characters.")


def _check_memory(memory_mbytes: int | None) -> None:
    if memory_mbytes is not None and not memory.is_possible(memory_mbytes):
        raise InvalidOption("memory", memory.MEMORY_RULES)


def _check_charge(usd: float | None) -> None:
    if usd is not None and not 0 < usd <= MAX_CHARGE_USD:
        type_ = "max-total-charge-usd-must-be-greater-than-zero" if usd <= 0 else "invalid-value"
        raise InvalidOption("maxTotalChargeUsd", f"it must be more than 0 and at most {MAX_CHARGE_USD:.0f}.", type_)


def _check_level(level: str | None) -> None:
    try:
        permission_levels.check("forcePermissionLevel", level)
    except permission_levels.LevelRefused as error:
        raise InvalidOption(error.field, str(error)) from None


def _check_number(field: str, value: int | None, least: int, most: int, type_if_less: str = "invalid-value") -> None:
    if value is not None and not least <= value <= most:
        type_ = type_if_less if value < least else "invalid-value"
        raise InvalidOption(field, f"it must be a whole number from {least} to {most}.", type_)
