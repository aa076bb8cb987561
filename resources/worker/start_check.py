"""Check that what an Actor is started by is there once it has been built: the program, its script, its module.

What cannot be told without a shell, such as variables in a path, counts as there.
"""

import importlib.util
import os
import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from resources.sandbox import open_files
from resources.sandbox.directories import NODE_MODULES, PACKAGES
from resources.worker.project import Project

_MAX_SCRIPTS = 10
_SYSTEM = ("/usr/", "/bin/", "/sbin/")  # what every run sees
_ENDS = {"&&", "||", ";", "|", "&", "(", ")", "|&", ";;"}
_REDIRECTS = {">", ">>", "<", ">&", "&>", "<<<"}
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_UNKNOWN = re.compile(r"[$`*?\[{~]")
# Words of shells, after which a program may come or not.
_KEYWORDS = {"!", "{", "}", "if", "then", "else", "elif", "fi", "while", "until", "do", "done", "time", "exec"}
_BUILTINS = {
    *("echo", "exit", "export", "set", "unset", "test", "[", "[[", ":", "true", "false", "wait", "trap", "ulimit"),
    *("umask", "read", "printf", "shift", "return", "local", "source", ".", "alias", "type", "hash", "break"),
    *("continue", "eval", "command", "for", "case", "esac", "function", "select", "in"),
}
_BEFORE = {"env", "cross-env", "cross-env-shell", "nohup", "dumb-init"}
_NODE_FLAGS = {"-r", "--require", "--import", "--loader", "--experimental-loader", "-C", "--conditions", "--env-file"}
_CODE = {"-e", "--eval", "-p", "--print", "-c", "-i", "--test", "--run", "-"}
_NODE_ENDINGS = ("", ".js", ".mjs", ".cjs", ".json", "/package.json", "/index.js", "/index.mjs", "/index.cjs")
_SCRIPTS_OF_NPM = {"start", "test", "stop", "restart"}
_PYTHONS = re.compile(r"(?:.*/)?python(3(\.\d+)?)?\Z")
_SHELLS = re.compile(r"(?:.*/)?(?:ba|da|z)?sh\Z")


class NoCommand(Exception):
    """An Actor cannot be started; the message says what is missing."""


class StartCheck:
    """What there is to start by in the directory of a build."""

    def __init__(self, project: Project, build: Path) -> None:
        self._project = project
        self._app = project.app
        self._build = build
        self._seen: set[str] = set()
        self.executed: list[str] = []  # files of the Actor that are executed, as far as has been checked

    def check_script(self, name: str) -> None:
        """Check a script of package.json, and those that it runs.

        Raises:
            NoCommand: when something that it names is not there.
        """
        scripts = self._project.scripts()
        if name in self._seen or len(self._seen) >= _MAX_SCRIPTS:
            return
        self._seen.add(name)
        if name not in scripts:
            raise NoCommand(f"package.json has no script {name[:100]}.")
        self.check_shell(scripts[name], f"the script {name[:100]} of package.json", self._project.package_directory)

    def check_shell(self, text: str, named_by: str, directory: str | None = None) -> None:
        """Check a line of shell that is run in a directory of the Actor, that where it starts if None.

        Raises:
            NoCommand: when something that it names is not there.
        """
        if _is_broken(text):
            raise NoCommand(f"A quote in {named_by} is not closed.")
        for words in _commands(text):
            if words[0] in ("cd", "source", "."):  # where the others are run, or by what, is not known
                return
            self.check_words(words, named_by, directory)

    def check_words(self, words: Sequence[str], named_by: str, directory: str | None = None) -> None:
        """Check a command in its words.

        Raises:
            NoCommand: when something that it names is not there.
        """
        where = self._project.directory if directory is None else directory
        before = len(words) - len(_from_program(words))
        for word in _BEFORE.intersection(words[:before]):
            self._check_program(word, named_by, where)
        words = words[before:]
        if not words or _UNKNOWN.search(words[0]) or words[0] in _BUILTINS:
            return
        self._check_program(words[0], named_by, where)
        problem = self._problem_of_arguments(words[0], words[1:], where)
        if problem:
            raise NoCommand(f"{problem}, which {named_by} names, is not there.")

    def is_installed(self, name: str) -> bool:
        """Tell whether pip has installed a program of this name for the build."""
        return "/" not in name and open_files.is_file(self._build, f"{PACKAGES}/bin/{name}")

    def find_on_path(self, name: str) -> str:
        """Return the path of a program in those directories of the Actor's files that PATH has, "" for none."""
        app = str(self._app)
        for directory in self._project.search_path(app) if "/" not in name else ():
            path = f"{directory}/{name}".removeprefix(f"{app}/")
            if open_files.is_file(self._app, path):
                return path
        return ""

    def _check_program(self, name: str, named_by: str, where: str) -> None:
        on_path = self.find_on_path(name)
        if on_path:
            self.executed.append(on_path)
            return
        if "/" in name and self._is_ours(name) and self._is_file(where, name):
            self.executed.append(str(PurePosixPath(self._inside(where, name))))
            return
        if _PYTHONS.match(name):
            return
        if "/" in name:
            there = not self._is_ours(name) and program_of_image(name) is not None
        else:
            there = bool(shutil.which(name)) or self.is_installed(name) or self._has_bin(name, where)
        if not there:
            raise NoCommand(f"The program {self._shown(name)}, which {named_by} names, is not there.")

    def _problem_of_arguments(self, program: str, arguments: Sequence[str], where: str) -> str:
        name = PurePosixPath(program).name
        if name in ("npm", "yarn", "pnpm"):
            self._check_npm(arguments)
        elif name == "node":
            script = _find_script(arguments, _NODE_FLAGS)
            if script and not any(self._is_file(where, f"{script}{ending}") for ending in _NODE_ENDINGS):
                return f"The file {self._shown(script)}"
        elif _PYTHONS.match(program):
            return self._problem_of_python(arguments, where)
        elif _SHELLS.match(program):
            script = _find_script(arguments, set())
            if script and self._is_ours(script) and not self._is_file(where, script):
                return f"The file {self._shown(script)}"
        return ""

    def _problem_of_python(self, arguments: Sequence[str], where: str) -> str:
        options = [word for word in arguments if word not in ("-u", "-O", "-OO", "-B", "-I", "-s", "-S", "-E")]
        if options[:1] == ["-m"]:
            is_there = len(options) < 2 or self._is_module(options[1], where)
            return "" if is_there else f"The module {options[1][:200]}"
        script = _find_script(options, {"-W", "-X"})
        is_missing = script and self._is_ours(script) and not self._exists(where, script)
        return f"The file {self._shown(script)}" if is_missing else ""

    def _is_module(self, name: str, where: str) -> bool:
        """Tell whether Python finds a module to run: of the Actor, of what pip has installed, or of its own."""
        if "PYTHONPATH" in self._project.image.environment or _UNKNOWN.search(name) or name.startswith("."):
            return True
        path, first = name.replace(".", "/"), name.partition(".")[0]
        packages = f"{PACKAGES}/{{}}".format
        if any(self._is_file(where, end) or open_files.is_file(self._build, packages(end)) for end in _modules(path)):
            return True
        others = (f"{each}/{end}" for each in open_files.names(self._app) for end in _modules(path))
        if any(open_files.is_file(self._app, each) for each in others):  # a version's PYTHONPATH may have the directory
            return True
        is_ours = self._exists(where, first) or self._is_file(where, f"{first}.py")
        return not is_ours and (first in sys.stdlib_module_names or _is_on_server(first))

    def _check_npm(self, arguments: Sequence[str]) -> None:
        plain = [word for word in arguments if not word.startswith("-")]
        if plain[:1] in (["run"], ["run-script"]) and len(plain) > 1:
            self.check_script(plain[1])
        elif plain and plain[0] in _SCRIPTS_OF_NPM:
            self.check_script(plain[0])

    def _has_bin(self, name: str, where: str) -> bool:
        """Tell whether npm has installed a program, in a directory or above it."""
        path = PurePosixPath(where)
        return any(self._exists(str(each), f"{NODE_MODULES}/.bin/{name}") for each in (path, *path.parents))

    def _is_ours(self, path: str) -> bool:
        return not path.startswith("/") or path.startswith(f"{self._app}/")

    def _is_file(self, where: str, path: str) -> bool:
        if not self._is_ours(path):  # whether there is such a file on the server is nothing that a log tells
            return True
        return _UNKNOWN.search(path) is not None or open_files.is_file(self._app, self._inside(where, path))

    def _exists(self, where: str, path: str) -> bool:
        return self._is_file(where, path) or open_files.is_directory(self._app, self._inside(where, path))

    def _inside(self, where: str, path: str) -> str:
        return path.removeprefix(f"{self._app}/") if path.startswith("/") else f"{where or '.'}/{path}"

    def _shown(self, path: str) -> str:
        return path.removeprefix(f"{self._app}/")[:200]


def program_of_image(path: str) -> str | None:
    """Return where a program is that an image has at a path, None where it is not: there, or found by its name."""
    normal = os.path.normpath(path)
    if normal.startswith(_SYSTEM) and os.access(normal, os.X_OK):
        return normal
    return shutil.which(PurePosixPath(path).name)


def _modules(path: str) -> tuple[str, str]:
    return f"{path}.py", f"{path}/__main__.py"


def _is_on_server(package: str) -> bool:
    """Tell whether Latchkey's own environment, which Actors see, has a package."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ImportError, ValueError):
        return False


def _is_broken(text: str) -> bool:
    """Tell whether a line of shell has a quote that is not closed; not where a quote may be something else."""
    if any(sign in text for sign in ("#", "<<", "$'", "\\", "`")):
        return False
    try:
        shlex.split(text)
    except ValueError:
        return True
    return False


def _find_script(arguments: Sequence[str], with_value: set[str]) -> str:
    """Return the file that an interpreter is given, "" where it is given none, or code."""
    words = iter(arguments)
    for word in words:
        if word in _CODE:
            return ""
        if word in with_value:
            next(words, None)
        elif not word.startswith("-"):
            return "" if _UNKNOWN.search(word) else word
    return ""


def _from_program(words: Sequence[str]) -> Sequence[str]:
    """Return the words of a command from its program on."""
    is_before = (bool(_ASSIGNMENT.match(word)) or word in _KEYWORDS or word in _BEFORE for word in words)
    return words[next((at for at, each in enumerate(is_before) if not each), len(words)) :]


def _commands(text: str) -> Iterator[list[str]]:
    """Yield the commands of a line of shell, each in its words; none where it cannot be read."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    try:
        tokens = list(lexer)
    except ValueError:
        return
    words: list[str] = []
    for at, token in enumerate(tokens):
        if token in _ENDS:
            if words:
                yield words
            words = []
        elif token not in _REDIRECTS and not (at and tokens[at - 1] in _REDIRECTS):
            words.append(token)
    if words:
        yield words
