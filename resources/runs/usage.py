"""What a run has used: time, memory, and what was written to and read from its storages."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from accounts.lib import database_clock
from resources.jobs.status import AT_WORK
from resources.kinds import Kind
from resources.models import Dataset, KeyValueStore, RequestQueue, Resource, Run

_MILLISECOND = timedelta(milliseconds=1)
_HOUR_MILLIS = 3_600_000
_MBYTES_OF_UNIT = 1024


def ran_millis(run: Run, now: datetime | None = None) -> int:
    """Return for how many milliseconds a run has been at work, up to now, with what was before it was resurrected."""
    if run.started_at is None:
        return run.before_millis
    end = (now or database_clock.now()) if run.status in AT_WORK else run.finished_at
    return run.before_millis + (max(timedelta(), end - run.started_at) // _MILLISECOND if end else 0)


def compute_units(run: Run, millis: int) -> float:
    """Return what a run takes of the machine: one unit is a gigabyte of memory for an hour."""
    return round(run.memory_mbytes / _MBYTES_OF_UNIT * millis / _HOUR_MILLIS, 6)


def get_stats(run: Run) -> dict[str, Any]:
    """Return the statistics of a run, as the API has them. Clients read all of them; what was not measured is 0."""
    millis = ran_millis(run)
    cpu_average = 100 * run.cpu_millis / millis if millis else 0.0
    is_at_work = run.status in AT_WORK
    return {
        "inputBodyLen": run.input_bytes,
        "migrationCount": run.migration_count or 0,  # a run whose worker dies is taken up again as a restart
        "rebootCount": run.reboot_count,
        "restartCount": run.restart_count,
        "resurrectCount": run.resurrect_count,
        "memAvgBytes": run.memory_average_bytes,
        "memMaxBytes": run.memory_max_bytes,
        "memCurrentBytes": (run.memory_current_bytes or 0) if is_at_work else 0,
        "cpuAvgUsage": round(cpu_average, 3),
        # One that ends soon is measured as a whole.
        "cpuMaxUsage": round(max(run.cpu_max_percent or 0.0, cpu_average), 3),
        "cpuCurrentUsage": round((run.cpu_current_percent or 0.0) if is_at_work else 0.0, 3),
        "netRxBytes": run.received_bytes or 0,
        "netTxBytes": run.sent_bytes or 0,
        "durationMillis": millis,
        "runTimeSecs": millis / 1000,
        "metamorph": len(run.metamorphs),
        "computeUnits": compute_units(run, millis),
    }


def get_usage(run: Run, storages: Iterable[Resource]) -> dict[str, Any]:
    """Return what a run has used, in units that the API has a name for, of its default `storages` as well."""
    usage: dict[str, Any] = {"ACTOR_COMPUTE_UNITS": compute_units(run, ran_millis(run))}
    for storage in storages:
        name = _NAMES[Kind(storage.kind)]
        usage[f"{name}_READS"] = storage.read_count
        if isinstance(storage, Dataset | KeyValueStore | RequestQueue):
            usage[f"{name}_WRITES"] = storage.write_count
        if isinstance(storage, KeyValueStore):
            usage[f"{name}_LISTS"] = storage.list_count
    return usage


_NAMES = {
    Kind.DATASET: "DATASET",
    Kind.KEY_VALUE_STORE: "KEY_VALUE_STORE",
    Kind.REQUEST_QUEUE: "REQUEST_QUEUE",
}
