"""What a build runs once the files are there: installing what they name, and the script `build` of package.json.

For Node.js npm installs: by `npm ci` where there is a lock file that is in line with package.json, else by `npm
install`. Where there is a script `build`, the dependencies for development are there for it, and pruned afterwards. For
Python pip installs what requirements.txt names, else pyproject.toml, and wheels that lie beside them.
"""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from resources.sandbox import open_files
from resources.sandbox.directories import NODE_MODULES, PACKAGES
from resources.sandbox.interpreters import OWN, interpreters
from resources.worker import commands
from resources.worker.project import Project, is_locked

_NPM_FLAGS = ("--no-audit", "--no-fund", "--no-update-notifier")
_PIP = ("-m", "pip")
_PIP_FLAGS = ("--disable-pip-version-check", "--no-input", "--no-cache-dir", "--quiet")


@dataclass(frozen=True, slots=True)
class Installation:
    """A command of a build. It may write to `fills`: NODE_MODULES stands for the files of the Actor, PACKAGES not.

    `says` is what the log says before, and `doing` what is said to have failed. It is run in `directory`, a directory
    of the files. Where it fills PACKAGES, the path of that is its last argument.
    """

    command: Sequence[str]
    fills: str
    says: str = "Installing what requirements.txt names."
    doing: str = "Installing"
    directory: str = ""
    writes_files: bool = False


def installations(project: Project) -> list[Installation]:
    """Return what is to be run, in order.

    Raises:
        NoCommand: when npm is needed and not installed.
    """
    return _of_node(project) if project.is_for_node else _of_python(project)


def _of_node(project: Project) -> list[Installation]:
    builds = "build" in project.scripts()
    steps = []
    if project.needs_packages(for_building=builds):
        steps.append(_npm_install(project, for_building=builds))
    if builds:
        run = [commands.program("npm"), "run", "build", "--no-update-notifier"]
        steps.append(_node_step(project, run, "Running the script build of package.json.", "The script build"))
    if builds and project.package.get("devDependencies"):
        prune = [commands.program("npm"), "prune", "--omit=dev", "--ignore-scripts", *_NPM_FLAGS]
        steps.append(_node_step(project, prune, "Removing what only building needs.", "Pruning"))
    return steps


def _npm_install(project: Project, *, for_building: bool) -> Installation:
    locked = is_locked(project)
    says = "Installing what package.json names."
    if locked:
        says = "Installing what the lock file of npm names."
    elif locked is False:
        says = "Installing what package.json names: the lock file of npm is not in line with it."
    which = "--include=dev" if for_building else "--omit=dev"
    return _node_step(project, [commands.program("npm"), "ci" if locked else "install", which, *_NPM_FLAGS], says)


def _node_step(project: Project, command: Sequence[str], says: str, doing: str = "Installing") -> Installation:
    return Installation(command, NODE_MODULES, says, doing, project.package_directory, writes_files=True)


def _of_python(project: Project) -> list[Installation]:
    version = project.python()
    asked = project.python_asked_for()
    chosen = () if version == OWN else ("--python", interpreters()[version])
    named, what, builds_package = _pip_arguments(project)
    if not named:
        return []
    says = f"Installing what {what}" + (f" for Python {version}." if chosen or asked else ".")
    command = [sys.executable, *_PIP, *chosen, "install", *_PIP_FLAGS, *named, "--target"]
    return [Installation(command, PACKAGES, says, directory=project.package_directory, writes_files=builds_package)]


def _pip_arguments(project: Project) -> tuple[list[str], str, bool]:
    """Return what pip is told to install, what the log says of it, and whether the files themselves are a package."""
    files = [file for file in project.image.requirements if open_files.is_file(project.app, file)]
    if not files and project.has("requirements.txt"):
        files = [project.path("requirements.txt")]
    wheels = _wheels(project, files)
    if files:
        relative = [_relative(project, file) for file in files]
        names = " and ".join(relative) + (" names, and wheels" if wheels else " names")
        return [word for file in relative for word in ("--requirement", file)] + wheels, names, False
    package = project.python_package()
    if package.is_installable:
        return [".", *wheels], "pyproject.toml names, and the project itself", True
    if package.dependencies:
        return [*package.dependencies, *wheels], "pyproject.toml names", False
    return wheels, "the wheels hold", False


def _wheels(project: Project, requirements: Sequence[str]) -> list[str]:
    """Return the wheels in the package directory that no file with requirements names."""
    directory = project.app / project.package_directory
    texts = [open_files.read(project.app, file, 1024 * 1024) or b"" for file in requirements]
    wheels = [name for name in open_files.names(directory) if name.endswith(".whl") and not name.startswith("-")]
    return [f"./{name}" for name in wheels if not any(name.encode() in text for text in texts)]


def _relative(project: Project, file: str) -> str:
    return os.path.relpath(file, project.package_directory or ".")
