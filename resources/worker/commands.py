"""How an Actor is started: found out from its files.

A file `package.json` makes it an Actor for Node.js, anything else is one for Python. The first of these that there is:

Node.js:
  1. the script `start` of package.json: `npm start`
  2. the `main` of package.json, `main.js`, `index.js`, `src/main.js`, `src/index.js`: `node <file>`

Python:
  1. `src/__main__.py`: `python -m src`, as the SDK's templates do
  2. `<package>/__main__.py` in the only package that has one: `python -m <package>`
  3. `__main__.py`, `main.py`, `src/main.py`: `python <file>`

A Dockerfile is not looked at. `python` is the one that Latchkey itself runs on.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from resources.sandbox import open_files

_MAX_PACKAGE_BYTES = 1024 * 1024
_NODE_FILES = ("main.js", "index.js", "main.mjs", "index.mjs", "src/main.js", "src/index.js")
_PYTHON_FILES = ("__main__.py", "main.py", "src/main.py")


class NoCommand(Exception):
    """It cannot be started; the message says what is missing."""


def find_command(app: Path) -> list[str]:
    """Return the command that starts the Actor whose files are in `app`, to be run there.

    Raises:
        NoCommand: when there is nothing to start, or nothing to start it with.
    """
    return _of_node(app) if is_for_node(app) else _of_python(app)


def is_for_node(app: Path) -> bool:
    """Tell whether the files in `app` are an Actor for Node.js."""
    return open_files.is_file(app, "package.json")


def read_package(app: Path) -> dict[str, Any]:
    """Return what package.json says, an empty one where it is no object."""
    text = open_files.read(app, "package.json", _MAX_PACKAGE_BYTES)
    try:
        found = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def program(name: str) -> str:
    """Return the path of a program of Node.js.

    Raises:
        NoCommand: when it is not installed.
    """
    found = shutil.which(name)
    if found is None:
        raise NoCommand(f"This is an Actor for Node.js, and {name} is not installed on this server.")
    return found


def _of_node(app: Path) -> list[str]:
    package = read_package(app)
    scripts = package.get("scripts")
    if isinstance(scripts, dict) and scripts.get("start"):
        return [program("npm"), "start", "--silent"]
    main = package.get("main")
    for name in (*([main] if isinstance(main, str) else []), *_NODE_FILES):
        if open_files.is_file(app, name):
            return [program("node"), name]
    raise NoCommand("There is neither a script called start in package.json nor a main.js.")


def _of_python(app: Path) -> list[str]:
    if open_files.is_file(app, "src/__main__.py"):
        return [sys.executable, "-m", "src"]
    named = (each for each in open_files.names(app) if each.isidentifier())
    packages = [each for each in named if open_files.is_file(app, f"{each}/__main__.py")]
    if len(packages) == 1:
        return [sys.executable, "-m", packages[0]]
    for name in _PYTHON_FILES:
        if open_files.is_file(app, name):
            return [sys.executable, name]
    raise NoCommand("There is nothing to start: neither src/__main__.py nor main.py, and no package.json.")
