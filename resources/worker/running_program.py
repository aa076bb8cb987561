"""A running program of a run or build: start, read output, enforce limits, stop."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from resources.sandbox import LAUNCH_PROGRAM, processes, seccomp
from resources.sandbox.bubblewrap import (
    BindMount,
    Isolation,
    IsolationMissing,
    bubblewrap,
    bubblewrap_arguments,
    encode_environment,
    end_without_worker,
    make_memory_file,
)
from resources.sandbox.disk_limit import Disk
from resources.sandbox.network.starting import NetworkFailed, Relays, RunNetwork
from resources.worker.log_writer import Lines
from resources.worker.run_proxy import RunProxy

KILLED = 137  # what shells say of a process that was killed
MAX_PROCESSES = 512
_MEASURE_SECONDS = 0.25
_QUICK_MEASUREMENTS = 4  # at the beginning, so that one that ends soon was measured too
CPU_SECONDS = 0.9  # the kernel counts in hundredths of a second, so that shorter ones say nothing
_READ_BYTES = 64 * 1024
_DRAIN_SECONDS = 1.0
_LAUNCHER_ENVIRONMENT = {"PATH": os.defpath, "LANG": "C.UTF-8"}


@dataclass(frozen=True, slots=True)
class Program:
    """What is to be started, in the terms of where it is started: with isolation, paths are those inside.

    `file_bytes` is how large one file may be, and `disk` measures all files together. `relays` are what it reaches
    besides where it has a network of its own: addresses and ports there, each with those on this machine. `proxy` is
    the one that it finds by its variables, None for none.
    """

    command: Sequence[str]
    environment: Mapping[str, str]
    directory: str
    memory_bytes: int
    file_bytes: int
    disk: Disk
    mounts: Sequence[BindMount] = ()
    relays: Relays = field(default_factory=dict)
    proxy: RunProxy | None = None


@dataclass(slots=True)
class Measured:
    """What a program took: of memory, of its time on processors, and of its network.

    Memory is the most, the average over its measurements, and what it has now. `cpu_max_percent` and
    `cpu_current_percent` are the part of one processor's time that it took between two measurements, at least
    CPU_SECONDS apart: 200 where it kept two processors busy. `received_bytes` and `sent_bytes` are None where it
    shares the server's network.
    """

    memory_max_bytes: int = 0
    memory_average_bytes: float = 0
    cpu_millis: int = 0
    times: int = 0
    memory_current_bytes: int = 0
    cpu_max_percent: float = 0
    cpu_current_percent: float = 0
    received_bytes: int | None = None
    sent_bytes: int | None = None
    _cpu_since: float | None = field(default=None, init=False)
    _cpu_millis_then: int = field(default=0, init=False)

    def add(self, memory_bytes: int, cpu_millis: int, now: float) -> None:
        """Take another measurement in, of a moment in seconds of a clock that never goes back."""
        self.times += 1
        self.memory_current_bytes = memory_bytes
        self._add_cpu(cpu_millis, now)
        self.memory_max_bytes = max(self.memory_max_bytes, memory_bytes)
        self.memory_average_bytes += (memory_bytes - self.memory_average_bytes) / self.times
        self.cpu_millis = max(self.cpu_millis, cpu_millis)

    def _add_cpu(self, cpu_millis: int, now: float) -> None:
        """Note what part of a processor it took since the last time, where that was not just now."""
        if self._cpu_since is not None:
            seconds = now - self._cpu_since
            if seconds < CPU_SECONDS:
                return
            # Less than before, where a process has ended whose parent did not wait for it.
            self.cpu_current_percent = max(0, cpu_millis - self._cpu_millis_then) / 10 / seconds
            self.cpu_max_percent = max(self.cpu_max_percent, self.cpu_current_percent)
        self._cpu_since, self._cpu_millis_then = now, cpu_millis


class RunningProgram:
    """A program that is running, in isolation where there is any, with all that it starts.

    `exit_code` is None while it runs. `too_much` says what it took too much of when that is why it was killed, and
    `failed_connections` how many of its connections came to nothing, where it has a network of its own.

    Raises:
        IsolationMissing: when its network cannot be set up.
    """

    def __init__(self, program: Program, isolation: Isolation, lines: Lines) -> None:
        self.exit_code: int | None = None
        self.too_much = ""
        self.measured = Measured()
        self._program = program
        self._lines = lines
        self._measured_at = 0.0
        self.failed_connections = 0
        self._network = _start_network(isolation, program)
        try:
            self._process = _start(program, isolation, self._network)
        except BaseException:
            self._end_network()
            raise
        assert self._process.stdout is not None  # noqa: S101  # for the type checker
        self._out = self._process.stdout.fileno()
        self._is_open = True
        os.set_blocking(self._out, False)

    def attend(self, seconds: float) -> bool:
        """Take what it prints for so many seconds at most, measure it; return whether it has ended by then."""
        until = time.monotonic() + seconds
        while self.exit_code is None and (left := until - time.monotonic()) > 0:
            self._read(0 if self._program.disk.is_measuring else min(left, 0.05))
            self._lines.write()
            self._measure()
            if too_much := self._program.disk.measure(self._process.pid):
                self._stop_for(too_much)
            self._note_the_first_use_of_the_proxy()
            self._look_whether_the_network_failed()
            self._look_whether_it_ended()
        return self.exit_code is not None

    def terminate(self) -> None:
        """Ask it to end."""
        processes.send_signal(self._process.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it, and everything that it started."""
        processes.kill_tree(self._process.pid)

    def close(self) -> None:
        """Kill what is left of it, and take the last that it printed. Safe to call again."""
        while self.exit_code is None:
            self.kill()
            self.attend(0.1)
        self._program.disk.close()
        self._note_the_first_use_of_the_proxy()
        # What ran without isolation and left its parents behind may hold the pipe open for ever.
        until = time.monotonic() + _DRAIN_SECONDS
        while self._is_open and time.monotonic() < until:
            self._read(0.05)
        if self._process.stdout is not None:
            self._process.stdout.close()
            self._is_open = False
        self._end_network()

    def _read(self, seconds: float) -> None:
        if not self._is_open:
            time.sleep(seconds)
            return
        if select.select([self._out], [], [], seconds)[0]:
            printed = os.read(self._out, _READ_BYTES)
            self._is_open = bool(printed)
            self._lines.feed(printed)

    def _measure(self) -> None:
        pause = _MEASURE_SECONDS if self.measured.times > _QUICK_MEASUREMENTS else 0
        if time.monotonic() - self._measured_at < pause:
            return
        pids = processes.process_tree(self._process.pid, MAX_PROCESSES)
        if len(pids) > MAX_PROCESSES:
            self._stop_for("processes")
            return
        usage = processes.measure_usage(pids)
        if usage.files > processes.MANY:
            self._stop_for("open files")
            return
        memory = usage.memory_bytes
        if memory > self._program.memory_bytes:  # what is shared was counted several times: look closely
            memory = processes.measure_memory(pids, usage.files_bytes)
        self.measured.add(memory, usage.cpu_millis, time.monotonic())
        self._measure_network()
        if memory > self._program.memory_bytes:
            self._stop_for("memory")
        self._measured_at = time.monotonic()

    def _measure_network(self) -> None:
        if self._network is not None:
            self.measured.received_bytes, self.measured.sent_bytes = self._network.transferred_bytes()

    def _note_the_first_use_of_the_proxy(self) -> None:
        if self._program.proxy is not None and (notice := self._program.proxy.take_notice()):
            self._lines.note(notice)

    def _look_whether_the_network_failed(self) -> None:
        if self._network is not None and self._network.has_failed():
            self._lines.note("Its network has failed, and so it is ended.")
            self._end_network()
            self.kill()

    def _end_network(self) -> None:
        network, self._network = self._network, None
        if network is not None:
            try:
                self.failed_connections = network.failed_connections()
                self.measured.received_bytes, self.measured.sent_bytes = network.transferred_bytes()
            finally:
                network.close()

    def _stop_for(self, what: str) -> None:
        self.too_much = what
        self.kill()

    def _look_whether_it_ended(self) -> None:
        pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
        if pid == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        # One that was quick may have left more than was ever measured.
        self.too_much = self.too_much or self._program.disk.measure_last()
        self.exit_code = self._process.returncode = KILLED if self.too_much else code if code >= 0 else 128 - code
        self.measured.cpu_millis = max(self.measured.cpu_millis, round((usage.ru_utime + usage.ru_stime) * 1000))


def _start_network(isolation: Isolation, program: Program) -> RunNetwork | None:
    """Set up the network of a program, None where it shares the server's."""
    if isolation.shares_network:
        return None
    try:
        plan = program.proxy.plan if program.proxy is not None and not program.proxy.is_shared else None
        return RunNetwork(isolation.user_mode, program.relays, plan)
    except NetworkFailed as error:
        raise IsolationMissing(f"Nothing is run: a network of its own could not be set up. {error}") from error


def _start(program: Program, isolation: Isolation, network: RunNetwork | None) -> subprocess.Popen[bytes]:
    """Start the launcher, which becomes bubblewrap or the program. Secrets travel by files in memory, not arguments."""
    command, environment, directory = list(program.command), dict(program.environment), program.directory
    keep = []
    namespaces = list(network.namespaces) if network else []
    if isolation.on:
        files = {name: make_memory_file(content) for name, content in (network.files if network else {}).items()}
        arguments = bubblewrap_arguments(program.mounts, {}, directory, program.memory_bytes, files)
        filtering, telling, variables = (
            make_memory_file(seccomp.filter_program()),
            make_memory_file("\0".join([*arguments, ""]).encode()),
            make_memory_file(encode_environment(environment)),
        )
        keep += [*files.values(), filtering, telling, variables]
        options = ["--seccomp", str(filtering), "--args", str(telling)]
        command = [bubblewrap() or "bwrap", *options, "--", *end_without_worker(command, variables)]
        environment, directory = dict(_LAUNCHER_ENVIRONMENT), "/"
    spec = make_memory_file(
        json.dumps(
            {
                "parent": os.getpid(),
                "command": command,
                "environment": environment,
                "directory": directory,
                "fileBytes": program.file_bytes,
                "processes": 2 * MAX_PROCESSES,
                "keep": keep,
                "namespaces": namespaces,
            }
        ).encode()
    )
    try:
        return subprocess.Popen(  # noqa: S603  # no shell, and no words of others among the arguments
            [sys.executable, "-I", "-S", str(LAUNCH_PROGRAM), str(spec)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=_LAUNCHER_ENVIRONMENT,
            cwd="/",
            pass_fds=(spec, *keep, *namespaces),
            start_new_session=True,
        )
    finally:
        for descriptor in (spec, *keep):
            os.close(descriptor)
