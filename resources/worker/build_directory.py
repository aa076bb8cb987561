"""Making the directory of a build: its files written or fetched, what it needs installed. Once on each machine.

It is made under another name and then renamed, so the directory is never seen incomplete. Nothing is shared between
builds, and fetching and installing, which run or read what strangers have made, are isolated like a run.
"""

import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from resources.actors.source_files import SourceFile
from resources.runs.starting import DISK_PER_MEMORY
from resources.sandbox import directories, open_files
from resources.sandbox.bubblewrap import HOME, BindMount, Isolation
from resources.sandbox.directories import APP, CACHE, NODE_MODULES, PACKAGES, PYTHON
from resources.sandbox.disk_limit import Disk
from resources.worker import commands, environment, fetch_source, source_files
from resources.worker.fetch_source import RemoteSource
from resources.worker.installations import Installation, installations
from resources.worker.leaving import Outcome
from resources.worker.log_writer import Lines
from resources.worker.project import Project, read
from resources.worker.running_program import Program
from resources.worker.start_check import NoCommand
from resources.worker.supervise import ProgramSupervisor

_INSTALLED_BYTES = 2 * 1024**3  # the largest file that an installation may write


class CannotMake(Exception):
    """It could not be made ready; `outcome` says whether it failed or was stopped, the message says why."""

    def __init__(self, message: str, outcome: Outcome = Outcome.EXITED, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.exit_code = exit_code


def make(
    build_id: str,
    source: Sequence[SourceFile] | RemoteSource,
    attendant: ProgramSupervisor,
    memory_bytes: int,
    variables: Mapping[str, str],
) -> Path:
    """Return the directory of a build, made now where this machine has none yet. `variables` are there when installing.

    Raises:
        CannotMake: when a file, fetching or an installation is wrong, or the job was stopped meanwhile.
    """
    ready = directories.build_directory(build_id)
    if ready.is_dir():
        return ready
    making = ready.with_name(f"{build_id}.{secrets.token_hex(4)}")
    making.mkdir()
    try:
        try:
            if isinstance(source, RemoteSource):
                _fetch(source, making, attendant, memory_bytes)
            else:
                source_files.write(source, making / APP)
            _prepare(making, attendant, memory_bytes, variables)
        except (source_files.BadSource, NoCommand) as error:
            raise CannotMake(str(error)) from error
        try:
            making.rename(ready)
        except OSError:
            if not ready.is_dir():  # another job has made it in the meantime
                raise
    finally:
        directories.remove(making)
    return ready


def _prepare(making: Path, attendant: ProgramSupervisor, memory_bytes: int, variables: Mapping[str, str]) -> None:
    """Install and build what the files name, and look whether what they start is there then."""
    project = read(making / APP)
    _note_what_is_not_done(project, attendant.lines)
    _link_python(project, making)
    variables = {**project.variables(app_path(attendant.isolation, making)[1]), **variables}
    for step in installations(project):
        _install(step, making, attendant, memory_bytes, variables, project)
        if (making / APP / project.package_directory / NODE_MODULES).is_symlink():
            raise CannotMake("Installing left a link: node_modules is a link, and must be a directory.")
    directories.remove(making / CACHE)
    for name in project.image.executables:
        if not open_files.make_executable(making / APP, name):
            attendant.lines.note(f"Not done of the Dockerfile, chmod: {name[:200]} is no file that begins with #!.")
    start = commands.find_start(read(making / APP), making)
    for name in start.executed:
        if not open_files.make_executable(making / APP, name):
            raise CannotMake(f"The file {name[:200]}, which is started, is not executable, and has no line with #!.")
    for name in start.left_out:
        attendant.lines.note(f"Started without {name}, which is not on this server.")


def _note_what_is_not_done(project: Project, lines: Lines) -> None:
    """Say in the log which version of Python is not there, and what the Dockerfile says in vain."""
    missed = "" if project.is_for_node else project.python_missed()
    if missed:
        lines.note(f"Python {missed} is asked for, and is not on this server: Python {project.python()} is used.")
    image = project.image
    if image.base:
        lines.note(f"The Dockerfile is read, not executed: there is no image {image.base} here.")
    for shown in image.not_done:
        lines.note(f"Not done of the Dockerfile, {shown}")
    for entry in project.foreign_path():
        lines.note(f"Not done of the Dockerfile, PATH: {entry} is no directory of the Actor's files.")


def _link_python(project: Project, making: Path) -> None:
    """Let `python` be the interpreter that the Actor asks for, where that is not the one of the server."""
    path = commands.python_path(project)
    if project.is_for_node or path == sys.executable:
        return
    (making / PYTHON).mkdir()
    for name in ("python", "python3"):
        (making / PYTHON / name).symlink_to(path)


def search_path(isolation: Isolation, build: Path) -> list[str]:
    """Return the directories of a build in which its programs are, as a program sees them."""
    seen = [(build / PYTHON, f"/{PYTHON}"), (build / PACKAGES / "bin", f"/{PACKAGES}/bin")]
    there = [(here, inside) for here, inside in seen if open_files.is_no_link_but_a_directory(here)]
    return [inside if isolation.on else str(here) for here, inside in there]


def app_path(isolation: Isolation, directory: Path) -> tuple[str, str]:
    """Return the home and the directory of the files as a program sees them."""
    return (HOME, f"{HOME}/{APP}") if isolation.on else (str(directory), str(directory / APP))


def seen_packages(isolation: Isolation, build: Path) -> str:
    """Return where a program sees what pip has installed."""
    return f"/{PACKAGES}" if isolation.on else str(build / PACKAGES)


def _build_disk(making: Path, memory_bytes: int) -> Disk:
    """Return what holds a build to its disk, which is as large as that of a run with so much memory."""
    return Disk(making, DISK_PER_MEMORY * memory_bytes)


def _fetch(source: RemoteSource, making: Path, attendant: ProgramSupervisor, memory_bytes: int) -> None:
    attendant.lines.hide(source.secrets())
    attendant.lines.note(f"Fetching the {source.shown()}.")
    disk = _build_disk(making, memory_bytes)
    program = fetch_source.build_program(source, making, attendant.isolation, memory_bytes, disk)
    _complete(
        program, attendant, "Fetching the source", lambda: attendant.lines.hidden(fetch_source.read_problem(making))
    )
    fetch_source.take(making)


def _install(
    step: Installation,
    making: Path,
    attendant: ProgramSupervisor,
    memory_bytes: int,
    variables: Mapping[str, str],
    project: Project,
) -> None:
    isolation = attendant.isolation
    home, app = app_path(isolation, making)
    cache, packages = making / CACHE, making / PACKAGES
    cache.mkdir(exist_ok=True)
    seen_cache = f"/{CACHE}" if isolation.on else str(cache)
    mounts = [BindMount(making / APP, app, writable=step.writes_files), BindMount(cache, seen_cache, writable=True)]
    command = step.command
    if step.fills == PACKAGES:
        packages.mkdir(exist_ok=True)
        mounts.append(BindMount(packages, f"/{PACKAGES}", writable=True))
        command = [*command, seen_packages(isolation, making)]
    if open_files.is_no_link_but_a_directory(making / PYTHON):
        mounts.append(BindMount(making / PYTHON, f"/{PYTHON}"))
    attendant.lines.note(step.says)
    program = Program(
        command=command,
        environment={
            **environment.program_environment(
                home if not isolation.on else "/tmp",  # noqa: S108
                variables,
                [*project.search_path(app), *search_path(isolation, making)],
            ),
            "npm_config_cache": f"{seen_cache}/npm",  # on the disk: what lies in /tmp is memory
        },
        directory=f"{app}/{step.directory}".rstrip("/"),
        memory_bytes=memory_bytes,
        file_bytes=_INSTALLED_BYTES,
        disk=_build_disk(making, memory_bytes),
        mounts=mounts,
    )
    _complete(program, attendant, step.doing)


def _complete(program: Program, attendant: ProgramSupervisor, doing: str, why: Callable[[], str] = str) -> None:
    """Run a program that has to succeed. Where it does not, `why` is asked for its own words, "" for none."""
    outcome = attendant.run(program)
    if outcome is Outcome.EXITED and attendant.exit_code == 0:
        return
    if outcome is Outcome.EXPOSED:
        raise CannotMake(attendant.why_exposed, outcome)
    if outcome is Outcome.TOO_MUCH:
        raise CannotMake(_too_much(doing, program, attendant.too_much), exit_code=attendant.exit_code)
    message = why() or f"{doing} ended with exit code {attendant.exit_code}."
    if attendant.failed_connections:
        message += " A connection failed; builds reach public addresses, and what RUN_NETWORK_ALLOW names."
    raise CannotMake(message, outcome, attendant.exit_code)


def _too_much(doing: str, program: Program, what: str) -> str:
    if what == "disk space":
        return f"{doing} took too much disk space: more than {program.disk.most_bytes // 1024**2:,} MB."
    return f"{doing} took too much memory." if what == "memory" else f"{doing} had too many {what}."
