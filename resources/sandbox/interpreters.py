"""The versions of Python that Actors can run on: the one of the server, and others that are installed beside it."""

import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_VERSIONS = tuple(f"3.{minor}" for minor in range(30, 8, -1))  # the newest first
OWN = f"{sys.version_info.major}.{sys.version_info.minor}"


@cache
def interpreters() -> dict[str, str]:
    """Return the paths of the interpreters by their versions, like "3.12", the server's own first."""
    found = {version: shutil.which(f"python{version}") for version in _VERSIONS}
    others = {version: path for version, path in found.items() if path and _is_installation(Path(path), version)}
    return {OWN: sys.executable} | {version: path for version, path in others.items() if version != OWN}


def other_files() -> Iterator[Path]:
    """Yield what the other interpreters need and is not below /usr, to be seen at the same paths by what they run."""
    for version, path in interpreters().items():
        program = Path(path).resolve()
        if version == OWN or program.is_relative_to("/usr"):
            continue
        # Not the whole prefix: that may be a home directory.
        yield from dict.fromkeys((Path(path), program, _library(program, version)))
        yield from (program.parent.parent / "lib").glob(f"libpython{version}*.so*")


def _is_installation(path: Path, version: str) -> bool:
    """Tell whether a program is one of an installation, and not a script that looks for one."""
    program = path.resolve()
    return os.access(program, os.X_OK) and _library(program, version).is_dir()


def _library(program: Path, version: str) -> Path:
    return program.parent.parent / "lib" / f"python{version}"
