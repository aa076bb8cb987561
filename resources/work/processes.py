"""The processes of a job: which they are, what they take, and how they are told to end. Read from /proc."""

import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
_ISOLATING = "bwrap"
MANY = 65_536


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes take at one moment. `memory_bytes` counts what several of them share several times."""

    memory_bytes: int
    cpu_millis: int


def tree(root: int, most: int = MANY) -> list[int]:
    """Return the process `root` and its descendants, parents first, hardly more than `most`; [] when it is gone."""
    found, seen = [root], 0
    while seen < len(found) <= most:
        pid = found[seen]
        seen += 1
        for task in _tasks(pid):
            try:
                found += map(int, (task / "children").read_text().split())
            except (OSError, ValueError):  # it has ended in between
                continue
    return found if Path(f"/proc/{root}").exists() else []


def usage_of(pids: list[int]) -> Usage:
    """Return what processes take; those that have ended in between take nothing."""
    memory, ticks = 0, 0
    for pid in pids:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
        except OSError:
            continue
        fields = stat.rpartition(")")[2].split()
        # From the state on: utime, stime, and those of children that were waited for are 11 to 14, rss is 21.
        ticks += sum(map(int, fields[11:15]))
        memory += int(fields[21]) * _PAGE
    return Usage(memory, ticks * 1000 // _TICKS)


def memory_of(pids: list[int]) -> int:
    """Return the memory of processes in bytes, what they share counted once. Exact, and dearer than `usage_of`."""
    return sum(_proportional(pid) for pid in pids)


def tell(root: int, number: signal.Signals) -> None:
    """Send a signal to a job's processes, but not to those that isolate it: they end when the last of the job does."""
    for pid in tree(root):
        if _name(pid) != _ISOLATING:
            _send(pid, number)


def kill(root: int) -> None:
    """Kill a job's processes. With isolation the kernel takes all others with the first, at once."""
    pids = tree(root)
    if _name(root) == _ISOLATING:
        _send(root, signal.SIGKILL)
        return
    for pid in pids:
        _send(pid, signal.SIGKILL)


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _proportional(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _send(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):  # it has ended, and its number may be somebody else's by now
        os.kill(pid, number)
