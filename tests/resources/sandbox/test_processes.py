"""Stopping and killing the processes of a run: it comes to an end whatever they do, and meets no other process."""

import itertools
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

import pytest

from resources.jobs.status import JobStatus
from resources.models import Run
from resources.sandbox import processes
from resources.sandbox.disk_limit import Disk
from resources.worker import execute_run, supervise
from tests.support.machine import needs_programs
from tests.support.network_world import ROOT
from tests.support.work_stage import started

BEYOND = 1 << 22  # no process can have this number
WAITS = [sys.executable, "-c", "print('ready', flush=True); input()"]
# Each process of a chain starts the next one and ends; all ends when the first process does, or after some rounds.
CHAINS = """
import ctypes, os, select, signal
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # the parent of all that lose theirs
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
ends, lives = os.pipe()
for chain in range(20):
    if not os.fork():
        os.close(lives)
        for generation in range(1000):
            if select.select([ends], [], [], 0)[0] or os.fork():
                os._exit(0)
        os._exit(0)
print('ready', flush=True)
input()
"""


def process_of(command: list[str]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


@pytest.mark.parametrize("seconds_of_a_round", [0.01, 1.0])
def test_stopping_ends_where_there_are_always_new_processes(monkeypatch, seconds_of_a_round):
    clock, rounds = itertools.count(step=seconds_of_a_round), itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(processes, "process_tree", lambda root, most=0: [BEYOND + next(rounds)])
    monkeypatch.setattr(processes, "_origin", lambda pid: (0, "1"))
    monkeypatch.setattr(processes, "_identified", lambda pids, root: dict.fromkeys(pids, "1"))
    with pytest.raises(processes.CannotStop), processes.stopped(os.getpid()):
        pytest.fail("It was said that they are stopped.")
    assert next(rounds) <= max(0.3 / seconds_of_a_round, 5)


def test_a_process_does_not_stop_itself():
    with pytest.raises(processes.CannotStop), processes.stopped(os.getpid()):
        pytest.fail("It was said that they are stopped.")


def test_a_slow_machine_alone_is_no_reason_not_to_stop(monkeypatch):
    clock = itertools.count(step=10.0)
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    with process_of(WAITS) as process, processes.stopped(process.pid):
        process.kill()


def test_stopping_ends_where_there_are_too_many(monkeypatch):
    monkeypatch.setattr(processes, "MOST_STOPPED", 20)
    starts = "import subprocess\nfor _ in range(30): subprocess.Popen(['cat'])\nprint('ready', flush=True); input()"
    with process_of([sys.executable, "-c", starts]) as process:
        with pytest.raises(processes.CannotStop), processes.stopped(process.pid):
            pytest.fail("It was said that they are stopped.")
        process.communicate(b"\n")


def test_chains_of_processes_do_not_keep_it_from_ending(tmp_path, monkeypatch):
    monkeypatch.setattr(Disk, "_is_suspicious", lambda self, now: True)
    disk = Disk(tmp_path, 1 << 30)
    assert disk.measure(os.getpid()) == ""
    with process_of([sys.executable, "-c", CHAINS]) as process:
        assert disk.measure(process.pid) in ("", "processes that start others")
        assert process.poll() is None
        processes.kill_tree(process.pid)


@pytest.mark.django_db
def test_a_run_whose_processes_cannot_be_stopped_is_ended_and_says_why(ada, monkeypatch):
    def cannot(root, seen):
        raise processes.CannotStop

    monkeypatch.setattr(supervise, "STEP_SECONDS", 0.02)
    monkeypatch.setattr(processes, "_stop", cannot)
    monkeypatch.setattr(Disk, "_is_suspicious", lambda self, now: True)
    run = started(ada, {"main.py": "while True:\n    pass"})
    execute_run.execute(run.pk)
    run = Run.objects.get(pk=run.pk)
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)
    assert run.status_message == "The Actor was stopped: it had too many processes that start others."


@pytest.mark.parametrize("send", [processes.kill_tree, lambda root: processes.send_signal(root, signal.SIGTERM)])
def test_a_process_that_got_the_number_of_one_of_a_run_gets_no_signal(monkeypatch, send):
    """The list of children is read before the signals are sent; in between a number can pass to another process."""
    with process_of(WAITS) as of_run, process_of(WAITS) as other:
        monkeypatch.setattr(processes, "process_tree", lambda root, most=0: [of_run.pid, other.pid])
        send(of_run.pid)
        assert of_run.wait(60) < 0
        assert other.poll() is None
        other.communicate(b"\n")
        assert other.returncode == 0


def test_a_process_that_gets_the_number_after_it_was_looked_at_gets_no_signal():
    with process_of(WAITS) as process:
        processes._send(process.pid, "1", signal.SIGKILL)
        process.communicate(b"\n")
        assert process.returncode == 0


def test_stopping_meets_no_process_that_got_a_number_in_between(monkeypatch):
    with process_of(WAITS) as of_run, process_of(WAITS) as other:
        monkeypatch.setattr(processes, "process_tree", lambda root, most=0: [of_run.pid, other.pid])
        with processes.stopped(of_run.pid):
            assert processes._state(of_run.pid) == "T"
            assert processes._state(other.pid) != "T"
        for process in (of_run, other):
            process.communicate(b"\n")


@needs_programs("bwrap")
def test_a_sandbox_that_is_killed_while_it_is_set_up_leaves_nothing():
    """Until then bubblewrap's child does not end with it. This one waits before it asks for that."""
    (held, wait), (alive, ends), (told, tells) = os.pipe(), os.pipe(), os.pipe()
    options = ["--unshare-user", "--unshare-pid", "--ro-bind", "/", "/", "--die-with-parent", "--new-session"]
    waits = ["--block-fd", str(held), "--info-fd", str(tells)]
    bubblewrap = subprocess.Popen(["bwrap", *options, *waits, "sleep", "infinity"], pass_fds=[held, ends, tells])
    os.close(ends)
    assert b"child-pid" in os.read(told, 1024)

    processes.kill_tree(bubblewrap.pid)

    bubblewrap.wait(30)
    os.close(wait)  # a child that is left goes on, and sleeps for ever
    os.close(held)
    assert select.select([alive], [], [], 30)[0] == [alive]  # no process has the other end open
    for end in (alive, told, tells):
        os.close(end)


# A bubblewrap that waits while it sets up the sandbox, and says so; what is started in it has the file `lives` open.
WAITS_IN_SET_UP = """#!/bin/sh
exec {program} --block-fd 7 --info-fd 8 "$@" 7<>{here}/goes-on 8>{here}/waits 9>{here}/lives
"""
STARTS_A_PROGRAM = """
import os, signal, sys
from pathlib import Path
import django
django.setup()
from resources.sandbox.bubblewrap import Isolation
from resources.sandbox.disk_limit import Disk
from resources.worker.log_writer import Lines
from resources.worker.running_program import Program, RunningProgram

here = Path(sys.argv[1])
disk = Disk(here, 1 << 30)
environment = {"PATH": os.defpath}
program = Program(["sleep", "infinity"], environment, "/", 1 << 30, 1 << 30, disk)
running = RunningProgram(program, Isolation(on=True), Lines("none"))
signal.pause()
"""


@needs_programs("bwrap")
def test_a_sandbox_whose_worker_is_killed_while_it_is_set_up_ends_itself(tmp_path):
    """No process is left to kill it then, and it asks too late to end with its parent."""
    for name in ("goes-on", "waits", "lives"):
        os.mkfifo(tmp_path / name)
    waits, lives = (os.open(tmp_path / name, os.O_RDONLY | os.O_NONBLOCK) for name in ("waits", "lives"))
    goes_on = os.open(tmp_path / "goes-on", os.O_RDWR)
    script = tmp_path / "bwrap"
    script.write_text(WAITS_IN_SET_UP.format(program=shutil.which("bwrap"), here=tmp_path))
    script.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    worker = subprocess.Popen([sys.executable, "-c", STARTS_A_PROGRAM, str(tmp_path)], env=environment, cwd=ROOT)
    said = b""
    while b"child-pid" not in said:
        assert select.select([waits], [], [], 60)[0]
        said += os.read(waits, 1024)

    held = int(re.search(rb"child-pid\D+(\d+)", said)[1])
    bubblewrap = os.pidfd_open(processes._origin(held)[0])
    worker.kill()
    worker.wait(30)
    assert select.select([bubblewrap], [], [], 30)[0]  # dies with its worker
    os.write(goes_on, b".")
    try:
        assert select.select([lives], [], [], 30)[0] == [lives]
        assert os.read(lives, 1) == b""  # no process has it open
    finally:
        for end in (waits, lives, goes_on, bubblewrap):
            os.close(end)
        if processes._origin(held)[0]:
            os.kill(held, signal.SIGKILL)
