"""The processes of a job: which they are, what they take, and how they are told to end. Read from /proc."""

import os
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

_PAGE, _TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
_ISOLATING = "bwrap"
MANY = 65_536
_STILL, _STOPPING_SECONDS = "TtZX", 0.1  # states of processes that do nothing
# How long, how often and how many are looked for that were started before their parents were stopped.
_FINDING_SECONDS, _LEAST_ROUNDS, MOST_STOPPED = 0.2, 3, 1024
_TEMPORARY = ("tmp", "dev/shm")


@dataclass(frozen=True, slots=True)
class Usage:
    """What processes take at one moment. `memory_bytes` counts what several of them share several times.

    `files` is how many they have open, hardly more than MANY, and `files_bytes` what is in files that lie in memory.
    """

    memory_bytes: int
    cpu_millis: int
    files: int = 0
    files_bytes: int = 0


class CannotStop(RuntimeError):
    """A job starts processes faster than they can be stopped, or has too many."""


def process_tree(root: int, most: int = MANY) -> list[int]:
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


def measure_usage(pids: list[int]) -> Usage:
    """Return what processes take; those that have ended in between take nothing."""
    memory, ticks = 0, 0
    for pid in pids:
        fields = _stat(pid)
        if not fields:
            continue
        # From the state on: utime, stime, and those of children that were waited for are 11 to 14, rss is 21.
        ticks += sum(map(int, fields[11:15]))
        memory += int(fields[21]) * _PAGE
    files, in_files = _anonymous_files(pids)
    in_files += _temporary_files(pids)
    return Usage(memory + in_files, ticks * 1000 // _TICKS, files, in_files)


def measure_memory(pids: list[int], files_bytes: int) -> int:
    """Return the memory of processes in bytes, what they share counted once. Exact, and dearer than `measure_usage`.

    What is in files in memory may be mapped, too: of both the larger one counts, so that nothing counts twice.
    """
    proportional = [_proportional(pid) for pid in pids]
    shared = sum(each.get("Pss_Shmem", 0) for each in proportional)
    return sum(each.get("Pss", 0) for each in proportional) - shared + max(shared, files_bytes)


def send_signal(root: int, number: signal.Signals) -> None:
    """Send a signal to a job's processes, but not to those that isolate it: they end when the last of the job does."""
    for pid, started in _identified(process_tree(root), root).items():
        if _name(pid) != _ISOLATING:
            _send(pid, started, number)


def kill_tree(root: int) -> None:
    """Kill a job's processes. With isolation the kernel takes all others with the first of their namespace, at once.

    That one asks to end with bubblewrap only when the sandbox is set up, so it is killed, too. Meanwhile bubblewrap is
    stopped, and so starts no other.
    """
    is_isolated = _name(root) == _ISOLATING
    if is_isolated:
        _send(root, _origin(root)[1], signal.SIGSTOP)
        _wait_for_stop([root])
    for pid, started in _identified(process_tree(root), root).items():
        if not is_isolated or _name(pid) == _ISOLATING:
            _send(pid, started, signal.SIGKILL)


@contextmanager
def stopped(root: int) -> Iterator[None]:
    """Stop a job's processes as long as the block lasts, with those that they start before they are stopped.

    Raises:
        CannotStop: when there are new ones again and again, as where each starts the next one and ends, or too many, or
            this process is one of them.
    """
    seen: dict[int, str] = {}
    try:
        _stop(root, seen)
        _wait_for_stop(seen)
        yield
    finally:
        for pid, started in seen.items():
            _send(pid, started, signal.SIGCONT)


def _stop(root: int, seen: dict[int, str]) -> None:
    """Stop processes until there are no new ones; `seen` is filled with them, and when each was started."""
    until, rounds = time.monotonic() + _FINDING_SECONDS, 0
    while new := _new(root, seen):
        rounds += 1
        if os.getpid() in new:  # nothing would let this process go on
            raise CannotStop
        if len(seen) + len(new) > MOST_STOPPED or (rounds > _LEAST_ROUNDS and time.monotonic() > until):
            raise CannotStop
        for pid, started in new.items():
            seen[pid] = started
            _send(pid, started, signal.SIGSTOP)


def _new(root: int, seen: dict[int, str]) -> dict[int, str]:
    found = _identified(process_tree(root, MOST_STOPPED), root)
    return {pid: started for pid, started in found.items() if seen.get(pid) != started}


def _identified(pids: list[int], root: int) -> dict[int, str]:
    """Return when each process was started, which tells it from a later one with its number.

    `pids` is a tree, parents first. One that is not the child of another one in it has its number from elsewhere.
    """
    found: dict[int, str] = {}
    for pid in pids:
        parent, started = _origin(pid)
        if started and (pid == root or parent in found):
            found[pid] = started
    return found


def _wait_for_stop(pids: Iterable[int]) -> None:
    """Wait until processes have taken note of being stopped, but not for long: one that waits for a disk is late."""
    until = time.monotonic() + _STOPPING_SECONDS
    for pid in pids:
        while _state(pid) not in _STILL and time.monotonic() < until:
            time.sleep(0.001)


def _state(pid: int) -> str:
    return (_stat(pid) or ["X"])[0]


def _origin(pid: int) -> tuple[int, str]:
    """Return the parent of a process and when it was started, in ticks; (0, "") when it is gone."""
    fields = _stat(pid)
    return (int(fields[1]), fields[19]) if fields else (0, "")


def _stat(pid: int) -> list[str]:
    """Return what /proc says of a process from its state on; [] when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _proportional(pid: int) -> dict[str, int]:
    """Return the parts of memory that are a process's own share, "Pss" all and "Pss_Shmem" that of files in memory."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return {}
    rows = (line.split() for line in lines if line.startswith("Pss"))
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def _temporary_files(pids: list[int]) -> int:
    """Return how many bytes are in the file systems in memory that isolation gives a job, by whichever process."""
    ours = {_device(f"/{name}") for name in _TEMPORARY}
    taken = {}
    for pid in pids:
        for name in _TEMPORARY:
            seen = f"/proc/{pid}/root/{name}"
            device = _device(seen)
            if device is None or device in ours or device in taken:
                continue
            with suppress(OSError):  # it has ended in between
                about = os.statvfs(seen)
                taken[device] = (about.f_blocks - about.f_bfree) * about.f_frsize
    return sum(taken.values())


def _anonymous_files(pids: list[int]) -> tuple[int, int]:
    """Return how many files are open, and the bytes in those that lie in memory without a name, each counted once."""
    sizes, seen = {}, 0
    for path in islice(_descriptors(pids), MANY + 1):
        seen += 1
        try:
            about = os.stat(path)  # noqa: PTH116  # of very many, very often
        except OSError:  # it was closed in between
            continue
        if about.st_dev == _device_of_anonymous_files():
            sizes[about.st_ino] = about.st_blocks * 512
    return seen, sum(sizes.values())


def _descriptors(pids: list[int]) -> Iterator[str]:
    for pid in pids:
        with suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
            for entry in entries:
                yield entry.path


@cache
def _device_of_anonymous_files() -> int:
    """Return the device that the kernel keeps them on, which cannot be mounted."""
    descriptor = os.memfd_create("latchkey")
    try:
        return os.fstat(descriptor).st_dev
    finally:
        os.close(descriptor)


def _device(path: str) -> int | None:
    try:
        return os.stat(path).st_dev  # noqa: PTH116  # very often
    except OSError:
        return None


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def _send(pid: int, started: str, number: signal.Signals) -> None:
    """Send a signal to the process that was started then, and to no later one that has its number."""
    with suppress(ProcessLookupError, PermissionError):  # it has ended in between
        opened = os.pidfd_open(pid)
        try:
            # What is opened keeps its number until it is gone, and then it gets no signal.
            if _origin(pid)[1] == started:
                signal.pidfd_send_signal(opened, number)
        finally:
            os.close(opened)
