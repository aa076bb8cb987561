"""Which calls of the kernel a run may not make, tried by a run that makes them; and that programs still work."""

import errno
import json
import platform
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Run
from resources.sandbox import bubblewrap, seccomp
from resources.worker import execute_run, worker
from tests.support.machine import check_programs, missing, needs_programs
from tests.support.work_stage import needs_bubblewrap, started

pytestmark = pytest.mark.usefixtures("looks_often")

ALLOW, KILL, ERROR = 0x7FFF0000, 0x80000000, 0x00050000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
MACHINES = list(ARCHITECTURES)
# Calls that every program makes, on either processor.
NEEDED = {
    "x86_64": {"read": 0, "mmap": 9, "fork": 57, "execve": 59, "fallocate": 285, "seccomp": 317, "statx": 332},
    "aarch64": {"read": 63, "mmap": 222, "execve": 221, "fallocate": 47, "seccomp": 277, "statx": 291},
}
HEADERS = {
    "x86_64": Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h"),
    "aarch64": Path("/usr/include/asm-generic/unistd.h"),
}

# Makes each call with arguments that no kernel takes, in a process of its own, and prints what it got.
PROBE = """
import ctypes, errno, json, os
libc = ctypes.CDLL(None, use_errno=True)

def answer(number, *args):
    ctypes.set_errno(0)
    done = libc.syscall(ctypes.c_long(number), *map(ctypes.c_long, args))
    if done >= 0 and number == CLONE and not done:
        os._exit(0)
    return errno.errorcode[ctypes.get_errno()] if done < 0 else "done"

CALLS, CLONE = json.loads(os.environ["CALLS"]), int(os.environ["CLONE"])
print(json.dumps({name: answer(*call) for name, call in CALLS.items()}))
"""


def numbers(calls: dict, machine: str) -> dict[str, int]:
    column = MACHINES.index(machine)
    return {name: each[column] for name, each in calls.items() if each[column] is not None}


def answered(machine: str, number: int, *args: int, architecture: int | None = None) -> int:
    """Return what a filter answers: run by the rules of the kernel's machine for filters."""
    data = struct.pack("=iIQ6Q", 0, 0, 0, *(*args, *[0] * (6 - len(args))))
    data = struct.pack("=II", number, architecture or ARCHITECTURES[machine]) + data[8:]
    program = list(struct.iter_unpack("=HBBI", seccomp.filter_program(machine)))
    at, loaded = 0, 0
    while True:
        code, then, otherwise, value = program[at]
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
            continue
        fits = {0x15: loaded == value, 0x25: loaded > value, 0x45: bool(loaded & value)}[code]
        at += then if fits else otherwise


def executed(run: Run) -> str:
    execute_run.execute(run.pk)
    run.refresh_from_db()
    log = read_text(run.pk)
    assert run.status == JobStatus.SUCCEEDED, log
    return log


def said(run: Run) -> dict:
    (line,) = [line for line in executed(run).splitlines() if " {" in line]
    return json.loads(line.partition(" ")[2])


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_refused_on_every_processor(machine):
    for name, number in numbers(seccomp._REFUSED, machine).items():
        assert answered(machine, number) == ERROR | errno.EPERM, name
    for name, number in numbers(seccomp._UNAVAILABLE, machine).items():
        assert answered(machine, number) == ERROR | errno.ENOSYS, name
    for number in (467, 512, 0x3FFFFFFF, 0x40000000, 0x40000000 | 59, 0xFFFFFFFF):
        assert answered(machine, number) == ERROR | errno.ENOSYS, number
    for architecture in (0x40000003, 0x40000028, ARCHITECTURES[MACHINES[1 - MACHINES.index(machine)]], 1):
        assert answered(machine, 0, architecture=architecture) == KILL


@pytest.mark.parametrize("machine", MACHINES)
def test_what_is_refused_for_its_arguments(machine):
    column = MACHINES.index(machine)
    clone, ioctl, socket = seccomp._CLONE[column], seccomp._IOCTL[column], seccomp._SOCKET[column]
    for bit in (17, 25, 26, 27, 28, 29, 30):
        assert answered(machine, clone, 1 << bit | 17) == ERROR | errno.EPERM, bit
        assert answered(machine, clone, 1 << 40 | 1 << bit) == ERROR | errno.EPERM, bit
    assert answered(machine, clone, 0x3D0F00) == ALLOW  # a thread
    assert answered(machine, clone, 0x1200011) == ALLOW  # a fork
    for request in (0x5412, 0x541C, 1 << 32 | 0x5412):
        assert answered(machine, ioctl, 0, request) == ERROR | errno.EPERM
    assert answered(machine, ioctl, 0x5412, 0x5401) == ALLOW
    for family in (1, 2, 10, 16):
        assert answered(machine, socket, family, 1) == ALLOW
    for family in (0, 17, 38, 40, 1 << 32 | 40):
        assert answered(machine, socket, family, 1) == ERROR | errno.EAFNOSUPPORT


@pytest.mark.parametrize("machine", MACHINES)
def test_what_every_program_needs_is_allowed(machine):
    for name, number in NEEDED[machine].items():
        assert answered(machine, number, 0x7E020000, 0x5412) == ALLOW, name


@pytest.mark.parametrize("machine", MACHINES)
def test_the_numbers_are_those_of_the_kernel(machine):
    if not HEADERS[machine].is_file():
        pytest.skip("The headers of the kernel are not installed here.")
    found = re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", HEADERS[machine].read_text())
    known = {name: int(number) for name, number in found}
    others = {"clone": seccomp._CLONE, "ioctl": seccomp._IOCTL, "socket": seccomp._SOCKET}
    for calls in (seccomp._REFUSED, seccomp._UNAVAILABLE, others):
        named = numbers(calls, machine)
        assert named == {name: known[name] for name in named}
        assert {name for name in calls if name in known} == named.keys()


def test_a_processor_whose_calls_are_not_known_is_not_isolated(monkeypatch, db):
    monkeypatch.setattr(bubblewrap, "bubblewrap", lambda: "/usr/bin/bwrap")
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert "(riscv64) are not known here" in bubblewrap.isolation().why_not


def calls_of_this_machine() -> dict[str, tuple[int, ...]]:
    """Return the calls that are tried, by what they are called, with arguments that mean nothing to any kernel."""
    machine = platform.machine()
    column = MACHINES.index(machine)
    named = numbers(seccomp._REFUSED, machine) | numbers(seccomp._UNAVAILABLE, machine)
    calls = {name: (number, *[-1] * 6) for name, number in named.items()}
    calls |= {
        f"clone {bit}": (seccomp._CLONE[column], 1 << bit | 17, 0, 0, 0, 0) for bit in (17, 25, 26, 27, 28, 29, 30)
    }
    calls["TIOCSTI"] = (seccomp._IOCTL[column], 0, 0x5412, 0)
    calls["vsock"] = (seccomp._SOCKET[column], 40, 1, 0)
    calls["unknown"] = (467, *[-1] * 6)
    if machine == "x86_64":
        calls["x32"] = (0x40000000 | 39, *[0] * 6)
    return calls


@needs_bubblewrap
@pytest.mark.django_db
def test_a_run_that_makes_the_calls_is_refused_each(ada, monkeypatch, settings):
    machine, calls = platform.machine(), calls_of_this_machine()
    monkeypatch.setenv("CALLS", json.dumps(calls))
    monkeypatch.setenv("CLONE", str(seccomp._CLONE[MACHINES.index(machine)]))
    settings.RUN_PASSES_ON = ["CALLS", "CLONE"]
    found = said(started(ada, {"main.py": PROBE}))
    expected = dict.fromkeys(calls, "EPERM") | dict.fromkeys(numbers(seccomp._UNAVAILABLE, machine), "ENOSYS")
    expected |= {"vsock": "EAFNOSUPPORT", "unknown": "ENOSYS"}
    expected |= {"x32": "ENOSYS"} if machine == "x86_64" else {}
    assert found == expected


def test_the_same_calls_are_answered_otherwise_where_nothing_filters():
    """So that the test above cannot pass for another reason. Those that would do something are left out."""
    calls = {name: call for name, call in calls_of_this_machine().items() if name in ("keyctl", "mount")}
    told = {"CALLS": json.dumps(calls), "CLONE": "-1"}
    done = subprocess.run([sys.executable, "-c", PROBE], env=told, capture_output=True, timeout=60, check=True)
    assert json.loads(done.stdout) == {"keyctl": "ENOTSUP", "mount": "EFAULT"}


# Makes a call of 32-bit programs (`int 0x80`, getpid) and one of its own ABI after it.
INT_80 = """
import ctypes, mmap, os
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
page.write(bytes.fromhex("b814000000" "cd80" "c3"))
call = ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
child = os.fork()
if not child:
    call()
    os._exit(0)
print("ENDED", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@needs_bubblewrap
@pytest.mark.django_db
@pytest.mark.skipif(platform.machine() != "x86_64", reason="only x86_64 has calls of 32-bit programs")
def test_a_call_of_32_bit_programs_kills_what_makes_it(ada):
    assert " ENDED -31\n" in executed(started(ada, {"main.py": INT_80}))  # SIGSYS


@needs_bubblewrap
@pytest.mark.django_db
@pytest.mark.parametrize(
    "program", ["unshare -U true", "unshare -m true", "nsenter -t 1 -m true", "mount -t proc x /tmp"]
)
def test_the_programs_that_make_namespaces_and_mount_fail(ada, program):
    check_programs(program.split()[0])
    says = f"import subprocess; print('CODE', subprocess.run({program.split()!r}, capture_output=True).returncode)"
    assert " CODE 0\n" not in executed(started(ada, {"main.py": says}))


PYTHON = """
import asyncio, multiprocessing, socket, subprocess, threading

def square(number):
    return number * number

async def pages():
    process = await asyncio.create_subprocess_exec("true")
    return await process.wait()

if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        print("SQUARES", pool.map(square, range(3)))
    print("PAGES", asyncio.run(pages()))
    print("PIP", subprocess.run(["python", "-m", "pip", "--version"], capture_output=True).returncode, flush=True)
    thread = threading.Thread(target=print, args=("THREAD",))
    thread.start()
    thread.join()
"""


@needs_bubblewrap
@pytest.mark.django_db
def test_python_and_pip_run(ada):
    log = executed(started(ada, {"main.py": PYTHON}))
    assert all(f" {each}\n" in log for each in ("SQUARES [0, 1, 4]", "PAGES 0", "PIP 0", "THREAD")), log


NODE = """
const {Worker, isMainThread, parentPort} = require("worker_threads");
const {execFileSync} = require("child_process");
const fs = require("fs");
if (isMainThread) {
    console.log("NPM", execFileSync("npm", ["--version"]).length > 0);
    fs.promises.writeFile("x", "y").then(() => fs.promises.readFile("x", "utf8")).then((it) => console.log("FILE", it));
    new Worker(__filename).on("message", (text) => console.log("WORKER", text));
} else parentPort.postMessage("hello");
"""


@needs_bubblewrap
@pytest.mark.django_db
@needs_programs("npm")
def test_node_and_npm_run(ada):
    log = executed(started(ada, {"package.json": "{}", "main.js": NODE}))
    assert all(f" {each}\n" in log for each in ("NPM true", "FILE y", "WORKER hello")), log


CHROMIUM = """
import subprocess
page = "data:text/html,<p id=x></p><script>x.textContent = 6 * 7</script>"
options = ["--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=/tmp/profile", "--dump-dom"]
done = subprocess.run(["{}", *options, page], capture_output=True, text=True, timeout=120)
print("DOM", done.stdout.strip() or done.stderr[-2000:])
"""


@needs_bubblewrap
@pytest.mark.django_db
def test_chromium_runs_without_a_sandbox_of_its_own(ada):
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        missing("Chromium is not installed here.")
    log = executed(started(ada, {"main.py": CHROMIUM.replace("{}", chromium)}, memory_mbytes=4096))
    assert '<p id="x">42</p>' in log


@pytest.mark.parametrize(("user", "warned"), [(0, True), (1000, False)])
def test_a_worker_that_runs_as_root_says_that_it_should_not(monkeypatch, caplog, user, warned):
    monkeypatch.setattr(worker.os, "geteuid", lambda: user)
    monkeypatch.setattr(worker, "_do", lambda chores: None)
    worker.Worker(0, 0).run()
    worker.worker_identity.stopping.clear()
    assert ("runs as root, and should not" in caplog.text) is warned
