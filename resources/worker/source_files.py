"""Writing the source files of a build into its directory, and reading from it what the Actor says of itself."""

from codecs import BOM_UTF8
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from resources.actors.source_files import SourceFile
from resources.runs import declared_storages
from resources.sandbox import open_files

_DEFINITIONS = (".actor/actor.json", "actor.json", "apify.json")
_INPUT_SCHEMAS = (".actor/INPUT_SCHEMA.json", ".actor/input_schema.json", "INPUT_SCHEMA.json", "input_schema.json")
_READMES = (".actor/README.md", "README.md")
_CHANGELOGS = (".actor/CHANGELOG.md", "CHANGELOG.md")
_MAX_TEXT_BYTES = 1024 * 1024


class BadSource(Exception):
    """It cannot be built; the message says what is wrong with its files."""


def write(files: Sequence[SourceFile], app: Path) -> None:
    """Write files below `app`, which is made. Their names were checked when they were saved, and are again.

    Raises:
        BadSource: for a name that leads elsewhere, or that is a file in one place and a directory in another.
    """
    app.mkdir()
    for file in files:
        path = app / _relative(file.name)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("xb") as written:
                written.write(file.data)
        except (OSError, ValueError) as error:
            raise BadSource(f'The source file "{file.name}" cannot be written: {error}') from error


def read_definition(app: Path) -> dict[str, Any]:
    """Return what `.actor/actor.json` says, an empty one where there is none.

    The schemas of its output and storages are in it, where it names the files that they are in.

    Raises:
        BadSource: when one of them is missing where it should be, or not a JSON object.
    """
    name = _first(app, _DEFINITIONS)
    definition = {} if name is None else _object(app, name)
    for holder, names in _places_of_schemas(definition):
        for schema in names:
            if isinstance(holder.get(schema), str):
                holder[schema] = _object(app, path_beside_definition(app, holder[schema]))
    return definition


def _places_of_schemas(definition: dict[str, Any]) -> Iterator[tuple[dict[str, Any], list[str]]]:
    """Yield the objects in a definition that can name files with schemas, each with the keys that name them."""
    yield definition, ["output"]
    storages = definition.get("storages")
    if not isinstance(storages, dict):
        return
    yield storages, [one for one, _ in declared_storages.NAMES.values()]
    for _, several in declared_storages.NAMES.values():
        by_alias = storages.get(several)
        if isinstance(by_alias, dict):
            yield by_alias, list(by_alias)


def read_input_schema(app: Path, definition: dict[str, Any]) -> str:
    """Return the schema of the input as JSON text, "" where there is none.

    The definition says where it is, or has it in itself.

    Raises:
        BadSource: when it is missing where it should be, or not a JSON object.
    """
    named = definition.get("input")
    if isinstance(named, dict):
        return _as_text(named)
    name = path_beside_definition(app, named) if isinstance(named, str) else _first(app, _INPUT_SCHEMAS)
    return "" if name is None else _as_text(_object(app, name))


def read_text(app: Path, definition: dict[str, Any], what: str) -> str:
    """Return the text of the Actor's "readme" or "changelog", "" where there is none."""
    named = definition.get(what)
    usual = _READMES if what == "readme" else _CHANGELOGS
    name = path_beside_definition(app, named) if isinstance(named, str) else _first(app, usual)
    text = None if name is None else open_files.read(app, name, _MAX_TEXT_BYTES)
    return "" if text is None else text.decode(errors="replace").replace("\x00", "")


def path_beside_definition(app: Path, named: str) -> str:
    """Return the path of a file that the definition names, by a path from where the definition is.

    Raises:
        BadSource: when there is no such file.
    """
    name = f".actor/{named}" if open_files.is_directory(app, ".actor") else named
    if not open_files.is_file(app, name):
        raise BadSource(f'The definition of the Actor names the file "{named[:200]}", which is not there.')
    return name


def _relative(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\x00" in name:
        raise BadSource(f'The source file "{name[:200]}" must have a relative path without .. in it.')
    return path


def _first(app: Path, names: Sequence[str]) -> str | None:
    return next((name for name in names if open_files.is_file(app, name)), None)


def _object(app: Path, name: str) -> dict[str, Any]:
    """Return the object that a file holds, read as strictly as it will be read from the database again."""
    shown = PurePosixPath(name)
    text = open_files.read(app, name, _MAX_TEXT_BYTES + 1)
    if text is None:
        raise BadSource(f"{shown} cannot be read.")
    try:
        found = msgspec.json.decode(text.removeprefix(BOM_UTF8))
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadSource(f"{shown} is not valid JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadSource(f"{shown} must be a JSON object.")
    return found


def _as_text(found: dict[str, Any]) -> str:
    return msgspec.json.encode(found).decode()
