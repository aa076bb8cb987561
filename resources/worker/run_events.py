"""What a run is told of, and when: what it takes each second, to save its state each minute, and how it ends."""

import math
import os
import time
from pathlib import Path
from typing import Any, Final

from django.db import DatabaseError, close_old_connections
from django.db.models import Max
from django.utils import timezone

from accounts.lib.timestamps import iso
from resources.models import Record, Run
from resources.worker.events import Channel
from resources.worker.running_program import Measured

USAGE_SECONDS: Final = 1.0
STATE_SECONDS: Final = 60.0
# The SDKs save their state each minute by themselves. Half a minute later none of two states that are on their way at
# once is the older one.
FIRST_STATE_SECONDS: Final = 30.0
MEGABYTES_PER_CPU: Final = 4096
_AGAIN_SECONDS: Final = 0.5
_BUSY: Final = 0.95
_LESS_THAN_OVERLOADED: Final = 0.9


class RunEvents:
    """The events of one program of a run."""

    def __init__(self, run: Run, channel: Channel) -> None:
        self._run_id = run.pk
        self._channel = channel
        self._share = 100 * run.memory_mbytes / MEGABYTES_PER_CPU
        self._started_at = time.monotonic()
        self._state_due_at = self._started_at + FIRST_STATE_SECONDS
        self._told_usage_at = self._started_at
        self._ticks = _ticks()
        self._cpu_max = 0.0
        self._saved_before: Any = None
        self._told_at = -math.inf

    @property
    def is_heard(self) -> bool:
        """Whether the program listens."""
        return self._channel.is_connected

    def tell_what_is_due(self, measured: Measured) -> None:
        """Tell what the program takes each second, and to save its state each minute."""
        now = time.monotonic()
        if now - self._told_usage_at >= USAGE_SECONDS:
            self._channel.send("systemInfo", self._describe_usage(measured, now))
        if now >= self._state_due_at:
            self._state_due_at = now + STATE_SECONDS
            self._channel.send("persistState", {"isMigrating": False})

    def tell_aborting(self) -> None:
        """Tell that the run is aborted, gracefully, and to save its state."""
        self._channel.send("aborting", {}, is_last=True)
        self.tell_to_save(is_migrating=False)

    def tell_migrating(self, seconds: float) -> None:
        """Tell that the run goes on elsewhere, so many seconds from now. The SDKs save their state by this, too."""
        self._expect_state()
        self._channel.send("migrating", {"timeRemainingSecs": seconds}, is_last=True)

    def tell_to_save(self, *, is_migrating: bool) -> None:
        """Tell to save the state, unless that was told just now; `has_saved` knows whether it was saved."""
        if time.monotonic() - self._told_at >= _AGAIN_SECONDS:
            self._expect_state()
            self._channel.send("persistState", {"isMigrating": is_migrating})

    def has_saved(self) -> bool:
        """Tell whether the run has saved anything in its key-value store since it was told to."""
        return bool(self._last_saved_at() != self._saved_before)

    def _expect_state(self) -> None:
        self._state_due_at = math.inf
        self._told_at = time.monotonic()
        self._saved_before = self._last_saved_at()

    def _last_saved_at(self) -> Any:
        try:
            return Record.objects.filter(store__run_id=self._run_id).aggregate(at=Max("modified_at"))["at"]
        except DatabaseError:
            close_old_connections()
            return self._saved_before

    def _describe_usage(self, measured: Measured, now: float) -> dict[str, Any]:
        """Return the data of a systemInfo: bytes, and processors in percent of one.

        Clients take what is more than the share that the memory stands for as too much. No run is held to its share,
        so that more than it is told only where the machine has no more to give.
        """
        self._told_usage_at = now
        before, self._ticks = self._ticks, _ticks()
        ticks, busy = (after - earlier for after, earlier in zip(self._ticks, before, strict=True))
        cpu = measured.cpu_current_percent
        is_overloaded = cpu >= self._share and ticks > 0 and busy / ticks >= _BUSY
        cpu = cpu if is_overloaded else min(cpu, _LESS_THAN_OVERLOADED * self._share)
        self._cpu_max = max(self._cpu_max, cpu)
        average = measured.cpu_millis / (10 * max(now - self._started_at, 0.001))
        return {
            "memAvgBytes": measured.memory_average_bytes,
            "memCurrentBytes": measured.memory_current_bytes,
            "memMaxBytes": measured.memory_max_bytes,
            "cpuAvgUsage": min(average, self._cpu_max),
            "cpuMaxUsage": self._cpu_max,
            "cpuCurrentUsage": cpu,
            "isCpuOverloaded": is_overloaded,
            "createdAt": iso(timezone.now()),
        }


def _ticks() -> tuple[int, int]:
    """Return for how long the machine has had its processors, and they were busy, in ticks; zeros where not known."""
    try:
        first = Path("/proc/stat").read_text(encoding="ascii").partition(os.linesep)[0]
    except (OSError, ValueError):
        return 0, 0
    user, nice, system, idle, waiting, *others = map(int, first.split()[1:9])
    busy = user + nice + system + sum(others)
    return busy + idle + waiting, busy
