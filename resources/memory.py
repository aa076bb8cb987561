"""How much memory a run can have, wherever it is asked for or saved."""

from collections.abc import Mapping
from typing import Any, Final

MIN_MEMORY_MBYTES: Final = 128
MAX_MEMORY_MBYTES: Final = 32_768
MEMORY_RULES: Final = f"it must be a power of 2 from {MIN_MEMORY_MBYTES} to {MAX_MEMORY_MBYTES}."


def is_possible(memory_mbytes: int) -> bool:
    """Tell whether a run can have this many megabytes of memory."""
    in_bounds = MIN_MEMORY_MBYTES <= memory_mbytes <= MAX_MEMORY_MBYTES
    return in_bounds and memory_mbytes & (memory_mbytes - 1) == 0


def is_possible_standby(settings: Mapping[str, Any], kept: Mapping[str, Any]) -> bool:
    """Tell whether the `memoryMbytes` of an `actorStandby` can be kept: one that a run can have, none, or as it was."""
    memory_mbytes = settings.get("memoryMbytes")
    if memory_mbytes is None or memory_mbytes == kept.get("memoryMbytes"):
        return True
    return isinstance(memory_mbytes, int) and is_possible(memory_mbytes)
