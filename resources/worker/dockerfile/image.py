"""Read from a Dockerfile how an Actor is started. Nothing of it is executed, and no image is used.

Honoured are CMD, ENTRYPOINT, ENV, ARG and WORKDIR of the last stage, and what it takes over from earlier ones. Files
stay where they are in the source: from what COPY and ADD put where it is found out which directory of the source the
working directory is, and paths of the image are read as paths of the source. The version of Python is that of the
image. Everything else is listed as not done, but for what a build does in its own way (`own_steps.py`).
"""

import re
import shlex
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from resources.worker.dockerfile.copies import Copy, above, copied_to, lies_in_place, normalized
from resources.worker.dockerfile.own_steps import executables, is_done_anyway, requirements_files
from resources.worker.dockerfile.syntax import TooLarge, expand, flags_and_words, instructions, json_words

# A Dockerfile beyond this is written to take the worker's memory and time by its reading.
MAX_STAGES: Final = 100
MAX_COPIES: Final = 1000
MAX_REQUIREMENTS: Final = 100
MAX_EXECUTABLES: Final = 100
MAX_PATH: Final = 4096
MAX_VARIABLES_LENGTH: Final = 1024 * 1024
_MAX_SHOWN = 160
# A path in a text, as far as it can be told from what is around it.
_PATH = re.compile(r"(?<![\w.~/-])(?:/[\w.@+~%-]+)+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\Z", re.ASCII)
_PYTHON = re.compile(r"(?:.*/)?(?:actor-)?python[a-z-]*:(3\.\d{1,2})(?!\d)")
_LANGUAGE = re.compile(r"(?:.*/)?(?:actor-)?(python|node)(?![a-z])")
_SHELL = ("/bin/sh", "-c")
_SILENT = {"LABEL", "MAINTAINER", "ARG"}
# Where the images of Apify put the files; in others it is the root until WORKDIR says something else.
_BROWSERS = ("playwright", "puppeteer", "chrome", "camoufox", "selenium")


@dataclass(frozen=True, slots=True)
class Image:
    """What a Dockerfile says. `command` is None where it says nothing of it.

    `directory` is where the command starts, relative to the directory of the source, and `places` are directories of
    the image, each with the directory of the source that it is. `language` is "node", "python" or "", `python` a
    version like "3.12" or "". `requirements` are the files of the source that pip is told to install from, and
    `executables` those that are made executable. `not_done` are instructions, as they are shown in a log.
    """

    command: Sequence[str] | None = None
    environment: dict[str, str] = field(default_factory=dict)
    directory: str = ""
    places: Sequence[tuple[str, str]] = ()
    language: str = ""
    python: str = ""
    base: str = ""
    requirements: Sequence[str] = ()
    executables: Sequence[str] = ()
    not_done: Sequence[str] = ()

    def translate(self, text: str, app: str) -> str:
        """Return a text with the paths of the image in it read as those of the source, which is at `app`."""
        known = {place: directory for place, directory in self.places if place != "/"}
        longest = max(map(len, known), default=0)

        def translate_path(found: re.Match[str]) -> str:
            path = found[0]
            for end in _ends_of_parts(path, longest):
                if path[:end] in known:
                    return f"{app}/{known[path[:end]]}".rstrip("/") + path[end:]
            return path

        return _PATH.sub(translate_path, text) if known else text


@dataclass(slots=True)
class _Stage:
    image: str
    workdir: PurePosixPath
    arguments: dict[str, str]
    variables: dict[str, str] = field(default_factory=dict)
    copies: list[Copy] = field(default_factory=list)
    command: Sequence[str] | None = None
    command_is_own: bool = False  # and not taken over from an earlier stage
    entrypoint: Sequence[str] | None = None
    requirements: list[PurePosixPath] = field(default_factory=list)
    executables: list[tuple[PurePosixPath, str]] = field(default_factory=list)  # each with the line that names it
    not_done: list[str] = field(default_factory=list)

    def expand(self, text: str) -> str:
        """Return a text with its variables replaced."""
        return expand(text, ChainMap(self.variables, self.arguments))

    def path(self, text: str) -> PurePosixPath:
        """Return a path of the image, relative to the working directory if it is not absolute.

        Raises:
            TooLarge: when it is too long.
        """
        found = normalized(self.workdir / text)
        if len(str(found)) > MAX_PATH:
            raise TooLarge(f"The Dockerfile has a path that is longer than {MAX_PATH} characters.")
        return found


def parse(text: str, is_directory: Callable[[str], bool], context: str = "") -> Image:
    """Return what a Dockerfile says.

    Args:
        text: its content.
        is_directory: tells whether a path of the source is a directory.
        context: the directory of the source that COPY copies from, "" for all of it.

    Raises:
        TooLarge: when it has more of something than one may have.
    """
    reader = _Reader(is_directory, PurePosixPath(context))
    for line, name, rest in instructions(text):
        reader.read(line, name, rest)
    return reader.image()


class _Reader:
    def __init__(self, is_directory: Callable[[str], bool], context: PurePosixPath) -> None:
        self._is_directory = is_directory
        self._context = context
        self._stages: dict[str, _Stage] = {}
        self._last: _Stage | None = None
        self._arguments: dict[str, str] = {}  # those before the first FROM
        self._begun = self._copied_count = 0

    def read(self, line: int, name: str, rest: str) -> None:
        """Take an instruction in."""
        shown = _shown(line, name, rest)
        if name == "FROM":
            self._begin(rest)
        elif self._last is None:
            if name == "ARG":
                _set_argument(self._arguments, rest, self._arguments)
        elif name in ("COPY", "ADD"):
            self._copy(self._last, rest, shown)
        else:
            _apply(self._last, name, rest, shown)

    def image(self) -> Image:
        """Return what all instructions come to."""
        stage = self._last
        if stage is None:
            return Image()
        directory = self._start_directory(stage)
        moved = [copy.shown for copy in stage.copies if not lies_in_place(copy, stage.workdir, directory)]
        places = {str(copy.target): _relative(copy.source) for copy in stage.copies if copy.is_directory}
        places[str(stage.workdir)] = _relative(directory)
        language, python = _LANGUAGE.match(stage.image), _PYTHON.match(stage.image)
        found = (copied_to(stage.copies, path) for path in stage.requirements)
        programs = [(copied_to(stage.copies, path), shown) for path, shown in stage.executables]
        moved += [shown for path, shown in programs if path is None]
        return Image(
            command=_whole_command(stage),
            environment=stage.variables,
            directory=_relative(directory),
            places=list(places.items()),
            language=language[1] if language else "",
            python=python[1] if python else "",
            base=stage.image,
            requirements=[_relative(path) for path in found if path is not None],
            executables=[_relative(path) for path, _ in programs if path is not None],
            not_done=[*stage.not_done, *dict.fromkeys(moved)],
        )

    def _begin(self, rest: str) -> None:
        words = [word for word in rest.split() if not word.startswith("--")]
        if not words:
            return
        self._begun += 1
        if self._begun > MAX_STAGES:
            raise TooLarge(f"The Dockerfile has more than {MAX_STAGES} stages.")
        image = expand(words[0], self._arguments)
        name = words[2].lower() if len(words) == 3 and words[1].upper() == "AS" else str(len(self._stages))
        base = self._stages.get(image.lower())
        stage = _Stage(image, _first_workdir(image), dict(self._arguments))
        if base is not None:
            stage.image, stage.workdir = base.image, base.workdir
            stage.variables, stage.copies = dict(base.variables), list(base.copies)
            stage.command, stage.entrypoint = base.command, base.entrypoint
            stage.requirements, stage.not_done = list(base.requirements), list(base.not_done)
            stage.executables = list(base.executables)
        self._last = self._stages[name] = stage

    def _copy(self, stage: _Stage, rest: str, shown: str) -> None:
        flags, words = flags_and_words(rest)
        self._copied_count += len(words)
        if self._copied_count > MAX_COPIES:
            raise TooLarge(f"The Dockerfile copies more than {MAX_COPIES} files and directories by their names.")
        words = [stage.expand(word) for word in words]
        found = [self._copied(stage, source, words, flags.get("from", "")) for source in words[:-1]]
        for copy in found:
            if copy is not None:
                copy.shown = shown
                stage.copies.append(copy)
        if not found or None in found:
            stage.not_done.append(shown)

    def _copied(self, stage: _Stage, source: str, words: Sequence[str], from_: str) -> Copy | None:
        """Return what was copied where; None when it is not of the source, or has another name there."""
        target = words[-1]
        path = self._source_path(source, from_)
        if path is None or "://" in source or source.startswith("<<"):
            return None
        reached = stage.path(target)
        is_pattern = any(sign in path.name for sign in "*?[")
        is_built = bool(from_) and not path.suffix  # what a build makes is not there before
        if not is_pattern and (path == PurePosixPath() or is_built or self._is_directory(str(path))):
            return Copy(reached, path, is_directory=True)
        goes_into = len(words) > 2 or is_pattern or target.endswith(("/", ".")) or reached == stage.workdir
        if not goes_into and reached.name != path.name:
            return None
        return Copy(reached if goes_into else reached.parent, path.parent, is_directory=False)

    def _source_path(self, source: str, from_: str) -> PurePosixPath | None:
        """Return the path in the source of what is copied, from an earlier stage where `from_` names one."""
        if not from_:
            return normalized(self._context / source.lstrip("/"))
        earlier = self._stages.get(from_.lower())
        return copied_to(earlier.copies, earlier.path(source)) if earlier else None

    def _start_directory(self, stage: _Stage) -> PurePosixPath:
        """Return which directory of the source the working directory is."""
        directories = [copy for copy in stage.copies if copy.is_directory]
        for copy in reversed(directories):
            if stage.workdir.is_relative_to(copy.target):
                return normalized(copy.source / stage.workdir.relative_to(copy.target))
        for copy in (*directories, *stage.copies):
            found = above(copy, stage.workdir)
            if found is not None:
                return found
        return self._context


def _apply(stage: _Stage, name: str, rest: str, shown: str) -> None:
    if name == "ENV":
        if not _set_variables(stage, rest):
            stage.not_done.append(shown)
    elif name == "ARG":
        _set_argument(stage.arguments, rest, ChainMap(stage.variables, stage.arguments))
    elif name == "WORKDIR":
        stage.workdir = stage.path(stage.expand(rest.strip("\"'")))
    elif name == "CMD":
        stage.command, stage.command_is_own = _command_words(rest), True
    elif name == "ENTRYPOINT":
        stage.entrypoint = _command_words(rest)
        stage.command = stage.command if stage.command_is_own else None
    elif name == "RUN":
        _add_requirements(stage, rest)
        _add_executables(stage, rest, shown)
        if not is_done_anyway(rest):
            stage.not_done.append(shown)
    elif name not in _SILENT:
        stage.not_done.append(shown)


def _add_requirements(stage: _Stage, rest: str) -> None:
    stage.requirements += [stage.path(stage.expand(file)) for file in requirements_files(rest)]
    if len(stage.requirements) > MAX_REQUIREMENTS:
        raise TooLarge(f"The Dockerfile names more than {MAX_REQUIREMENTS} files of requirements.")


def _add_executables(stage: _Stage, rest: str, shown: str) -> None:
    stage.executables += [(stage.path(stage.expand(file)), shown) for file in executables(rest)]
    if len(stage.executables) > MAX_EXECUTABLES:
        raise TooLarge(f"The Dockerfile makes more than {MAX_EXECUTABLES} files executable.")


def _whole_command(stage: _Stage) -> Sequence[str] | None:
    if not stage.entrypoint:
        return stage.command or None
    if tuple(stage.entrypoint[:2]) == _SHELL:  # it takes no arguments
        return stage.entrypoint
    return [*stage.entrypoint, *(stage.command or ())]


def _command_words(rest: str) -> Sequence[str]:
    words = json_words(rest)
    return [*_SHELL, rest] if words is None else words


def _set_variables(stage: _Stage, rest: str) -> bool:
    """Set variables, and return whether all of them can be."""
    name, *given = rest.split(None, 1) or [""]
    if "=" not in name:
        pairs = {name: "".join(given).strip("\"'")}
    else:
        try:
            words = shlex.split(rest.replace("\\$", "\\\\$"))
        except ValueError:
            return False
        pairs = {name: value for name, _, value in (word.partition("=") for word in words)}
    fine = {name: value for name, value in pairs.items() if _NAME.match(name) and "\x00" not in value}
    length = sum(map(len, stage.variables.values()))
    expanded = {}
    for name, value in fine.items():
        expanded[name] = stage.expand(value)
        length += len(expanded[name])
        if length > MAX_VARIABLES_LENGTH:
            raise TooLarge(f"The Dockerfile sets variables of more than {MAX_VARIABLES_LENGTH // 1024} KB.")
    stage.variables |= expanded
    return len(fine) == len(pairs) and all(_holds(name, value) for name, value in expanded.items())


def _holds(name: str, value: str) -> bool:
    """Tell whether a variable is what an image says, and not what each program of a job is given."""
    if name == "PYTHONUNBUFFERED":
        return bool(value)
    return name != "HOME" and (name != "LANG" or value == "C.UTF-8")


def _set_argument(arguments: dict[str, str], rest: str, known: Mapping[str, str]) -> None:
    name, has_value, value = rest.strip().partition("=")
    if has_value:
        arguments[name] = expand(value.strip("\"'"), known)


def _first_workdir(image: str) -> PurePosixPath:
    if not image.startswith("apify/"):
        return PurePosixPath("/")
    has_browser = any(name in image for name in _BROWSERS)
    return PurePosixPath("/home/myuser" if has_browser else "/usr/src/app")


def _relative(path: PurePosixPath) -> str:
    text = str(normalized(path)).lstrip("/")
    return "" if text == "." else text


def _ends_of_parts(path: str, longest: int) -> Iterator[int]:
    """Give the ends of a path and of the directories it is in, those up to a length, the longest first."""
    end = len(path)
    if end > longest:
        end = path.rfind("/", 0, longest + 1)
    while end > 0:
        yield end
        end = path.rfind("/", 0, end)


def _shown(line: int, name: str, rest: str) -> str:
    text = " ".join(f"{name} {rest}".split())
    return f"line {line}: {text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + '…'}"
