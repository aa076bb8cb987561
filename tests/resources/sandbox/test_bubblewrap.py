"""What a run or build sees of the machine that it is on: the system's programs, and what is its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from resources.actors import environment
from resources.jobs.status import JobStatus
from resources.logs.reading import read_text
from resources.models import Run
from resources.runs import starting
from resources.sandbox import bubblewrap, directories
from resources.sandbox.bubblewrap import Isolation, IsolationMissing
from resources.worker import build_directory, execute_build, execute_run
from resources.worker.installations import Installation
from tests.support.work_stage import actor_of, built, needs_bubblewrap, started

pytestmark = [pytest.mark.django_db, needs_bubblewrap, pytest.mark.usefixtures("looks_often")]

# Tries everything in turn, and prints as one JSON object what it could do.
PROBE = """
import json, os, socket, subprocess
from pathlib import Path

def can(what, *args):
    try:
        return what(*args) or True
    except OSError as error:
        return False

given = json.loads(os.environ["PATHS"])
print(json.dumps({
    "read": [path for path in given if can(lambda: Path(path).stat())],
    "others": [pid for pid in os.listdir("/proc") if pid.isdigit() and pid not in ("1", "2", str(os.getpid()))],
    "environ": can(lambda: Path("/proc/1/environ").read_bytes().decode()),
    "root": sorted(os.listdir("/")),
    "write": [path for path in ["/usr/x", "/etc/x", "/x", "/dev/x", given[-1]] if can(Path(path).write_text, "")],
    "own": can(lambda: Path("own.txt").write_text("x")) and can(lambda: Path("/tmp/own.txt").write_text("x")),
    "namespaces": subprocess.run(["unshare", "-U", "true"], capture_output=True).returncode,
    "capabilities": [line.split()[1] for line in Path("/proc/self/status").open() if line.startswith("CapEff")],
    "signal": can(os.kill, int(os.environ["WORKER_PID"]), 0),
}))
"""


@pytest.fixture
def passes_on(settings, monkeypatch):
    """Give the worker's programs a variable of the worker's."""

    def pass_on(**variables: str) -> None:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.RUN_PASSES_ON = list(variables)

    return pass_on


def said(job: Run) -> dict:
    log = read_text(job.pk)
    (line,) = [line for line in log.splitlines() if " {" in line] or pytest.fail(log)
    return json.loads(line.partition(" ")[2])


def test_a_run_sees_nothing_of_the_server(ada, passes_on):
    other = directories.attempt_directory("b" * 17)
    other.mkdir()
    (other / "secret.txt").write_text("of another run")
    forbidden = [
        settings.DATABASES["default"].get("NAME") or settings.DATA_DIR,
        settings.DATA_DIR,
        settings.BASE_DIR / "manage.py",
        settings.BASE_DIR / "console",
        other,
        other / "secret.txt",
        directories.build_directory("b" * 17).parent,
        Path("/etc/shadow"),
        Path("/etc/ssl/private"),
        Path("/root/.bashrc"),
        Path("/home/actor/../../var/lib"),
        Path("/run"),
        Path("/sys"),
    ]
    program = started(ada, {"main.py": PROBE})
    build = directories.build_directory(program.build_id) / "app/main.py"
    passes_on(PATHS=json.dumps([str(path) for path in [*forbidden, build]]), WORKER_PID=str(os.getpid()))
    execute_run.execute(program.pk)
    program.refresh_from_db()
    assert program.status == JobStatus.SUCCEEDED, read_text(program.pk)
    found = said(program)
    assert found["read"] == []
    assert found["others"] == []
    assert "SECRET_KEY" not in found["environ"]
    assert found["write"] == []
    assert found["own"]
    assert found["namespaces"] != 0
    assert found["capabilities"] == ["0000000000000000"]
    assert found["signal"] is False
    assert "home" in found["root"]
    assert not set(found["root"]) & {"data", "var", "run", "sys", "boot", "mnt", "srv"}


def test_the_same_probe_finds_all_that_without_isolation(ada, passes_on, settings):
    """So that the test above cannot pass for another reason than isolation."""
    settings.RUN_ISOLATION = "none"
    program = started(ada, {"main.py": PROBE})
    paths = [str(settings.BASE_DIR / "manage.py"), str(settings.DATA_DIR), str(settings.DATA_DIR / "nothing")]
    passes_on(PATHS=json.dumps(paths), WORKER_PID=str(os.getpid()))
    execute_run.execute(program.pk)
    found = said(program)
    assert found["read"] == paths[:2]
    assert found["others"]
    assert found["signal"] is True
    (settings.DATA_DIR / "nothing").unlink()


def test_variables_of_a_version_touch_nothing_outside(ada, tmp_path):
    """What is preloaded into a process is preloaded inside, where it is not to be found."""
    trace = tmp_path / "loaded"
    actor = actor_of(ada, {"main.py": "print('ran')"})
    version = actor.versions.get()
    for name, value in {"LD_PRELOAD": "/nowhere.so", "PYTHONSTARTUP": str(trace), "BASH_ENV": str(trace)}.items():
        environment.set_variable(version, name, value, by=ada.principal)
    assert built(actor).status == JobStatus.SUCCEEDED
    run = starting.start(actor, by=ada.principal)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.SUCCEEDED
    lines = [line for line in read_text(run.pk).splitlines() if "nowhere.so" in line]
    assert len(lines) <= 1  # bubblewrap itself was not told, only Python, inside


def test_our_own_code_is_hidden_where_it_lies_among_what_is_seen(monkeypatch, settings, tmp_path):
    ours = tmp_path / "usr/local/latchkey"
    (ours / "data").mkdir(parents=True)
    settings.BASE_DIR, settings.DATA_DIR = ours, ours / "data"
    assert bubblewrap._hidden(str(tmp_path / "usr")) == ["--tmpfs", str(ours), "--tmpfs", str(ours / "data")]
    assert bubblewrap._hidden(str(tmp_path / "opt")) == []


def test_where_our_own_code_is_hidden_nothing_can_be_written(settings):
    """Else it would be memory without end, which nobody counts."""
    settings.BASE_DIR = Path("/usr/share")
    tries = "import os; print(os.listdir('/usr/share')); open('/usr/share/x', 'w')"
    told = bubblewrap.bubblewrap_arguments((), {"PATH": os.defpath}, "/", 1 << 20)
    command = [bubblewrap.bubblewrap(), *told, "--", sys.executable, "-I", "-S", "-c", tries]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "[]\n", done.stderr
    assert "Read-only file system" in done.stderr


def test_what_is_not_there_is_said_in_words(settings, monkeypatch):
    monkeypatch.setattr(bubblewrap, "bubblewrap", lambda: None)
    assert bubblewrap.isolation() == Isolation(on=False, why_not="bubblewrap (bwrap) is not installed.")
    settings.RUN_ISOLATION = "required"
    with pytest.raises(IsolationMissing, match="not installed"):
        bubblewrap.isolation()


def test_one_that_is_installed_and_does_not_work_counts_as_missing(monkeypatch, tmp_path):
    refuses = tmp_path / "bwrap"
    refuses.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    refuses.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "bubblewrap", lambda: str(refuses))
    assert bubblewrap.isolation().why_not.endswith("bwrap: No permissions to create new namespace")


# Stands in for npm: an installation is a program of strangers, and has the files of the Actor to itself.
LEADS_OUT = """
import os, sys
os.rmdir("node_modules") if os.path.isdir("node_modules") else None
os.symlink(os.environ["LEADS_TO"], "node_modules")
"""


def test_an_installation_cannot_have_a_run_see_what_a_link_leads_to(ada, monkeypatch):
    install = Installation([sys.executable, "-c", LEADS_OUT], directories.NODE_MODULES, writes_files=True)
    monkeypatch.setattr(build_directory, "installations", lambda project: [install])
    monkeypatch.setattr(execute_build, "wants_variables", lambda content: True)
    actor = actor_of(ada, {"main.py": "import os; print('SEES', os.listdir('node_modules'))"})
    environment.set_variable(actor.versions.get(), "LEADS_TO", str(settings.DATA_DIR), by=ada.principal)
    build = built(actor)
    assert build.status == JobStatus.FAILED
    assert "node_modules is a link" in read_text(build.pk)


def test_a_run_sees_no_link_that_an_earlier_installation_has_left(ada):
    actor = actor_of(ada, {"main.py": "import os; print('SEES', os.listdir('node_modules'))"})
    build = built(actor)
    (directories.build_directory(build.pk) / directories.APP / directories.NODE_MODULES).symlink_to(settings.DATA_DIR)
    run = starting.start(actor, by=ada.principal)
    execute_run.execute(run.pk)
    run.refresh_from_db()
    assert run.status == JobStatus.FAILED
    assert "SEES [" not in read_text(run.pk)


def test_an_interpreter_that_lies_below_tmp_is_seen(tmp_path, monkeypatch):
    (tmp_path / "hello").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "hello").chmod(0o755)
    monkeypatch.setattr(bubblewrap, "_prefixes", lambda: (str(tmp_path),))
    told = bubblewrap.bubblewrap_arguments((), {"PATH": os.defpath}, "/", 1 << 20)
    command = [bubblewrap.bubblewrap(), *told, "--", str(tmp_path / "hello")]
    assert subprocess.run(command, capture_output=True, text=True, timeout=60).stdout == "hello\n"
