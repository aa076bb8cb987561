"""Where on this machine builds and runs lie: below DATA_DIR, readable by the server's own user only.

A build directory is made once and never changed; each machine makes its own when it first needs it
(`resources/worker/build_directory.py`).

    builds/<build id>/app       the source files, with what npm has installed
    builds/<build id>/packages  what pip has installed, where the files name anything
    builds/<build id>/python    links to the interpreter, where it is another one than that of the server
    builds/<build id>/revision  the commit, or the SHA-256 of the archive, where the source was fetched
    runs/<run id>.<hex>/app     the run's own copy of the source files, which it may change: where it starts

Each attempt at a run has a directory of its own: what ended or gave the run back may still be removing its directory
when the next attempt begins, in another worker on the same machine too.
"""

import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from django.conf import settings

from resources.sandbox import open_files
from resources.sandbox.disk_usage import open_up

APP, PACKAGES, NODE_MODULES, PYTHON = "app", "packages", "node_modules", "python"
FETCHED, REVISION, CACHE = "fetched", "revision", "cache"


def build_directory(build_id: str) -> Path:
    """Return where a build lies."""
    return _root("builds") / build_id


def attempt_directory(run_id: str) -> Path:
    """Return where a run works that begins now: a directory that does not exist yet, and that no other attempt uses."""
    return _root("runs") / f"{run_id}.{secrets.token_hex(4)}"


def run_directory(run_id: str) -> list[Path]:
    """Return the directories of the attempts at a run that there are on this machine."""
    return [each for each in kept("runs") if job_id_from(each) == run_id]


def job_id_from(directory: Path) -> str:
    """Return the ID of the build or run that a directory is made for."""
    return directory.name.partition(".")[0]


def node_modules_directory(build: Path, package_directory: str = "") -> Path | None:
    """Return where npm has installed into a build, beside the package.json that is in a directory of its files.

    None where it has not. A link is none: npm runs programs of strangers, and what a link leads to would be shown to
    the runs of the build.
    """
    installed = build / APP / package_directory / NODE_MODULES
    return installed if open_files.is_no_link_but_a_directory(installed) else None


def packages_directory(build: Path) -> Path | None:
    """Return where pip has installed for a build, None where it has not. A link is none, here either."""
    installed = build / PACKAGES
    return installed if open_files.is_no_link_but_a_directory(installed) else None


def kept(what: str) -> list[Path]:
    """Return the directories that there are of "builds" or "runs"."""
    return [each for each in _root(what).iterdir() if open_files.is_no_link_but_a_directory(each)]


def remove(directory: Path) -> None:
    """Remove a directory with all that is in it, if it is there. Links in it are removed and not followed.

    What a run has closed is opened first. What it has nested more deeply than Python recurses is removed by the
    system's own program.
    """
    with suppress(RecursionError):
        shutil.rmtree(directory, ignore_errors=True)
    if os.path.lexists(directory):
        open_up(directory)
        subprocess.run(["rm", "-rf", "--", str(directory)], check=False)  # noqa: S603, S607  # a path of our own


def _root(what: str) -> Path:
    root = Path(settings.DATA_DIR) / what
    root.mkdir(mode=0o700, exist_ok=True)
    return root
