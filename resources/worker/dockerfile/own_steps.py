"""Which of the commands that RUN names a build does anyway, in its own way: it installs, compiles and cleans up."""

import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath

_SHOWS = {"echo", "true", "set", "cd"}
_NODE_MANAGERS = {"npm", "yarn", "pnpm"}
_PYTHONS = {"python", "python3"}
_PIPS = {"pip", "pip3"}
_INSTALLING = {"install", "ci", "i", "add"}
_GLOBALLY = {"-g", "--global"}
_REQUIREMENTS = {"-r", "--requirement"}
# What pip is told to install where it is no package of the Actor's: itself, its kind, and the source.
_TOOLS = {"pip", "setuptools", "wheel", "uv", "."}
_EXECUTABLE = tuple([mode] for mode in ("+x", "a+x", "u+x", "ug+x", "755", "0755", "700", "0700", "775", "777"))
_PATTERN = set("*?[{`")
# Of Apify's images.
_CHECK = "check-playwright-version.mjs"


def is_done_anyway(rest: str) -> bool:
    """Tell whether all that a RUN does is what a build does in its own way, or only shows something."""
    commands = split_commands(rest)
    return commands is not None and all(map(_is_own, commands))


def requirements_files(rest: str) -> list[str]:
    """Return the files with requirements that a RUN has pip install."""
    found = []
    for words in split_commands(rest) or ():
        if not _PIPS.union({"uv"}).isdisjoint(words):
            found += [words[at + 1] for at, word in enumerate(words[:-1]) if word in _REQUIREMENTS]
    return found


def executables(rest: str) -> list[str]:
    """Return the files that a RUN makes executable, each by its name."""
    return [name for words in split_commands(rest) or () for name in _made_executable(words)]


def split_commands(text: str) -> list[list[str]] | None:
    """Return the commands that a line of shell consists of, each in its words; None where that is not to be told."""
    try:
        words = shlex.split(text.replace("(", " ").replace(")", " ").replace(";", " && "))
    except ValueError:
        return None
    commands: list[list[str]] = [[]]
    for word in words:
        if word in ("&&", "||", "|"):
            commands.append([])
        elif commands[-1] or not word.startswith("--"):  # the flags of RUN itself come first
            commands[-1].append(word)
    return [words for words in commands if words]


def _is_own(words: Sequence[str]) -> bool:
    program, arguments = PurePosixPath(words[0]).name, words[1:]
    plain = [word for word in arguments if not word.startswith("-")]
    if program in _NODE_MANAGERS:
        return _is_own_of_node(plain, arguments)
    if program in _PIPS:
        return _is_own_of_pip(plain, arguments)
    if program in _PYTHONS and arguments[:1] == ["-m"]:
        return arguments[1:2] == ["compileall"] or (arguments[1:2] == ["pip"] and _is_own(arguments[1:]))
    if program in _PYTHONS or program == "node":
        return plain in ([], [_CHECK]) and "-c" not in arguments
    if program == "uv":
        return _is_own(plain) if plain[:1] == ["pip"] else plain[:1] in ([], ["sync"])
    if program == "poetry":
        return plain[:1] in ([], ["install"], ["config"])
    if program == "chmod":
        return bool(_made_executable(words))
    if program == "rm":
        return all(word.startswith("-") or "cache" in word or ".npm" in word for word in arguments)
    return program in _SHOWS


def _made_executable(words: Sequence[str]) -> Sequence[str]:
    """Return what a chmod makes executable; nothing where that is not told by the names of files alone."""
    if PurePosixPath(words[0]).name != "chmod" or words[1:2] not in _EXECUTABLE:
        return ()
    names = words[2:]
    return () if any(name.startswith("-") or _PATTERN.intersection(name) for name in names) else names


def _is_own_of_node(plain: Sequence[str], arguments: Sequence[str]) -> bool:
    if plain[:1] == ["run"]:
        return plain[1:2] == ["build"]
    names_packages = bool(plain) and plain[0] in _INSTALLING and len(plain) > 1
    return not names_packages and _GLOBALLY.isdisjoint(arguments)


def _is_own_of_pip(plain: Sequence[str], arguments: Sequence[str]) -> bool:
    names_files = not _REQUIREMENTS.isdisjoint(arguments)
    return plain[:1] != ["install"] or names_files or _TOOLS.issuperset(plain[1:])
