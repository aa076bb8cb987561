"""How an Actor is started: found out from its files.

The first of these that there is:
  1. CMD and ENTRYPOINT of its Dockerfile, in its WORKDIR
  2. for Node.js the script `start:prod` or `start` of package.json, by npm; else `node` with the `main` of
     package.json, `main.js`, `index.js`, `src/main.js` or `src/index.js`
  3. for Python `python -m src` where there is `src/__main__.py`, as the SDK's templates do; else `python -m <package>`
     for the only package that has a `__main__.py`; else `python` with `__main__.py`, `main.py` or `src/main.py`

`python` is the version that the Actor asks for, if it is there, else the one that Latchkey itself runs on.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from resources.sandbox import directories, open_files
from resources.sandbox.interpreters import interpreters
from resources.worker.project import Project
from resources.worker.start_check import NoCommand, StartCheck, program_of_image

_NODE_FILES = ("main.js", "index.js", "main.mjs", "index.mjs", "src/main.js", "src/index.js")
# As Node.js finds `main`: https://nodejs.org/api/modules.html#all-together
_MAIN_ENDINGS = ("", ".js", "/index.js")
_PYTHON_FILES = ("__main__.py", "main.py", "src/main.py")
_PYTHONS = re.compile(r"python(3(\.\d+)?)?\Z")
_QUOTED = r"""(?:"[^"]*"|'[^']*'|\S+)"""
# What leads to the same program with something around it that runs do not have. `uv run` would install once more.
_WRAPPERS = {
    "start_xvfb_and_run_cmd.sh": r"(?:exec\s+)?\./start_xvfb_and_run_cmd\.sh\s*(?:&&|;)\s*",
    "xvfb-run": rf"xvfb-run(?:\s+(?:-[efnpsw]\s*{_QUOTED}|--[a-z-]+(?:={_QUOTED})?|-[adhl]+))*\s+",
    "uv run": r"uv\s+run(?:\s+--[a-z-]+)*\s+",
    "poetry run": r"poetry\s+run\s+",
}
_MAX_WRAPPED = 4096
_SHELLS = (["/bin/sh", "-c"], ["sh", "-c"], ["/bin/bash", "-c"], ["bash", "-c"])


@dataclass(frozen=True, slots=True)
class Start:
    """How an Actor is started: the command, and the directory of its files that it is started in, "" for all of them.

    `left_out` names what the Dockerfile's command has around the program and runs do without, and `executed` the files
    of the Actor that are executed, which must be executable.
    """

    command: list[str]
    directory: str = ""
    left_out: tuple[str, ...] = ()
    executed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """Where a program sees the files of its Actor, and what pip has installed."""

    app: str
    packages: str


def find_start(project: Project, build: Path, seen: Seen | None = None) -> Start:
    """Return how the Actor in the directory of a build is started, by paths as here if `seen` does not say others.

    Raises:
        NoCommand: when there is nothing to start, or nothing to start it with.
    """
    check = StartCheck(project, build)
    if project.image.command:
        seen = seen or Seen(str(project.app), str(build / directories.PACKAGES))
        return _of_dockerfile(project, check, project.image.command, seen)
    if project.is_for_node:
        command = _of_node(project, check)
        return Start(command, project.package_directory, executed=tuple(dict.fromkeys(check.executed)))
    return Start(_of_python(project), project.directory)


def python_path(project: Project) -> str:
    """Return the path of the interpreter that an Actor runs on."""
    return interpreters().get(project.python(), sys.executable)


def program(name: str) -> str:
    """Return the path of a program of Node.js.

    Raises:
        NoCommand: when it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise NoCommand(f"This is an Actor for Node.js, and {name} is not installed on this server.")
    return found


def _of_dockerfile(project: Project, check: StartCheck, command: Sequence[str], seen: Seen) -> Start:
    words, left_out = _without_wrappers(project, list(command))
    if not words:
        raise NoCommand("CMD of the Dockerfile names nothing to start.")
    here = [project.image.translate(word, str(project.app)) for word in words]
    if here[:2] in _SHELLS and len(here) > 2:
        check.check_shell(here[2], "CMD")
    else:
        check.check_words(here, "CMD")
    there = [project.image.translate(word, seen.app) for word in words]
    on_path = check.find_on_path(here[0])
    if on_path:
        there[0] = f"{seen.app}/{on_path}"
    elif check.is_installed(here[0]):
        there[0] = f"{seen.packages}/bin/{here[0]}"
    else:
        there[0] = _program_of_command(project, here[0], there[0])
    return Start(there, project.directory, tuple(left_out), tuple(dict.fromkeys(check.executed)))


def _program_of_command(project: Project, here: str, there: str) -> str:
    """Return what is executed: files of the Actor by where it sees them, others by where they are on this server."""
    is_ours = open_files.is_file(project.app, _inside(project, here))
    if _PYTHONS.match(PurePosixPath(here).name) and not is_ours:
        return python_path(project)
    if is_ours:
        return there
    return (program_of_image(here) if "/" in here else shutil.which(here)) or there


def _inside(project: Project, path: str) -> str:
    return path.removeprefix(f"{project.app}/") if path.startswith("/") else f"{project.directory or '.'}/{path}"


def _without_wrappers(project: Project, words: list[str]) -> tuple[list[str], list[str]]:
    """Return a command without what only is around the program and is not there, and the names of that."""
    left_out = []
    is_shell = words[:2] in _SHELLS and len(words) > 2
    text = words[2] if is_shell else shlex.join(words)
    for name, pattern in _WRAPPERS.items() if len(text) <= _MAX_WRAPPED else ():
        if shutil.which(name) is None and not open_files.is_file(project.app, _inside(project, name)):
            text, count = re.subn(rf"(?<![\w/-]){pattern}", "", text)
            left_out += [name] * bool(count)
    if not left_out:
        return words, []
    return [*words[:2], text, *words[3:]] if is_shell else shlex.split(text), left_out


def _of_node(project: Project, check: StartCheck) -> list[str]:
    problems = []
    for name, arguments in (("start:prod", ("run", "start:prod")), ("start", ("start",))):
        if name in project.scripts():
            try:
                check.check_script(name)
            except NoCommand as error:
                problems.append(error)
                continue
            return [program("npm"), *arguments, "--silent"]
    if problems:
        raise problems[0]
    main = project.package.get("main")
    mains = [f"{main.rstrip('/')}{ending}" for ending in _MAIN_ENDINGS] if isinstance(main, str) else []
    for name in (*mains, *_NODE_FILES):
        if project.has(name):
            return [program("node"), name]
    raise NoCommand("There is neither a script called start in package.json nor a main.js.")


def _of_python(project: Project) -> list[str]:
    python, app = python_path(project), project.app / project.directory
    if open_files.is_file(app, "src/__main__.py"):
        return [python, "-m", "src"]
    named = (each for each in open_files.names(app) if each.isidentifier())
    packages = [each for each in named if open_files.is_file(app, f"{each}/__main__.py")]
    if len(packages) == 1:
        return [python, "-m", packages[0]]
    for name in _PYTHON_FILES:
        if open_files.is_file(app, name):
            return [python, name]
    raise NoCommand("There is nothing to start: neither src/__main__.py nor main.py, and no package.json.")
