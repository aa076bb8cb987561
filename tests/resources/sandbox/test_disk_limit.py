"""A run or build is held to its disk: all that its files take counts, however they are made, hidden and deleted."""

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from resources.builds import starting
from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Build, Run
from resources.runs import starting as runs
from resources.sandbox import copy_files, directories, disk_limit, disk_usage, processes
from resources.sandbox.disk_limit import Disk
from resources.sandbox.disk_usage import Walk
from resources.worker import build_directory, execute_build, execute_run
from resources.worker.installations import Installation
from tests.support.machine import needs
from tests.support.work_stage import actor_of, built, needs_bubblewrap, started

pytestmark = pytest.mark.usefixtures("looks_often")


@pytest.fixture
def idle() -> Iterator[int]:
    """The ID of a process that has nothing open; that of the tests may have files that were deleted."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process.pid
        process.kill()


MB = 1024**2
LIMIT = 24


@contextmanager
def without_the_rights_of_root() -> Iterator[None]:
    """Be held to the permissions of files as every user is, where the tests run as root."""
    with effective_without(1 << 1 | 1 << 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        yield


@contextmanager
def effective_without(capabilities: int) -> Iterator[None]:
    libc = ctypes.CDLL(None, use_errno=True)
    header, had = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, had) == 0
    fewer = (ctypes.c_uint32 * 6)(*had)
    fewer[0] &= ~capabilities & 0xFFFFFFFF
    fewer[3] &= ~(capabilities >> 32) & 0xFFFFFFFF
    assert libc.capset(header, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(header, had) == 0


def walked(directory: Path) -> Walk:
    walk = Walk(directory)
    while not walk.go_on(0.001):
        pass
    walk.close()
    return walk


def du(directory: Path) -> int:
    said = subprocess.run(["du", "-s", "--block-size=1", str(directory)], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[0])


def nested(directory: Path, depth: int, content: bytes = b"", name: str = "d") -> None:
    """Nest directories more deeply than any path is long, with a file at the end."""
    directory.mkdir(exist_ok=True)
    at = os.open(directory, os.O_DIRECTORY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=at)
        inside = os.open(name, os.O_DIRECTORY, dir_fd=at)
        os.close(at)
        at = inside
    with open("file", "wb", opener=lambda name, flags: os.open(name, flags, dir_fd=at)) as file:
        file.write(content)
    os.close(at)


def test_a_walk_counts_as_the_disk_does(tmp_path):
    files = tmp_path / "files"
    (files / "a/b").mkdir(parents=True)
    (files / "a/large").write_bytes(b"x" * 3 * MB)
    (files / "a/b/link").hardlink_to(files / "a/large")
    (files / "small").write_bytes(b"x")
    (files / "other").hardlink_to(files / "small")
    with (files / "sparse").open("wb") as file:
        file.truncate(1 << 40)
        file.write(b"x")
    (tmp_path / "outside").write_bytes(b"x" * 5 * MB)
    (files / "out").symlink_to(tmp_path / "outside")
    (files / "up").symlink_to("..")
    os.mkfifo(files / "fifo")
    assert walked(files).taken_bytes == du(files)
    assert walked(files).files == 11


def test_what_is_nested_very_deeply_is_counted_with_few_descriptors(tmp_path, monkeypatch):
    nested(tmp_path / "files", 1000, b"x" * MB)
    before, most = len(list(Path("/proc/self/fd").iterdir())), 0
    walk = Walk(tmp_path / "files")
    while not walk.go_on(0):
        if walk.files % 100 == 0:
            most = max(most, len(list(Path("/proc/self/fd").iterdir())) - before)
    assert walk.files == 1002
    assert walk.taken_bytes == du(tmp_path / "files")
    assert most <= disk_usage.KEPT_OPEN + 3
    walk.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    directories.remove(tmp_path / "files")


def test_a_walk_that_is_given_up_leaves_nothing_open(tmp_path):
    nested(tmp_path / "files", 100)
    before = len(list(Path("/proc/self/fd").iterdir()))
    walk = Walk(tmp_path / "files")
    for _ in range(50):
        walk.go_on(0)
    walk.close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o100, 0o200])
def test_a_directory_that_is_closed_hides_nothing(tmp_path, mode):
    hidden = tmp_path / "files/hidden/inside"
    hidden.mkdir(parents=True)
    (hidden / "large").write_bytes(b"x" * MB)
    expected = du(tmp_path / "files")
    for directory in (hidden, hidden.parent):
        directory.chmod(mode)
    with without_the_rights_of_root():
        assert walked(tmp_path / "files").taken_bytes == expected


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_directory_that_is_closed_is_removed_all_the_same(tmp_path, mode):
    hidden = tmp_path / "files/hidden/inside"
    hidden.mkdir(parents=True)
    (hidden / "file").write_bytes(b"x")
    for directory in (hidden, hidden.parent):
        directory.chmod(mode)
    with without_the_rights_of_root():
        directories.remove(tmp_path / "files")
    assert not (tmp_path / "files").exists()


def test_directories_that_are_moved_away_lead_no_walk_astray(tmp_path, monkeypatch):
    """From far inside, the way back is by "..", which then leads elsewhere."""
    monkeypatch.setattr(disk_usage, "KEPT_OPEN", 1)
    (tmp_path / "files/a/b/c/d").mkdir(parents=True)
    (tmp_path / "elsewhere/large").mkdir(parents=True)
    (tmp_path / "elsewhere/large/file").write_bytes(b"x" * 5 * MB)
    walk = Walk(tmp_path / "files")
    while not any(each.names == [] for each in walk._way[3:]):
        assert not walk.go_on(0)
    (tmp_path / "files/a/b/c").rename(tmp_path / "elsewhere/c")
    while not walk.go_on(0):
        pass
    assert walk.taken_bytes < MB


def test_a_large_file_that_is_renamed_meanwhile_counts_once(tmp_path):
    for name in "abc":
        (tmp_path / "files" / name).mkdir(parents=True)
        (tmp_path / "files" / name / "large").write_bytes(b"x" * 2 * MB)
    expected = du(tmp_path / "files")
    walk = Walk(tmp_path / "files")
    while not walk.known:
        assert not walk.go_on(0)
    (seen,) = [path for path in (tmp_path / "files").rglob("large") if path.stat().st_ino in walk.known]
    for name in "abc":
        if not (tmp_path / "files" / name / "again").exists() and (tmp_path / "files" / name) != seen.parent:
            seen.rename(tmp_path / "files" / name / "again")
            break
    while not walk.go_on(0):
        pass
    assert walk.taken_bytes <= expected


DANCES = """
import os, sys
print('ready', flush=True)
while True:
    for here, there in ('ab', 'ba'):
        os.rename(f'{here}/large', f'{there}/large')
"""


def test_files_that_are_moved_out_of_the_way_of_a_walk_are_found_while_nothing_moves(tmp_path, monkeypatch, idle):
    for name in ("a/large", "b"):
        (tmp_path / name).mkdir(parents=True)
    measured, states = Disk(tmp_path, 3 * MB), []
    assert measured.measure(idle) == ""
    for at in range(10):
        (tmp_path / f"a/large/{at}").write_bytes(b"x" * MB)
    go_on = Walk.go_on

    def watched(walk, seconds):
        states.append(Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0])
        return go_on(walk, seconds)

    monkeypatch.setattr(Walk, "go_on", watched)
    with subprocess.Popen([sys.executable, "-c", DANCES], cwd=tmp_path, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        monkeypatch.setattr(measured, "_begun_at", -1e9)
        monkeypatch.setattr(measured, "_ended_at", -1e9)
        monkeypatch.setattr(measured, "_due_at", 1e12)
        monkeypatch.setattr(measured, "_free_bytes_then", measured._free_bytes() + 1e12)
        assert measured.measure(process.pid) == "disk space"
        assert process.poll() is None
        process.kill()
    assert states == ["T"]


class Clock:
    """Time that goes on when it is told to."""

    def __init__(self, monkeypatch) -> None:
        self.now = self.used = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)
        monkeypatch.setattr(time, "thread_time", lambda: self.used)


def test_a_walk_begins_early_where_the_disk_fills_up(tmp_path, monkeypatch, idle):
    clock, free = Clock(monkeypatch), [10_000]
    begun = []

    def go_on(self, seconds):
        begun.append(clock.now)
        clock.used += 1
        return True

    monkeypatch.setattr(Walk, "go_on", go_on)
    monkeypatch.setattr(Disk, "_free_bytes", lambda self: free[0])
    monkeypatch.setattr(processes, "stopped", lambda root: nullcontext())
    measured = Disk(tmp_path, 1000)
    while clock.now < 60:
        measured.measure(idle)
        free[0] = 8_999 if clock.now >= 45 else 10_000
        clock.now += 0.25
    assert begun == [0, 40, 45.25]


@pytest.mark.parametrize("cost", [0.0001, 0.01, 0.4, 30.0])
def test_however_much_a_walk_costs_all_take_five_percent_of_a_core(tmp_path, monkeypatch, cost, idle):
    clock, walks = Clock(monkeypatch), 0

    def go_on(self, seconds):
        nonlocal walks
        walks += 1
        clock.now += cost
        clock.used += cost
        return True

    monkeypatch.setattr(Walk, "go_on", go_on)
    monkeypatch.setattr(Disk, "_free_bytes", lambda self: 10_000)  # others write to this disk: it would stop the test
    measured = Disk(tmp_path, 1000)
    for _ in range(100):
        for _ in range(100):
            measured.measure(idle)
            clock.now += max(cost, 0.05) / 5
    assert clock.used <= 0.05 * clock.now + cost
    assert walks >= min(clock.now / 0.6, clock.now * 0.02 / cost)


@pytest.mark.parametrize(
    ("holds", "counts"),
    [
        ("file = open('x', 'wb'); file.write(b'x' * 3000000); file.flush(); os.unlink('x')", True),
        ("file = os.open('.', os.O_TMPFILE | os.O_RDWR); os.write(file, b'x' * 3000000)", True),
        (
            "file = open('x', 'w+b'); file.write(b'x' * 3000000); file.flush(); os.unlink('x'); "
            "mapped = mmap.mmap(file.fileno(), 0); file.close()",
            True,
        ),
        ("file = os.memfd_create('x'); os.write(file, b'x' * 3000000)", False),
        ("file = open('x', 'wb'); file.write(b'x' * 3000000); file.close(); os.unlink('x')", False),
    ],
)
def test_what_is_deleted_and_still_kept_counts(tmp_path, holds, counts):
    code = f"import mmap, os, sys\n{holds}\nprint('ready', flush=True)\nsys.stdin.read()"
    measured = Disk(tmp_path, 3 * MB)
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert measured._go_on(60, process.pid) == ""
        assert (measured.taken_bytes >= 2_900_000) is counts
        assert measured.taken_bytes <= 3_200_000
        process.communicate()


# Maps some of a deleted file by the call of the kernel: Python's own mmap keeps the file open.
MAPS = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]

def keep(content, mapped_bytes):
    file = os.open('x', os.O_CREAT | os.O_RDWR)
    os.write(file, content)
    at = libc.mmap(None, mapped_bytes, 1, 1, file, 0)
    os.unlink('x')
    os.close(file)
    return at
"""
PARTLY_MAPPED = """
at = keep(b'x' * 3000000, MAPPED)
if CLOSED: libc.munmap(at, MAPPED)
print('ready', flush=True)
sys.stdin.read()
"""
needs_root = needs(os.geteuid() == 0, "only root can look at all that is mapped")
MAY_LOOK = 1 << 21 | 1 << 40  # CAP_SYS_ADMIN, CAP_CHECKPOINT_RESTORE


@needs_root
@pytest.mark.parametrize(
    ("mapped", "is_closed", "without", "at_least", "at_most"),
    [
        (4096, False, 0, 2_900_000, 3_200_000),
        (4096, False, 1 << 21, 2_900_000, 3_200_000),  # with CAP_CHECKPOINT_RESTORE alone
        (4096, False, MAY_LOOK, 4096, 100_000),
        (3_000_000, False, MAY_LOOK, 2_900_000, 3_200_000),
        (4096, True, 0, 0, 100_000),
    ],
)
def test_a_deleted_file_that_is_partly_mapped_counts_as_a_whole_where_it_can_be_looked_at(
    tmp_path, mapped, is_closed, without, at_least, at_most
):
    measured = Disk(tmp_path, 3 * MB)
    code = MAPS + PARTLY_MAPPED.replace("CLOSED", str(is_closed)).replace("MAPPED", str(mapped))
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        with effective_without(without):
            assert measured._go_on(60, process.pid) == ""
        assert at_least <= measured.taken_bytes <= at_most
        process.communicate()


# Each fills the disk in another way, until it is stopped.
BEGINS = "import ctypes, mmap, os, sys\nblock = os.urandom(1 << 20)\n"
FILLS = {
    "files": "for at in range(200):\n    open(f'{at}', 'wb').write(block)",
    "very small files": "for at in range(8_000):\n    open(f'{at}', 'wb').write(b'x')",
    "beside": "for at in range(200):\n    open(f'../{at}', 'wb').write(block)",
    "nested": "for at in range(200):\n    os.mkdir('d'); os.chdir('d'); open('x', 'wb').write(block)",
    "closed": "os.mkdir('d'); d = os.open('d', 0)\nfor at in range(200):\n"
    "    os.fchmod(d, 0o700); open(f'd/{at}', 'wb').write(block); os.fchmod(d, 0)",
    "deleted": "kept = []\nfor at in range(200):\n"
    "    kept.append(open('x', 'wb', 0)); kept[-1].write(block); os.unlink('x')",
    "mapped": "kept = []\nfor at in range(200):\n    file = open('x', 'w+b', 0); file.write(block)\n"
    "    kept.append(mmap.mmap(file.fileno(), 0)); file.close(); os.unlink('x')",
    "partly mapped": MAPS + "for at in range(200):\n    keep(block, 4096)",
    "renamed": "os.mkdir('a')\nfor at in range(2000):\n"
    "    at < 200 and open(f'{\"ab\"[at % 2]}/{at}', 'wb').write(block)\n"
    "    os.rename('ab'[at % 2], 'ba'[at % 2])",
    "reserved": "file = os.open('x', os.O_CREAT | os.O_WRONLY)\nfor at in range(200):\n"
    "    os.posix_fallocate(os.open(f'{at}', os.O_CREAT | os.O_WRONLY), 0, 1 << 20)",
}
STAYS = "\nprint('filled', flush=True)\nwhile True:\n    pass\n"


def marks_of(how: str) -> list[pytest.MarkDecorator]:
    return [needs_bubblewrap, *([needs_root] if how == "partly mapped" else [])]


def limited(run: Run) -> Run:
    Run.objects.filter(pk=run.pk).update(disk_mbytes=LIMIT)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    return run


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("how", "isolated"),
    [*(pytest.param(how, True, marks=marks_of(how)) for how in FILLS), ("files", False), ("deleted", False)],
)
def test_a_run_that_takes_more_than_its_disk_is_stopped(ada, settings, how, isolated):
    settings.RUN_ISOLATION = "required" if isolated else "none"
    run = limited(started(ada, {"main.py": BEGINS + FILLS[how] + STAYS}))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137), read_text(run.pk)
    assert run.status_message == f"The Actor ran out of disk space: its files took more than its {LIMIT} MB."
    assert run.status_message in read_text(run.pk)
    assert directories.run_directory(run.pk) == []


@pytest.mark.django_db
def test_one_that_ends_before_it_is_measured_is_measured_then(ada):
    """So that no run is said to have succeeded that took too much."""
    run = limited(started(ada, {"main.py": BEGINS + FILLS["files"]}))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)


FINE = """
import os
block = os.urandom(1 << 20)
for at in range(LIMIT * 3):  # more in all than it has at any time
    open('x', 'wb').write(block * (LIMIT // 2))
    os.unlink('x')
with open('x', 'wb') as file:
    file.write(block * (LIMIT // 2))
for at in range(100):
    os.link('x', f'link{at}')
open('sparse', 'wb').truncate(LIMIT << 20)
os.symlink('/usr', 'usr')
"""


@pytest.mark.django_db
def test_what_takes_no_more_is_not_stopped(ada):
    run = limited(started(ada, {"main.py": FINE.replace("LIMIT", str(LIMIT))}))
    assert run.status == JobStatus.SUCCEEDED, read_text(run.pk)


@pytest.mark.django_db
def test_too_many_files_end_a_run(ada, monkeypatch):
    monkeypatch.setattr(disk_limit, "MAX_FILES", 1000)
    run = limited(started(ada, {"main.py": "for at in range(1100):\n    open(f'{at}', 'w')" + STAYS}))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)
    assert "it had too many files" in run.status_message


@pytest.mark.django_db
def test_the_copy_of_the_program_counts(ada):
    run = started(ada, {"main.py": "print('ran')"})
    app = directories.build_directory(run.build_id) / "app"
    for at in range(LIMIT + 1):
        (app / f"{at}").write_bytes(os.urandom(MB))
    run = limited(run)
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)
    assert "ran out of disk space" in run.status_message
    assert directories.run_directory(run.pk) == []


@pytest.mark.django_db
@pytest.mark.parametrize("stays", ["", STAYS])
@pytest.mark.parametrize("fill", [FILLS["files"], FILLS["deleted"]])
def test_a_build_that_takes_more_than_its_disk_fails(ada, monkeypatch, stays, fill):
    code = BEGINS + f"os.chdir({directories.PACKAGES!r} if os.path.isdir('packages') else sys.argv[1])\n" + fill + stays
    if fill == FILLS["deleted"] and not stays:
        pytest.skip("What is deleted when it ends takes nothing.")
    monkeypatch.setattr(
        build_directory,
        "installations",
        lambda project: [Installation([sys.executable, "-c", code], directories.PACKAGES)],
    )
    build = starting.start(actor_of(ada, {"main.py": ""}), "0.1", by=ada.principal)
    Build.objects.filter(pk=build.pk).update(memory_mbytes=64)
    execute_build.execute(build.pk)
    build.refresh_from_db()
    assert (build.status, build.exit_code) == (JobStatus.FAILED, 137), read_text(build.pk)
    assert build.status_message == "Installing took too much disk space: more than 128 MB."
    assert [each for each in directories.kept("builds") if each.name.startswith(build.pk)] == []


def test_a_copy_takes_as_much_as_what_it_is_made_of(tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "a/node_modules").mkdir(parents=True)
    (source / "node_modules").symlink_to("/etc")
    (source / "a/file").write_bytes(os.urandom(MB))
    (source / "a/file").chmod(0o750)
    os.utime(source / "a/file", ns=(1, 10**18))
    (source / "link").hardlink_to(source / "a/file")
    (source / "soft").symlink_to("/etc/passwd")
    with (source / "sparse").open("wb") as file:
        file.write(b"begins")
        file.seek(1 << 33)
        file.write(b"ends")
    os.mkfifo(source / "fifo")
    copy_files.copy_directory(source, target, leave_out="node_modules", most_bytes=10 * MB)
    names = {str(path.relative_to(target)) for path in target.rglob("*")}
    assert names == {"a", "a/file", "a/node_modules", "link", "soft", "sparse"}
    assert walked(target).taken_bytes <= walked(source).taken_bytes
    assert (target / "a/file").read_bytes() == (source / "a/file").read_bytes()
    assert (target / "a/file").stat().st_mode & 0o7777 == 0o750
    assert (target / "a/file").stat().st_mtime_ns == 10**18
    assert (target / "a/file").samefile(target / "link")
    assert (target / "soft").readlink() == Path("/etc/passwd")
    with (target / "sparse").open("rb") as file:
        assert file.read(8) == b"begins\0\0"
        file.seek(1 << 33)
        assert file.read() == b"ends"
    with pytest.raises(copy_files.TooLarge):
        copy_files.copy_directory(source, tmp_path / "third", leave_out="", most_bytes=MB)


@pytest.mark.django_db
def test_what_cannot_be_copied_fails_the_run_and_says_so(ada):
    actor = actor_of(ada, {"main.py": ""})
    build = built(actor)
    nested(directories.build_directory(build.pk) / "app/deep", 30, name="d" * 200)
    run = runs.start(actor, by=ada.principal)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.FAILED
    assert "cannot be copied: File name too long." in run.status_message
