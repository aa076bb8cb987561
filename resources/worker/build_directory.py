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
from resources.sandbox.directories import APP, NODE_MODULES, PACKAGES
from resources.sandbox.disk_limit import Disk
from resources.worker import commands, environment, fetch_source, source_files
from resources.worker.fetch_source import RemoteSource
from resources.worker.running_program import Program
from resources.worker.supervise import Outcome, ProgramSupervisor

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
            for command, installed in installations(making / APP):
                _install(command, making, installed, attendant, memory_bytes, variables)
                if (making / APP / NODE_MODULES).is_symlink():
                    raise CannotMake("Installing left a link: node_modules is a link, and must be a directory.")
            commands.find_command(making / APP)
        except (source_files.BadSource, commands.NoCommand) as error:
            raise CannotMake(str(error)) from error
        try:
            making.rename(ready)
        except OSError:
            if not ready.is_dir():  # another job has made it in the meantime
                raise
    finally:
        directories.remove(making)
    return ready


def app_path(isolation: Isolation, directory: Path) -> tuple[str, str]:
    """Return the home and the directory of the files as a program sees them."""
    return (HOME, f"{HOME}/{APP}") if isolation.on else (str(directory), str(directory / APP))


def seen_packages(isolation: Isolation, build: Path) -> str:
    """Return where a program sees what pip has installed."""
    return f"/{PACKAGES}" if isolation.on else str(build / PACKAGES)


def _build_disk(making: Path, memory_bytes: int) -> Disk:
    """Return what holds a build to its disk, which is as large as that of a run with so much memory."""
    return Disk(making, DISK_PER_MEMORY * memory_bytes)


def installations(app: Path) -> list[tuple[list[str], str]]:
    """Return the commands that install what the Actor needs, each with the directory that it fills."""
    if commands.is_for_node(app):
        package = commands.read_package(app)
        if not package.get("dependencies") and not package.get("optionalDependencies"):
            return []
        npm = commands.program("npm")
        return [([npm, "install", "--omit=dev", "--no-audit", "--no-fund", "--no-update-notifier"], NODE_MODULES)]
    if not open_files.is_file(app, "requirements.txt"):
        return []
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--no-cache-dir"]
    return [([*pip, "--quiet", "--requirement", "requirements.txt", "--target"], PACKAGES)]


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
    command: list[str],
    making: Path,
    installed: str,
    attendant: ProgramSupervisor,
    memory_bytes: int,
    variables: Mapping[str, str],
) -> None:
    home, app = app_path(attendant.isolation, making)
    mounts = [BindMount(making / APP, app, writable=installed == NODE_MODULES)]
    if installed == PACKAGES:
        (making / PACKAGES).mkdir()
        mounts.append(BindMount(making / PACKAGES, f"/{PACKAGES}", writable=True))
        command = [*command, seen_packages(attendant.isolation, making)]
    attendant.lines.note(
        f"Installing what {'package.json' if installed == NODE_MODULES else 'requirements.txt'} names."
    )
    program = Program(
        command=command,
        environment={**environment.program_environment(home if not attendant.isolation.on else "/tmp", variables)},  # noqa: S108
        directory=app,
        memory_bytes=memory_bytes,
        file_bytes=_INSTALLED_BYTES,
        disk=_build_disk(making, memory_bytes),
        mounts=mounts,
    )
    _complete(program, attendant, "Installing")


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
