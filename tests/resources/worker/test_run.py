"""Runs are really run: in a directory and an environment of their own, held to their time and memory, to their end."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError
from django.utils import timezone

from accounts import tokens
from accounts.models import ApiToken
from resources.actors.environment import set_variable
from resources.jobs.status import JobStatus
from resources.kinds import Kind
from resources.logs import writing
from resources.logs.reading import read_text
from resources.models import Build, Resource, Run
from resources.runs import aborting, restarting
from resources.runs import starting as runs
from resources.runs.usage import get_stats
from resources.sandbox import bubblewrap, directories
from resources.worker import execute_run, leases, worker_identity
from resources.worker.log_writer import Lines
from tests.support.factories import tag_build
from tests.support.machine import needs_programs
from tests.support.work_stage import actor_of, built, needs_bubblewrap, started

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("looks_often")]
# Said at once, with its line end: a signal may come in the middle of what is said in two parts.
LOOPS = "import time\nprint('ready\\n', end='', flush=True)\nwhile True:\n    time.sleep(0.01)\n"
SAYS_WHERE = "console.log('from', process.cwd())"
STUBBORN = "import signal\nsignal.signal(signal.SIGTERM, lambda *_: print('asked to end', flush=True))\n" + LOOPS


@pytest.fixture(autouse=True)
def little_grace(settings) -> None:
    settings.WORKER_GRACE_SECS = 0.2


@pytest.fixture
def when_ready(monkeypatch):
    """Do something once, when the Actor has printed that it is ready."""
    todo = []
    feed = Lines.feed

    def listening(lines: Lines, printed: bytes) -> None:
        feed(lines, printed)
        if b"ready" in printed and todo:
            todo.pop(0)()

    monkeypatch.setattr(Lines, "feed", listening)
    return todo.append


def execute(run: Run) -> Run:
    execute_run.execute(run.pk)
    run.refresh_from_db()
    return run


def log_of(job: Resource) -> str:
    return read_text(job.pk)


def said(run: Run) -> dict:
    """Return the JSON object that the Actor has printed."""
    (line,) = [line for line in log_of(run).splitlines() if " {" in line]
    return json.loads(line.partition(" ")[2])


def test_a_run_that_ends_well_has_succeeded(ada):
    run = execute(started(ada, {"main.py": "print('hello')"}))
    assert (run.status, run.exit_code) == (JobStatus.SUCCEEDED, 0)
    assert run.worker.startswith(f"{worker_identity.name()}/")
    assert run.started_at < run.finished_at
    assert run.memory_max_bytes > 1_000_000
    hello = next(line for line in log_of(run).splitlines() if line.endswith(" hello"))
    assert timezone.datetime.fromisoformat(hello.split()[0]) >= run.started_at - timedelta(milliseconds=1)
    assert directories.run_directory(run.pk) == []


def test_all_figures_of_a_run_are_measured(ada):
    busy = "import time\nheld = bytes(20_000_000)\nuntil = time.monotonic() + 2.5\n"
    run = execute(started(ada, {"main.py": busy + "while time.monotonic() < until: pass\n"}))
    stats = get_stats(run)
    assert {"cpuMaxUsage", "cpuCurrentUsage", "memCurrentBytes", "netRxBytes", "netTxBytes"} < stats.keys()
    assert stats["cpuMaxUsage"] >= stats["cpuAvgUsage"] > 0
    assert run.cpu_max_percent > 0
    assert run.memory_max_bytes >= run.memory_current_bytes > 0
    assert (stats["memCurrentBytes"], stats["cpuCurrentUsage"]) == (0, 0)  # it has ended
    run.status = JobStatus.RUNNING
    assert get_stats(run)["memCurrentBytes"] == run.memory_current_bytes
    assert get_stats(run)["cpuCurrentUsage"] == round(run.cpu_current_percent, 3)


def test_a_run_that_ends_badly_has_failed(ada):
    run = execute(started(ada, {"main.py": "import sys\nprint('no end of line', end='')\nsys.exit(3)"}))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 3)
    assert " no end of line\n" in log_of(run)


def test_a_run_is_run_once(ada):
    run = execute(started(ada, {"main.py": "print('hello')"}))
    before = log_of(run)
    execute_run.execute(run.pk)
    assert log_of(run) == before


def test_nothing_is_run_of_what_is_gone():
    execute_run.execute("a" * 17)


@needs_bubblewrap
def test_the_environment_is_that_of_the_run_and_nothing_else(ada, dan, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "of the server")
    monkeypatch.setenv("DATABASE_URL_OF_OTHERS", "of the server")
    options = {"timeout_secs": 100, "max_total_charge_usd": 12345.678, "restart_on_error": True}
    run = started(ada, {"main.py": "import json, os\nprint(json.dumps(dict(os.environ)))"}, **options)
    tag_build(run.build, "beta")
    storages = dict(Resource.objects.filter(run_id=run.pk).values_list("kind", "pk"))
    environment = said(execute(run))
    assert "of the server" not in environment.values()
    assert {name for name in environment if not name.startswith(("APIFY_", "ACTOR_"))} == {
        *("HOME", "LANG", "NODE_ENV", "PATH", "PWD", "PYTHONUNBUFFERED"),
    }
    expected = {
        "APIFY_IS_AT_HOME": "1",
        "ACTOR_RUN_ID": run.pk,
        "ACTOR_ID": run.actor_id,
        "ACTOR_FULL_NAME": "ada/works",
        "ACTOR_BUILD_NUMBER": "0.1.1",
        "ACTOR_BUILD_TAGS": "beta,latest",
        "ACTOR_RESTART_ON_ERROR": "1",
        "ACTOR_INPUT_KEY": "INPUT",
        "ACTOR_DEFAULT_DATASET_ID": storages[Kind.DATASET],
        "ACTOR_DEFAULT_KEY_VALUE_STORE_ID": storages[Kind.KEY_VALUE_STORE],
        "APIFY_DEFAULT_REQUEST_QUEUE_ID": storages[Kind.REQUEST_QUEUE],
        "ACTOR_MEMORY_MBYTES": "1024",
        "ACTOR_MAX_TOTAL_CHARGE_USD": "12345.678",
        "APIFY_USER_ID": ada.pk,
        "APIFY_META_ORIGIN": "API",
    }
    assert expected.items() <= environment.items()
    times = [timezone.datetime.fromisoformat(environment[f"ACTOR_{name}_AT"]) for name in ("STARTED", "TIMEOUT")]
    assert times[1] - times[0] == timedelta(seconds=100)


@needs_bubblewrap
def test_the_environment_has_what_the_definition_says(ada):
    variables = {"OURS": "definition", "BOTH": "definition", "ACTOR_ID": "wrong", "SECRET": "@mine"}
    storages = {"datasets": {"default": {}, "shops": {}}, "requestQueues": {"later": {}}}
    said_of_itself = {"environmentVariables": variables, "storages": storages, "minMemoryMbytes": 2048}
    files = {
        "main.py": "import json, os\nprint(json.dumps(dict(os.environ)))",
        ".actor/actor.json": json.dumps(said_of_itself),
    }
    actor = actor_of(ada, files)
    set_variable(actor.versions.get(), "BOTH", "version", by=ada.principal)
    build = built(actor)
    assert 'The environment variable "SECRET" of the definition names a secret.' in read_text(build.pk)
    run = runs.start(actor, by=ada.principal)
    environment = said(execute(run))
    assert (environment["OURS"], environment["BOTH"], environment["ACTOR_ID"]) == ("definition", "version", actor.pk)
    assert "SECRET" not in environment
    assert environment["ACTOR_MEMORY_MBYTES"] == "2048"
    groups = {Kind.DATASET: "datasets", Kind.KEY_VALUE_STORE: "keyValueStores", Kind.REQUEST_QUEUE: "requestQueues"}
    ids = {group: {} for group in groups.values()}
    for kind, alias, id_ in Resource.objects.filter(run_id=run.pk).values_list("kind", "alias", "pk"):
        ids[groups[Kind(kind)]][alias or "default"] = id_
    assert json.loads(environment["ACTOR_STORAGES_JSON"]) == ids
    assert set(ids["datasets"]) == {"default", "shops"}
    assert environment["ACTOR_DEFAULT_DATASET_ID"] == ids["datasets"]["default"]


def test_the_token_is_the_runs_and_ends_with_it(ada):
    code = "import json, os\nprint(json.dumps({'backwards': os.environ['APIFY_TOKEN'][::-1]}))"  # or it would be hidden
    text = said(execute(started(ada, {"main.py": code})))["backwards"][::-1]
    assert text.startswith(tokens.PREFIX)
    with pytest.raises(tokens.UnknownToken):
        tokens.resolve(text)


def test_one_that_loops_is_aborted(ada, when_ready):
    run = started(ada, {"main.py": LOOPS})
    when_ready(lambda: aborting.abort(Run.objects.get(pk=run.pk), gracefully=False, by=ada.principal))
    assert execute(run).status == JobStatus.ABORTED
    assert "aborted" in log_of(run)


def test_one_that_is_aborted_gracefully_is_asked_first(ada, when_ready):
    run = started(ada, {"main.py": STUBBORN})
    when_ready(lambda: aborting.abort(Run.objects.get(pk=run.pk), gracefully=True, by=ada.principal))
    assert execute(run).status == JobStatus.ABORTED
    assert " asked to end\n" in log_of(run)


def test_one_that_is_out_of_time_is_stopped(ada, when_ready):
    run = started(ada, {"main.py": LOOPS}, timeout_secs=3600)
    early = timezone.now() - timedelta(hours=1)
    when_ready(lambda: None)
    Run.objects.filter(pk=run.pk).update(timeout_secs=1)
    run = execute(run)
    assert run.status == JobStatus.TIMED_OUT
    assert run.finished_at - run.started_at >= timedelta(seconds=1)
    assert run.started_at > early


def test_one_that_eats_memory_is_stopped(ada):
    eats = "eaten = []\nwhile True:\n    eaten.append(b'x' * 5_000_000)\n"
    run = execute(started(ada, {"main.py": eats}, memory_mbytes=128))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)
    assert "out of memory" in run.status_message
    assert "out of memory" in log_of(run)
    assert run.memory_max_bytes > 128 * 1024**2


IN_FILES = {
    "memfd": "import os, time\nfile = os.memfd_create('x')\nwrite = lambda block: os.write(file, block)\n",
    "tmp": "import time\nwrite = open('/tmp/x', 'wb', buffering=0).write\n",
    "shm": "import os, time\nfile = open('/dev/shm/x', 'wb', 0)\nos.unlink('/dev/shm/x')\nwrite = file.write\n",
}
FILLS = "for _ in range({}):\n    write(b'x' * 5_000_000)\nprint('filled', flush=True)\n"


@needs_bubblewrap
@pytest.mark.parametrize("where", IN_FILES)
def test_what_is_in_files_in_memory_counts(ada, where):
    # Each file system takes as much as the run's memory, so that it is full before; together it is too much.
    eats = IN_FILES[where] + FILLS.format(22) + "eaten = b'x' * 60_000_000\ntime.sleep(60)\n"
    run = execute(started(ada, {"main.py": eats}, memory_mbytes=128))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137), log_of(run)
    assert "out of memory" in run.status_message


@needs_bubblewrap
def test_what_is_mapped_and_in_a_file_counts_once(ada):
    maps = (
        "import mmap, time\nfile = open('/dev/shm/x', 'w+b')\nfile.truncate(70_000_000)\n"
        "mapped = mmap.mmap(file.fileno(), 0)\nfor _ in range(70):\n    mapped.write(b'x' * 1_000_000)\n"
        "sparse = open('/dev/shm/y', 'wb').truncate(100_000_000)\ntime.sleep(1)\n"
    )
    run = execute(started(ada, {"main.py": maps}, memory_mbytes=128))
    assert run.status == JobStatus.SUCCEEDED, run.status_message
    assert run.memory_max_bytes > 70_000_000


def test_one_that_opens_too_many_files_is_stopped(ada, monkeypatch):
    monkeypatch.setattr("resources.sandbox.processes.MANY", 200)
    run = execute(started(ada, {"main.py": "kept = [open('main.py') for _ in range(300)]\n" + LOOPS}))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)
    assert "too many open files" in run.status_message


def test_one_that_starts_too_many_processes_is_stopped(ada, monkeypatch):
    monkeypatch.setattr("resources.worker.running_program.MAX_PROCESSES", 20)
    starts = "import subprocess\nchildren = [subprocess.Popen(['sleep', '60']) for _ in range(30)]\n" + LOOPS
    run = execute(started(ada, {"main.py": starts}))
    assert (run.status, run.exit_code) == (JobStatus.FAILED, 137)
    assert "too many processes" in run.status_message


def test_a_reboot_starts_it_anew_with_the_same_storages(ada, when_ready):
    run = started(
        ada, {"main.py": "import os\nprint('store', os.environ['ACTOR_DEFAULT_KEY_VALUE_STORE_ID'])\n" + LOOPS}
    )
    by = ada.principal
    when_ready(lambda: restarting.reboot(Run.objects.get(pk=run.pk), by=by))
    when_ready(lambda: aborting.abort(Run.objects.get(pk=run.pk), gracefully=False, by=by))
    run = execute(run)
    assert (run.status, run.reboot_count, run.restart_requested) == (JobStatus.ABORTED, 1, False)
    stores = [line.split()[-1] for line in log_of(run).splitlines() if " store " in line]
    assert len(stores) == 2
    assert len(set(stores)) == 1


@pytest.mark.parametrize("way", ["rebooted", "given back"])
def test_a_run_that_is_begun_anew_keeps_its_token(ada, when_ready, way):
    prints = "import hashlib, os\nprint('token', hashlib.sha256(os.environ['APIFY_TOKEN'].encode()).hexdigest())\n"
    run, by = started(ada, {"main.py": prints + LOOPS}), ada.principal
    if way == "rebooted":
        when_ready(lambda: restarting.reboot(Run.objects.get(pk=run.pk), by=by))
    else:
        when_ready(worker_identity.stopping.set)
        try:
            execute(run)
        finally:
            worker_identity.stopping.clear()
    when_ready(lambda: aborting.abort(Run.objects.get(pk=run.pk), gracefully=False, by=by))
    run = execute(run)
    assert run.status == JobStatus.ABORTED
    digests = [line.split()[-1] for line in log_of(run).splitlines() if " token " in line]
    assert len(digests) == 2
    assert len(set(digests)) == 1
    assert not ApiToken.objects.filter(run_id=run.pk).exists()


def test_a_metamorph_goes_on_as_another_actor(ada, when_ready):
    run = started(ada, {"main.py": LOOPS})
    other = actor_of(
        ada,
        {"main.py": "import os\nprint('now', os.environ['ACTOR_FULL_NAME'], os.environ['ACTOR_INPUT_KEY'])"},
        "other",
    )
    built(other)
    by = ada.principal
    when_ready(
        lambda: restarting.metamorph(
            Run.objects.get(pk=run.pk), other, input=b"{}", content_type="application/json", by=by
        )
    )
    run = execute(run)
    assert run.status == JobStatus.SUCCEEDED
    assert " now ada/other INPUT-METAMORPH-1\n" in log_of(run)


def test_one_that_is_to_restart_on_error_does_so_but_not_for_ever(ada):
    run = execute(started(ada, {"main.py": "import sys\nprint('once more')\nsys.exit(1)"}, restart_on_error=True))
    assert (run.status, run.restart_count) == (JobStatus.FAILED, 3)
    assert log_of(run).count("once more") == 4


def test_a_worker_that_is_to_stop_gives_back_what_it_runs(ada, when_ready):
    run = started(ada, {"main.py": LOOPS})
    when_ready(worker_identity.stopping.set)
    try:
        run = execute(run)
    finally:
        worker_identity.stopping.clear()
    assert (run.status, run.worker, run.lease_expires_at) == (JobStatus.READY, "", None)
    assert "another one begins this run anew" in log_of(run)
    when_ready(lambda: aborting.abort(Run.objects.get(pk=run.pk), gracefully=False, by=ada.principal))
    assert execute(run).status == JobStatus.ABORTED


def test_a_worker_that_lost_its_run_stops_it_and_says_nothing_more(ada, when_ready):
    run = started(ada, {"main.py": LOOPS})
    when_ready(lambda: Run.objects.filter(pk=run.pk).update(worker="another"))
    run = execute(run)
    assert (run.status, run.worker) == (JobStatus.RUNNING, "another")


@pytest.mark.parametrize("ends", ["STOPPED", "ABORTED", "LOST"])
def test_an_attempt_removes_no_directory_but_its_own(ada, when_ready, monkeypatch, ends):
    """Another worker begins with the run in the moment in which this attempt has published how it has ended."""
    run = started(ada, {"main.py": LOOPS})
    theirs, seen = directories.attempt_directory(run.pk), []
    goes_on = execute_run._Execution._goes_on

    def leave(execution, *args):
        again = goes_on(execution, *args)
        seen.extend(directories.run_directory(run.pk))
        (theirs / "app").mkdir(parents=True)
        return again

    monkeypatch.setattr(execute_run._Execution, "_goes_on", leave)
    when_ready(
        {
            "STOPPED": worker_identity.stopping.set,
            "ABORTED": lambda: aborting.abort(Run.objects.get(pk=run.pk), gracefully=False, by=ada.principal),
            "LOST": lambda: Run.objects.filter(pk=run.pk).update(worker="another"),
        }[ends]
    )
    try:
        execute(run)
    finally:
        worker_identity.stopping.clear()
    assert len(seen) == 1
    assert directories.run_directory(run.pk) == [theirs]
    assert (theirs / "app").is_dir()
    directories.remove(theirs)


def test_a_worker_that_slept_keeps_the_run_that_it_attends(ada, when_ready):
    run = started(ada, {"main.py": "import time\nprint('ready', flush=True)\ntime.sleep(0.2)"}, restart_on_error=True)
    cared = []

    def wake_up() -> None:
        Run.objects.filter(pk=run.pk).update(lease_expires_at=timezone.now() - timedelta(hours=1))
        cared.append(leases.reclaim_expired_leases(worker_identity.name()))

    when_ready(wake_up)
    run = execute(run)
    assert cared == [0]
    assert (run.status, run.restart_count) == (JobStatus.SUCCEEDED, 0)


def test_an_attempt_stops_when_another_of_its_own_process_has_the_run(ada, when_ready):
    """Its lease expired, another worker queued it again, and it came back to the process that has it."""
    run = started(ada, {"main.py": LOOPS})
    both = []

    def taken_again() -> None:
        both.append(Run.objects.get(pk=run.pk).worker)
        Run.objects.filter(pk=run.pk).update(status=JobStatus.READY, worker="")
        with worker_identity.attempt() as second:
            assert leases.claim(Run, run.pk, second)
            both.append(second)

    when_ready(taken_again)
    run = execute(run)
    assert (run.status, run.worker) == (JobStatus.RUNNING, both[1])
    assert both[0] != both[1]


@pytest.fixture
def database_fails(transactional_db, monkeypatch):
    """Let the database fail so many times when a run's last lines are written, and when its end is."""

    def fail(times: int) -> list[str]:
        failed: list[str] = []

        def failing(name, do):
            def fails(*args, **kwargs):
                if failed.count(name) < times:
                    failed.append(name)
                    raise OperationalError(f"{name}: database is locked")
                return do(*args, **kwargs)

            return fails

        monkeypatch.setattr(writing, "append", failing("append", writing.append))
        monkeypatch.setattr(leases, "end", failing("end", leases.end))
        monkeypatch.setattr(leases, "RETRY_SECONDS", 0)
        return failed

    return fail


def test_a_run_that_has_succeeded_does_so_after_the_database_was_away(database_fails, ada):
    run = started(ada, {"main.py": "print('hello')"})
    failed = database_fails(7)
    run = execute(run)
    assert (run.status, run.exit_code) == (JobStatus.SUCCEEDED, 0)
    assert log_of(run).count(" hello\n") == 1
    assert (failed.count("append"), failed.count("end")) == (7, 7)


def test_a_build_that_has_succeeded_does_so_after_the_database_was_away(database_fails, ada):
    actor = actor_of(ada, {"main.py": "print('hello')"})
    database_fails(7)
    build = built(actor)
    assert build.status == JobStatus.SUCCEEDED
    assert "Built 1 source files." in log_of(build)


def test_a_run_whose_end_could_not_be_saved_in_time_is_left_to_others(database_fails, ada, settings):
    run = started(ada, {"main.py": "print('hello')"})
    database_fails(1_000_000)
    settings.WORKER_LEASE_SECS = 0
    run = execute(run)
    assert run.status == JobStatus.RUNNING
    assert not worker_identity.attends(run.worker)


def test_the_lease_is_prolonged_while_it_runs(ada, when_ready, settings):
    settings.WORKER_LEASE_SECS = 0.5
    run = started(ada, {"main.py": "import time\nprint('ready', flush=True)\ntime.sleep(0.5)"})
    seen = []
    when_ready(lambda: seen.append(Run.objects.get(pk=run.pk).lease_expires_at))
    run = execute(run)
    assert run.status == JobStatus.SUCCEEDED
    assert run.lease_expires_at > seen[0]


def test_a_build_that_is_not_on_this_machine_is_made_here(ada):
    run = started(ada, {"main.py": "print('hello')"})
    directories.remove(directories.build_directory(run.build_id))
    assert execute(run).status == JobStatus.SUCCEEDED
    assert directories.build_directory(run.build_id).is_dir()


def test_a_run_whose_build_was_deleted_fails_and_says_so(ada):
    run = started(ada, {"main.py": "print('hello')"})
    Build.objects.filter(pk=run.build_id).delete()
    run = execute(run)
    assert (run.status, run.status_message) == (JobStatus.FAILED, "The build of this run was deleted.")


def test_a_run_may_write_where_it_starts_and_changes_nothing_for_others(ada):
    writes = (
        "from pathlib import Path\nPath('main.py').write_text('changed')\nprint(sorted(map(str, Path().iterdir())))"
    )
    run = execute(started(ada, {"main.py": writes}))
    assert run.status == JobStatus.SUCCEEDED, log_of(run)
    assert (directories.build_directory(run.build_id) / "app/main.py").read_text() == writes


def test_where_isolation_is_demanded_and_missing_nothing_runs(ada, settings, monkeypatch):
    run = started(ada, {"main.py": "print('hello')"})
    settings.RUN_ISOLATION = "required"
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "bubblewrap (bwrap) is not installed.")
    run = execute(run)
    assert run.status == JobStatus.FAILED
    assert "demands that Actors are isolated" in run.status_message
    assert "bwrap" in log_of(run)
    assert "hello" not in log_of(run)


def test_without_isolation_the_log_says_so(ada, settings, monkeypatch):
    monkeypatch.setattr(bubblewrap, "why_not", lambda: "bubblewrap (bwrap) is not installed.")
    run = execute(started(ada, {"main.py": "import os\nprint(os.getcwd(), os.environ['HOME'])"}))
    assert run.status == JobStatus.SUCCEEDED
    assert "not isolated from the server. bubblewrap (bwrap) is not installed." in log_of(run)
    where, home = next(line for line in log_of(run).splitlines() if "/app " in line).split()[1:]
    assert where == f"{home}/app"
    assert directories.job_id_from(Path(home)) == run.pk


@pytest.mark.parametrize(
    ("files", "shown"),
    [
        ({"src/__main__.py": "print(__package__)", "src/__init__.py": "", "main.py": ""}, "src"),
        ({"my_actor/__main__.py": "print('a package')", "my_actor/__init__.py": ""}, "a package"),
        ({"src/main.py": "print('a file')"}, "a file"),
    ],
)
def test_python_is_started_in_the_ways_of_the_templates(ada, files, shown):
    run = execute(started(ada, files))
    assert f" {shown}\n" in log_of(run)
    assert run.status == JobStatus.SUCCEEDED


@needs_programs("npm")
@pytest.mark.parametrize(
    "files",
    [
        {
            "package.json": '{"scripts": {"start": "node src/main.js"}}',
            "src/main.js": "console.log('from', process.cwd())",
        },
        {"package.json": '{"main": "go.js"}', "go.js": "console.log('from', process.cwd())"},
        {"package.json": "{}", "main.js": "console.log('from', process.cwd())"},
    ],
)
def test_node_is_started_in_the_ways_of_the_templates(ada, files):
    run = execute(started(ada, files))
    assert run.status == JobStatus.SUCCEEDED, log_of(run)
    assert "/app\n" in log_of(run)


@needs_programs("npm")
def test_what_a_package_depends_on_is_installed_by_npm_and_seen_by_the_run(ada):
    """A package beside the Actor, so that nothing needs to be fetched from anywhere."""
    files = {
        "package.json": '{"dependencies": {"greeting": "file:./greeting"}}',
        "greeting/package.json": '{"name": "greeting", "version": "1.0.0", "main": "index.js"}',
        "greeting/index.js": "module.exports = 'hello from a package'",
        "main.js": "console.log(require('greeting'))",
    }
    run = execute(started(ada, files))
    assert " hello from a package\n" in log_of(run)
    assert run.status == JobStatus.SUCCEEDED
