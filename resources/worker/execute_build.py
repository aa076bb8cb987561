"""Building: a version's source made ready to run, and read for what it says of the Actor."""

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from accounts.lib.encryption import CannotDecrypt
from resources.actors import environment as variables
from resources.actors.source_files import SourceFile, load_files
from resources.builds.source_url import get_source_url
from resources.jobs.status import JobStatus
from resources.models import Build, BuildContent, SourceType
from resources.runs import declared_storages, definitions
from resources.sandbox.bubblewrap import IsolationMissing, isolation
from resources.sandbox.directories import APP
from resources.secret_inputs.declarations import find_problem
from resources.worker import build_directory, fetch_source, leases, source_files, worker_identity
from resources.worker.fetch_source import RemoteSource
from resources.worker.leaving import Outcome
from resources.worker.log_writer import Lines
from resources.worker.supervise import ProgramSupervisor
from resources.worker.suspended_accounts import OwnerSuspended, check_owner

_log = logging.getLogger(__name__)

_DEFAULT_MEMORY_MBYTES = 2048
_LONGEST_PROBLEM = 500
_ENDS = {Outcome.ABORTED: JobStatus.ABORTED, Outcome.TIMED_OUT: JobStatus.TIMED_OUT}


def execute(build_id: str) -> None:
    """Take a build that is ready, and build it; do nothing when another worker has it or it is done."""
    with worker_identity.attempt() as worker:
        if leases.claim(Build, build_id, worker):
            execute_claimed(build_id, worker)


def execute_claimed(build_id: str, worker: str) -> None:
    """Build a build to its end that an attempt, `worker`, has claimed."""
    lines = Lines(build_id)
    try:
        _build(build_id, worker, lines)
    except leases.LeaseLost:
        _log.exception("How build %s has ended could not be saved; it counts as abandoned.", build_id)
    except Exception:
        _log.exception("Build %s failed for a reason of our own.", build_id)
        lines.note("The server failed to build this; its own log says why.")
        message = "The server failed to build this."
        leases.finish_job(lines, lambda: leases.end(Build, build_id, worker, JobStatus.FAILED, message=message))


def get_memory_bytes(build: Build) -> int:
    """Return how much memory a build may take."""
    return (build.memory_mbytes or _DEFAULT_MEMORY_MBYTES) * 1024**2


def get_source(content: BuildContent) -> Sequence[SourceFile] | RemoteSource:
    """Return the source files of a build, or where they are to be fetched from.

    Raises:
        CannotDecrypt: when SECRET_KEY has been changed since the build was asked for.
    """
    source: dict[str, Any] = json.loads(content.source)
    kind = SourceType(source.get("sourceType") or SourceType.SOURCE_FILES)
    if kind != SourceType.SOURCE_FILES:
        return RemoteSource(kind, get_source_url(source), source.get("revision", ""))
    return load_files(msgspec.json.encode(source.get("sourceFiles", [])).decode())


def _build(build_id: str, worker: str, lines: Lines) -> None:
    build = Build.objects.select_related("content").get(pk=build_id)
    lines.note(f"Building version {build.number}.")
    try:
        check_owner(build)
        isolated = isolation()
        if notice := isolated.notice("build"):
            lines.note(notice)
        source = get_source(build.content)
        attendant = ProgramSupervisor(build, worker, isolated, lines)
        environment = variables.decrypt_environment(build.content.environment if wants_variables(build.content) else "")
        lines.hide(environment.secrets())
        directory = build_directory.make(build_id, source, attendant, get_memory_bytes(build), environment.values)
        for sentence in _save_what_it_says(build.content, directory, build.owner_id):
            lines.note(sentence)
    except (OwnerSuspended, IsolationMissing, source_files.BadSource, CannotDecrypt) as error:
        _end(build_id, worker, lines, JobStatus.FAILED, str(error))
    except build_directory.CannotMake as error:
        _end_early(build_id, worker, lines, error)
    else:
        lines.note(f"Built {_named(source, directory)}.")
        _end(build_id, worker, lines, JobStatus.SUCCEEDED, code=0)


def wants_variables(content: BuildContent) -> bool:
    """Tell whether the variables of the version are there when it is built, too."""
    return bool(json.loads(content.source).get("applyEnvVarsToBuild"))


def _named(source: Sequence[SourceFile] | RemoteSource, directory: Path) -> str:
    """Return what was built, in the words of the log."""
    if not isinstance(source, RemoteSource):
        return f"{len(source)} source files"
    revision = fetch_source.read_revision(directory)
    return f"the archive with the SHA-256 {revision}" if source.is_archive else f"commit {revision}"


def _save_what_it_says(content: BuildContent, directory: Path, account_id: str) -> list[str]:
    """Keep what the Actor says of itself, and which revision was fetched: other machines fetch the same.

    Returns sentences on what the definition says that does not hold here.

    Raises:
        BadSource: when a file of it is missing or not valid.
    """
    app = directory / APP
    revision = fetch_source.read_revision(directory)
    if revision:
        content.source = json.dumps(json.loads(content.source) | {"revision": revision})
    definition = source_files.read_definition(app)
    content.definition = msgspec.json.encode(definition).decode() if definition else ""
    content.input_schema = source_files.read_input_schema(app, definition)
    problem = find_problem(json.loads(content.input_schema)) if content.input_schema else ""
    if problem:
        raise source_files.BadSource(
            f"The input schema is not valid. {problem[:_LONGEST_PROBLEM]}".replace("\x00", "\ufffd")
        )
    try:
        declared_storages.read_declared(definition, account_id)
        definitions.read_memory(definition).check()
    except (declared_storages.InvalidDeclaration, definitions.InvalidDefinition) as error:
        raise source_files.BadSource(str(error)[:_LONGEST_PROBLEM]) from None
    content.readme = source_files.read_text(app, definition, "readme")
    content.changelog = source_files.read_text(app, definition, "changelog")
    leases.retry_db(lambda: content.save(update_fields=["source", "definition", "input_schema", "readme", "changelog"]))
    return definitions.find_ignored(definition)


def _end_early(build_id: str, worker: str, lines: Lines, error: build_directory.CannotMake) -> None:
    if error.outcome is Outcome.LOST:
        return
    if error.outcome is Outcome.STOPPED:
        lines.note("The worker is to stop; another one begins this build anew.")
        leases.finish_job(lines, lambda: leases.release(Build, build_id, worker))
        return
    status = _ENDS.get(error.outcome, JobStatus.FAILED)
    _end(build_id, worker, lines, status, str(error) if status is JobStatus.FAILED else None, error.exit_code)


def _end(
    build_id: str, worker: str, lines: Lines, status: JobStatus, message: str | None = None, code: int | None = None
) -> None:
    if message:
        lines.note(message)
    leases.finish_job(lines, lambda: leases.end(Build, build_id, worker, status, exit_code=code, message=message))
