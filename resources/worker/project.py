"""What the files of a build say of how they are made ready and started: a Dockerfile, package.json, requirements.

The Dockerfile is the one that `dockerfile` of actor.json names, else `.actor/Dockerfile` or `Dockerfile`. Where it does
not say by its image in which language the Actor is written, a file `package.json` makes it one for Node.js, and
anything else is one for Python.
"""

import os
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from resources.sandbox import open_files
from resources.sandbox.interpreters import OWN, interpreters
from resources.worker import source_files
from resources.worker.dockerfile.image import Image, parse
from resources.worker.dockerfile.syntax import TooLarge

MAX_FILE_BYTES = 1024 * 1024
MAX_DOCKERFILE_BYTES = 64 * 1024
_MAX_LOCK_BYTES = 32 * 1024 * 1024
_DOCKERFILES = (".actor/Dockerfile", "Dockerfile")
_SYSTEM_PATH = {f"{top}/{name}" for top in ("", "/usr", "/usr/local") for name in ("bin", "sbin")}
_LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
_DEPENDENCIES = ("dependencies", "optionalDependencies", "peerDependencies", "workspaces")
_LOCKED = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_VERSION = re.compile(r"\s*(3\.\d{1,2})(?:\.\d+)?\s*\Z")


@dataclass(frozen=True, slots=True)
class Project:
    """The files of a build. Directories are relative to `app`, which is where the files are; "" is `app` itself.

    `directory` is where the Actor starts, `package_directory` where package.json is or what pip installs from: there
    or above.
    """

    app: Path
    image: Image = field(default_factory=Image)
    directory: str = ""
    package_directory: str = ""
    is_for_node: bool = False
    package: dict[str, Any] = field(default_factory=dict)

    def path(self, name: str) -> str:
        """Return the path in `app` of a file of the package directory."""
        return f"{self.package_directory}/{name}" if self.package_directory else name

    def has(self, name: str) -> bool:
        """Tell whether there is a file in the package directory."""
        return open_files.is_file(self.app, self.path(name))

    def scripts(self) -> dict[str, str]:
        """Return the scripts of package.json."""
        scripts = self.package.get("scripts")
        found = scripts if isinstance(scripts, dict) else {}
        return {name: text for name, text in found.items() if isinstance(text, str) and text}

    def needs_packages(self, *, for_building: bool) -> bool:
        """Tell whether package.json names packages that are installed, those for building it too."""
        names = (*_DEPENDENCIES, *(("devDependencies",) if for_building else ()))
        return any(self.package.get(name) for name in names)

    def variables(self, seen_app: str) -> dict[str, str]:
        """Return the variables that the Dockerfile sets, for a program that sees the files at a path."""
        return {name: self.image.translate(value, seen_app) for name, value in self.image.environment.items()}

    def search_path(self, seen_app: str) -> list[str]:
        """Return the directories of the Actor's files that the Dockerfile has programs looked for in."""
        return [each for each in self._path_entries(seen_app) if _is_within(each, seen_app)]

    def own_path(self, path: str, seen_app: str) -> list[str]:
        """Return the directories of a PATH of the Actor's own, but for those that every system has."""
        return [each for each in self._directories(path, seen_app) if each not in _SYSTEM_PATH]

    def foreign_path(self) -> list[str]:
        """Return what else the Dockerfile has programs looked for in, but for directories that every system has."""
        app = str(self.app)
        return [each for each in self._path_entries(app) if not _is_within(each, app) and each not in _SYSTEM_PATH]

    def _path_entries(self, seen_app: str) -> list[str]:
        return self._directories(self.image.environment.get("PATH", ""), seen_app)

    def _directories(self, path: str, seen_app: str) -> list[str]:
        entries = path.split(":")
        return [os.path.normpath(self.image.translate(each, seen_app)) for each in entries if each.startswith("/")]

    def python_asked_for(self) -> str:
        """Return the version of Python that the Actor is to run on, "" where it names none."""
        if self.image.python:
            return self.image.python
        named = _VERSION.match(_text(self.app, self.path(".python-version")))
        return named[1] if named else ""

    def python(self) -> str:
        """Return the version of Python that it runs on: the one it asks for if it is there, else one that fits."""
        asked = self.python_asked_for()
        if asked in interpreters():
            return asked
        required = self._required_python()
        return next((version for version in interpreters() if _fits(version, required)), OWN)

    def python_missed(self) -> str:
        """Return which versions of Python are asked for where none of them is there, else ""."""
        asked = self.python_asked_for()
        if asked:
            return "" if asked == self.python() else asked
        required = self._required_python()
        return "" if _fits(self.python(), required) else str(required)

    def python_package(self) -> "PythonPackage":
        """Return what pyproject.toml says; nothing where there is none or it is not valid."""
        try:
            found = tomllib.loads(_text(self.app, self.path("pyproject.toml")))
        except (tomllib.TOMLDecodeError, RecursionError):
            return PythonPackage()
        return _python_package(found)

    def _required_python(self) -> SpecifierSet:
        try:
            return SpecifierSet(self.python_package().requires_python)
        except InvalidSpecifier:
            return SpecifierSet()


@dataclass(frozen=True, slots=True)
class PythonPackage:
    """What pyproject.toml says: what is needed, and whether the files can be installed themselves."""

    dependencies: Sequence[str] = ()
    requires_python: str = ""
    is_installable: bool = False


def read(app: Path) -> Project:
    """Return what the files in `app` say.

    Raises:
        BadSource: when actor.json is not valid, or names a Dockerfile that is not there, or that is too large.
    """
    image = _read_dockerfile(app)
    directory = image.directory if _is_real(app, image.directory) else ""
    node = _directory_with(app, directory, ("package.json",))
    if node is not None and image.language != "python":
        package = _object(app, f"{node}/package.json" if node else "package.json")
        return Project(app, image, directory, node, is_for_node=True, package=package)
    python = _directory_with(app, directory, ("requirements.txt", "pyproject.toml"))
    return Project(app, image, directory, directory if python is None else python)


def is_locked(project: Project) -> bool | None:
    """Tell whether a lock file of npm is in line with package.json; None where there is none."""
    name = next(filter(project.has, _LOCKS), None)
    if name is None:
        return None
    try:
        lock = msgspec.json.decode(open_files.read(project.app, project.path(name), _MAX_LOCK_BYTES) or b"", type=_Lock)
    except (msgspec.DecodeError, RecursionError):
        return False
    root = lock.packages.get("")
    if root is None:
        return lock.lockfile_version == 1
    locked = msgspec.json.decode(root)
    return isinstance(locked, dict) and all(
        (locked.get(name) or {}) == (project.package.get(name) or {}) for name in _LOCKED
    )


class _Lock(msgspec.Struct, rename="camel"):
    lockfile_version: int = 1
    packages: dict[str, msgspec.Raw] = {}


def _read_dockerfile(app: Path) -> Image:
    definition = source_files.read_definition(app)
    named = definition.get("dockerfile")
    if isinstance(named, str) and named:
        name: str | None = source_files.path_beside_definition(app, named)
    else:
        name = next((each for each in _DOCKERFILES if open_files.is_file(app, each)), None)
    if name is None:
        return Image()
    context = definition.get("dockerContextDir")
    inside = _normal(f".actor/{context}") if isinstance(context, str) else ""
    text = open_files.read(app, name, MAX_DOCKERFILE_BYTES + 1) or b""
    if len(text) > MAX_DOCKERFILE_BYTES:
        raise source_files.BadSource(f"The Dockerfile is larger than {MAX_DOCKERFILE_BYTES // 1024} KB.")
    try:
        return parse(
            text.decode("utf-8-sig", errors="replace"), lambda path: open_files.is_directory(app, path), inside
        )
    except TooLarge as error:
        raise source_files.BadSource(str(error)) from None


def _fits(version: str, required: SpecifierSet) -> bool:
    return required.contains(f"{version}.99")


def _is_within(path: str, app: str) -> bool:
    return path == app or path.startswith(f"{app}/")


def _python_package(found: dict[str, Any]) -> PythonPackage:
    said = _table(found, "project")
    named, required = said.get("dependencies"), said.get("requires-python")
    tool = _table(found, "tool")
    is_none = _table(tool, "poetry").get("package-mode") is False or _table(tool, "uv").get("package") is False
    return PythonPackage(
        [each for each in named if isinstance(each, str) and each.strip() and not each.startswith("-")]
        if isinstance(named, list)
        else [],
        required if isinstance(required, str) else "",
        "build-system" in found and not is_none,
    )


def _table(found: dict[str, Any], name: str) -> dict[str, Any]:
    table = found.get(name)
    return table if isinstance(table, dict) else {}


def _is_real(app: Path, directory: str) -> bool:
    """Tell whether a directory in `app` is one, and no link leads to it: what is installed there is shown to runs."""
    parts = PurePosixPath(directory).parts
    return all(open_files.is_no_link_but_a_directory(app.joinpath(*parts[:at])) for at in range(len(parts) + 1))


def _directory_with(app: Path, directory: str, names: Sequence[str]) -> str | None:
    """Return a directory that has one of these files, or the nearest one above it that has; None where none has."""
    for each in _upwards(directory):
        if any(open_files.is_file(app, f"{each}/{name}" if each else name) for name in names):
            return each
    return None


def _upwards(directory: str) -> Iterator[str]:
    path = PurePosixPath(directory)
    yield from ("" if str(each) == "." else str(each) for each in (path, *path.parents))


def _normal(path: str) -> str:
    """Return a relative path without .. in it, "" where it leads out."""
    parts: list[str] = []
    for part in PurePosixPath(path).parts:
        if part == "..":
            if not parts:
                return ""
            parts.pop()
        else:
            parts.append(part)
    return "/".join(parts)


def _object(app: Path, name: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(_text(app, name) or "{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _text(app: Path, name: str) -> str:
    return (open_files.read(app, name, MAX_FILE_BYTES) or b"").decode("utf-8-sig", errors="replace")
