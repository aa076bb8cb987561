"""Running: a build started as a run, attended until it ends, and started again where that is wanted."""

import logging
import os
import time
from collections import deque
from functools import partial
from pathlib import Path

from django.db.models import F

from accounts.lib.encryption import CannotDecrypt
from resources.actors import environment as variables
from resources.jobs.status import JobStatus
from resources.models import Run
from resources.runs import definitions, input_secrets
from resources.runs.callback_url import make_signature
from resources.runs.starting import DISK_PER_MEMORY
from resources.runs.tokens import RunOver
from resources.sandbox import directories, open_files
from resources.sandbox.bubblewrap import BindMount, Isolation, IsolationMissing, isolation
from resources.sandbox.copy_files import CannotCopy, TooLarge, copy_directory
from resources.sandbox.directories import APP, NODE_MODULES, PACKAGES, PYTHON
from resources.sandbox.disk_limit import Disk
from resources.secret_inputs import keys
from resources.worker import build_directory, commands, environment, events, execute_build, leases, worker_identity
from resources.worker.events import Channel
from resources.worker.leaving import Outcome
from resources.worker.log_writer import Lines
from resources.worker.project import read
from resources.worker.run_events import RunEvents
from resources.worker.run_proxy import RunProxy, open_proxy
from resources.worker.running_program import KILLED, Program
from resources.worker.source_files import BadSource
from resources.worker.start_check import NoCommand
from resources.worker.supervise import ProgramSupervisor
from resources.worker.suspended_accounts import OwnerSuspended, check_owner

_log = logging.getLogger(__name__)

_DEFAULT_MEMORY_MBYTES = 1024
# One that fails again and again right after it has begun is not going to do better.
_MAX_QUICK_RESTARTS, _QUICK_SECONDS = 3, 180.0
_ENDS = {Outcome.ABORTED: JobStatus.ABORTED, Outcome.TIMED_OUT: JobStatus.TIMED_OUT}
_SAID = {
    Outcome.ABORTED: "The run was aborted.",
    Outcome.TIMED_OUT: "The run has used up its time.",
    Outcome.RESTART: "The run is restarted.",
    Outcome.STOPPED: "The worker is to stop; another one begins this run anew.",
}


class CannotStart(Exception):
    """The run cannot be started; the message says why. `exit_code` is that of a run which was stopped for it."""

    def __init__(self, message: str, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def execute(run_id: str) -> None:
    """Take a run that is ready, and run it to its end; do nothing when another worker has it or it is done."""
    with worker_identity.attempt() as worker:
        if leases.claim(Run, run_id, worker):
            execute_claimed(run_id, worker)


def execute_claimed(run_id: str, worker: str) -> None:
    """Run a run to its end that an attempt, `worker`, has claimed."""
    lines = Lines(run_id)
    directory = directories.attempt_directory(run_id)
    try:
        _Execution(run_id, worker, lines, directory).go()
    except RunOver:
        return
    except leases.LeaseLost:
        _log.exception("How run %s has ended could not be saved; it counts as abandoned.", run_id)
    except Exception:
        _log.exception("Run %s failed for a reason of our own.", run_id)
        lines.note("The server failed to run this; its own log says why.")
        message = "The server failed to run this."
        leases.finish_job(lines, lambda: leases.end(Run, run_id, worker, JobStatus.FAILED, message=message))
    finally:
        # Others may have the run by now, on this machine too: only what is this attempt's own is removed.
        directories.remove(directory)


class _Execution:
    """One run in the hands of one attempt, from its claim until it has ended or is released."""

    def __init__(self, run_id: str, worker: str, lines: Lines, directory: Path) -> None:
        self._run_id = run_id
        self._worker = worker
        self._lines = lines
        self._directory = directory
        self._failed_at: deque[float] = deque(maxlen=_MAX_QUICK_RESTARTS)

    def go(self) -> None:
        """Start it, and again as often as it is to be restarted."""
        while True:
            run = Run.objects.select_related("build__content").get(pk=self._run_id)
            try:
                check_owner(run)
                isolated = isolation()
                attendant = ProgramSupervisor(run, self._worker, isolated, self._lines)
                with events.open_channel() as channel, open_proxy(run, isolated) as proxy:
                    program = self._program(run, isolated, attendant, channel, proxy)
                    outcome = attendant.run(program, RunEvents(run, channel))
            except CannotStart as error:
                self._end(JobStatus.FAILED, message=str(error), exit_code=error.exit_code)
                return
            except (
                OwnerSuspended,
                IsolationMissing,
                CannotDecrypt,
                BadSource,
                CannotCopy,
                NoCommand,
            ) as error:
                self._end(JobStatus.FAILED, message=str(error))
                return
            except build_directory.CannotMake as error:
                outcome = error.outcome
                if outcome in (Outcome.EXITED, Outcome.TOO_MUCH):
                    self._end(JobStatus.FAILED, message=str(error), exit_code=error.exit_code)
                    return
            if not self._goes_on(run, attendant, outcome):
                return

    def _program(
        self, run: Run, isolated: Isolation, attendant: ProgramSupervisor, channel: Channel, proxy: RunProxy
    ) -> Program:
        """Prepare the run's directory, and return what is to be started there, and told by a channel."""
        if run.build is None:
            raise CannotStart("The build of this run was deleted.")
        self._lines.note(f"Starting build {run.build_number} with {run.memory_mbytes} MB of memory.")
        if notice := isolated.notice("run"):
            self._lines.note(notice)
        self._lines.write(now=True)
        content = run.build.content
        of_version = variables.decrypt_environment(content.environment)
        self._lines.hide(of_version.secrets())
        memory_bytes = (run.memory_mbytes or _DEFAULT_MEMORY_MBYTES) * 1024**2
        build = build_directory.make(
            run.build.pk,
            execute_build.get_source(content),
            attendant,
            max(memory_bytes, execute_build.get_memory_bytes(run.build)),
            of_version.values if execute_build.wants_variables(content) else {},
        )
        disk = Disk(self._directory, _disk_mbytes(run) * 1024**2)
        project = read(build / APP)
        installed = directories.node_modules_directory(build, project.package_directory)
        try:
            _fill(self._directory, build, disk.most_bytes, installed)
        except TooLarge as error:
            raise CannotStart(_out_of_disk(run), KILLED) from error
        home, app = build_directory.app_path(isolated, self._directory)
        packages = build_directory.seen_packages(isolated, build)
        start = commands.find_start(project, build, commands.Seen(app, packages))
        own = {**definitions.read_variables(definitions.parse_definition(content.definition)), **of_version.values}
        own_path = project.own_path(own.get("PATH", ""), app)
        environment_ = environment.run_environment(
            run,
            home,
            {**project.variables(app), **own},
            [*own_path, *project.search_path(app), *build_directory.search_path(isolated, build)],
            channel.url(by_relay=not isolated.shares_network),
            proxy.variables(),
        )
        self._lines.hide([environment_["APIFY_TOKEN"], make_signature(run.pk), channel.secret, proxy.plan.password])
        self._lines.hide(environment_[name] for name in keys.VARIABLES if name in environment_)
        self._lines.hide(input_secrets.load_hidden_texts(run))
        if directories.packages_directory(build):
            environment_["PYTHONPATH"] = os.pathsep.join(filter(None, (packages, environment_.get("PYTHONPATH"))))
        return Program(
            command=start.command,
            environment=environment_,
            directory=f"{app}/{start.directory}".rstrip("/"),
            memory_bytes=memory_bytes,
            file_bytes=disk.most_bytes,
            disk=disk,
            mounts=_mounts(self._directory, build, home, isolated, installed),
            relays={events.RELAY_ADDRESS: channel.address},
            proxy=proxy,
        )

    def _goes_on(self, run: Run, attendant: ProgramSupervisor, outcome: Outcome) -> bool:
        """Do what follows from how the program ended, and return whether it is to be started again."""
        if outcome is Outcome.LOST:
            return False
        if outcome in _SAID:
            self._lines.note(_SAID[outcome])
        if outcome is Outcome.STOPPED or (outcome is Outcome.RESTART and worker_identity.stopping.is_set()):
            release = partial(leases.release, Run, run.pk, self._worker, is_migration=True)
            leases.finish_job(self._lines, release)
            return False
        if outcome is Outcome.RESTART:
            # What was asked for until now is what starts next; what is asked for from now on restarts it again.
            return leases.retry_db(lambda: leases.renew(Run, run.pk, self._worker, restart_requested=False))
        if outcome is Outcome.EXPOSED:
            self._end(JobStatus.FAILED, message=attendant.why_exposed)
            return False
        if outcome in _ENDS:
            self._end(_ENDS[outcome], exit_code=attendant.exit_code)
            return False
        if outcome is Outcome.EXITED and attendant.exit_code == 0:
            self._end(JobStatus.SUCCEEDED, exit_code=0)
            return False
        return self._restarts_after_failure(run, attendant)

    def _restarts_after_failure(self, run: Run, attendant: ProgramSupervisor) -> bool:
        message = _failure(run, attendant)
        if run.restart_on_error and not self._fails_too_often():
            self._lines.note(f"{message or f'The Actor ended with exit code {attendant.exit_code}.'} It is restarted.")
            again = {"restart_count": F("restart_count") + 1}
            return leases.retry_db(lambda: leases.renew(Run, run.pk, self._worker, **again))
        self._end(JobStatus.FAILED, message=message, exit_code=attendant.exit_code)
        return False

    def _fails_too_often(self) -> bool:
        now = time.monotonic()
        often = len(self._failed_at) == _MAX_QUICK_RESTARTS and now - self._failed_at[0] < _QUICK_SECONDS
        self._failed_at.append(now)
        return often

    def _end(self, status: JobStatus, *, message: str | None = None, exit_code: int | None = None) -> None:
        if message:
            self._lines.note(message)
        leases.finish_job(
            self._lines,
            lambda: leases.end(Run, self._run_id, self._worker, status, exit_code=exit_code, message=message),
        )


def _failure(run: Run, attendant: ProgramSupervisor) -> str | None:
    """Return what to say of a program that failed, None where its exit code says it all."""
    if attendant.too_much == "memory":
        return f"The Actor ran out of memory: it took more than its {run.memory_mbytes or _DEFAULT_MEMORY_MBYTES} MB."
    if attendant.too_much == "disk space":
        return _out_of_disk(run)
    if attendant.too_much:
        return f"The Actor was stopped: it had too many {attendant.too_much}."
    return None


def _out_of_disk(run: Run) -> str:
    return f"The Actor ran out of disk space: its files took more than its {_disk_mbytes(run)} MB."


def _disk_mbytes(run: Run) -> int:
    return run.disk_mbytes or DISK_PER_MEMORY * (run.memory_mbytes or _DEFAULT_MEMORY_MBYTES)


def _fill(directory: Path, build: Path, most_bytes: int, installed: Path | None) -> None:
    """Make an attempt's directory anew, with its own copy of the source files; what is installed is not copied."""
    directories.remove(directory)
    directory.mkdir()
    leave_out = (installed or build / APP / NODE_MODULES).relative_to(build / APP)
    copy_directory(build / APP, directory / APP, leave_out=str(leave_out), most_bytes=most_bytes)
    if installed:
        (directory / APP / leave_out).mkdir()


def _mounts(directory: Path, build: Path, home: str, isolated: Isolation, installed: Path | None) -> list[BindMount]:
    """Return what a run sees of the machine: its own directory to write, and what its build has installed to read."""
    if not isolated.on:
        if installed:
            own = directory / installed.relative_to(build)
            own.rmdir()
            own.symlink_to(installed)
        return []
    mounts = [BindMount(directory, home, writable=True)]
    if installed:
        mounts.append(BindMount(installed, f"{home}/{installed.relative_to(build)}"))
    if packages := directories.packages_directory(build):
        mounts.append(BindMount(packages, f"/{PACKAGES}"))
    if open_files.is_no_link_but_a_directory(build / PYTHON):
        mounts.append(BindMount(build / PYTHON, f"/{PYTHON}"))
    return mounts
