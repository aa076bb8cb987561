"""A source that is not in the version: a Git repository, a Gist or an archive, which a program of ours fetches.

The program (`resources/sandbox/fetch_program.py`) is one of the build's, with its isolation, its limits and its log: a
URL reaches what a build reaches anyway, and nothing that comes from there is read in this process.
"""

import base64
import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, unquote, unquote_plus, urlsplit

from resources.models import SourceType
from resources.sandbox import FETCH_PROGRAM, directories, open_files
from resources.sandbox.bubblewrap import BindMount, Isolation
from resources.sandbox.directories import APP, FETCHED, REVISION
from resources.sandbox.disk_limit import Disk
from resources.worker import environment
from resources.worker.running_program import Program
from resources.worker.source_files import BadSource

MAX_DOWNLOADED_BYTES = 256 * 1024**2
MAX_UNPACKED_BYTES = 512 * 1024**2
MAX_FILES = 50_000
_FILE_BYTES = 2 * 1024**3  # of one file: Git keeps all that it fetches in one
_MAX_PROBLEM_BYTES = 1000
_REF = re.compile(r"(?![-+])[^\x00-\x20\x7f~^:?*\[\\]{1,250}\Z")
_FETCHED_REVISION = re.compile(r"[0-9a-f]{40,64}\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class RemoteSource:
    """Where a source is. `url` is what the version says, and may hold a name and a password.

    `revision` is what was fetched when it was built, the commit or the SHA-256 of the archive; "" before. What is
    fetched afterwards, on other machines, has to be the same.
    """

    kind: SourceType
    url: str
    revision: str = ""

    @property
    def is_archive(self) -> bool:
        """Whether it is an archive, and not a Git repository, which a Gist is, too."""
        return self.kind == SourceType.TARBALL

    def shown(self) -> str:
        """Return what may be read of it in a log: its URL without name, password and query."""
        parts = self._parts()
        fragment = f"#{parts.fragment}" if parts.fragment and self.kind == SourceType.GIT_REPO else ""
        return f"{self.kind.label} {parts.scheme}://{_get_host(parts)}{parts.path}{fragment}"

    def secrets(self) -> Iterator[str]:
        """Yield the secrets in the URL, as they are written there and as they are sent."""
        parts = self._parts()
        name, password = _get_credentials(parts)
        yield from (parts.username or "", parts.password or "", name, password, parts.query)
        # A server may send one back alone, as it is or decoded.
        for each in filter(None, parts.query.split("&")):
            value = each.partition("=")[2]
            yield from (value, unquote_plus(value))
        if name or password:
            yield base64.b64encode(f"{name}:{password}".encode()).decode()

    def program_config(self) -> str:
        """Return what the program is told, as JSON text.

        Raises:
            BadSource: for a URL that nothing is fetched from, or a branch or directory that there cannot be.
        """
        parts = self._parts()
        name, password = _get_credentials(parts)
        ref, _, directory = (parts.fragment if self.kind == SourceType.GIT_REPO else "").partition(":")
        return json.dumps(
            {
                "kind": "archive" if self.is_archive else "git",
                "url": parts._replace(netloc=_get_host(parts), fragment="").geturl(),
                "username": name,
                "password": password,
                "revision": self.revision or _checked_ref(ref),
                "directory": _checked_directory(directory),
                "most": {"downloaded": MAX_DOWNLOADED_BYTES, "unpacked": MAX_UNPACKED_BYTES, "files": MAX_FILES},
            }
        )

    def _parts(self) -> SplitResult:
        """Return the parts of the URL, looked at again as when it was saved: it decides what is connected to."""
        try:
            parts = urlsplit(self.url)
            fine = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
            if fine and not any(map(_CONTROL.search, _get_credentials(parts))):
                return parts
        except ValueError:
            pass
        raise BadSource(f"The URL of the {self.kind.label} must be a valid one with http or https.")


def build_program(source: RemoteSource, making: Path, isolation: Isolation, memory_bytes: int, disk: Disk) -> Program:
    """Return the program that fetches a source into a directory that is made for it in `making`.

    Raises:
        BadSource: when it cannot be fetched from there, or not with what is installed here.
    """
    config = source.program_config()
    if not source.is_archive and shutil.which("git") is None:
        raise BadSource(f"The source is a {source.kind.label}, and git is not installed on this server.")
    fetched = making / FETCHED
    fetched.mkdir()
    seen, program = (f"/{FETCHED}", f"/{FETCH_PROGRAM.name}") if isolation.on else (str(fetched), str(FETCH_PROGRAM))
    return Program(
        command=[sys.executable, "-I", "-S", program],
        environment={**environment.program_environment(seen, {}), "SOURCE": config},
        directory=seen,
        memory_bytes=memory_bytes,
        file_bytes=_FILE_BYTES,
        disk=disk,
        mounts=[BindMount(fetched, seen, writable=True), BindMount(FETCH_PROGRAM, program)],
    )


def read_problem(making: Path) -> str:
    """Return why the program has failed, "" where it could not say."""
    text = (open_files.read(making / FETCHED, "problem", _MAX_PROBLEM_BYTES) or b"").decode(errors="replace")
    return "".join(each if each.isprintable() else " " for each in text).strip()


def take(making: Path) -> None:
    """Make what the program has fetched the files of the build, and keep which revision they are.

    Raises:
        BadSource: when they are not there.
    """
    fetched = making / FETCHED
    revision = (open_files.read(fetched, "revision", 100) or b"").decode(errors="replace")
    files = fetched / "files"
    if not _FETCHED_REVISION.match(revision) or not open_files.is_no_link_but_a_directory(files):
        raise BadSource("Fetching the source has left no files.")
    files.rename(making / APP)
    directories.remove(fetched)
    with (making / REVISION).open("x", encoding="ascii") as file:  # through no link
        file.write(revision)


def read_revision(build: Path) -> str:
    """Return which revision of its source the directory of a build was made of, "" where it was not fetched."""
    return (open_files.read(build, REVISION, 100) or b"").decode(errors="replace")


def _get_credentials(parts: SplitResult) -> tuple[str, str]:
    return unquote(parts.username or ""), unquote(parts.password or "")


def _get_host(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]


def _checked_ref(ref: str) -> str:
    if ref and (not _REF.match(ref) or ".." in ref):
        raise BadSource(f'"{ref[:200]}" can be neither a branch nor a tag nor a commit.')
    return ref


def _checked_directory(directory: str) -> str:
    parts = PurePosixPath(directory.strip("/")).parts
    if ".." in parts or _CONTROL.search(directory):
        raise BadSource(f'"{directory[:200]}" must be a directory of the repository, without .. in it.')
    return "/".join(parts)
