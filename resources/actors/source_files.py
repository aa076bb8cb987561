"""The source files of a version: a small tree of texts and bytes, written as JSON.

Their names become paths in the directory where an Actor is built, so a name that leads anywhere else is refused.
"""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import msgspec

from resources.actors.fields import InvalidField

MAX_FILES = 2000
MAX_BYTES = 8 * 1024 * 1024
_MAX_NAME = 500
_FIELD = "sourceFiles"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file. `format` is "TEXT", or "BASE64" where `content` is that of bytes; `name` is its relative path.

    A folder by itself is one with the format "FOLDER", whose content is empty.
    """

    name: str
    format: str = "TEXT"
    content: str = ""

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        return base64.b64decode(self.content) if self.format == "BASE64" else self.content.encode()


def dump_files(files: Sequence[SourceFile]) -> str:
    """Return files as they are kept, as JSON text.

    Raises:
        InvalidField: for a path that leads out of the directory or stands there twice, for what is not base64, and
            where it is too much.
    """
    if len(files) > MAX_FILES:
        raise InvalidField(_FIELD, f"there must be at most {MAX_FILES:,} files.")
    seen: set[str] = set()
    for file in files:
        _check(file)
        path = str(PurePosixPath(file.name))
        if path in seen:
            raise InvalidField(_FIELD, f'"{path}" is there twice.')
        seen.add(path)
    if sum(len(file.content) for file in files) > MAX_BYTES:
        raise InvalidField(_FIELD, f"together they must have at most {MAX_BYTES:,} characters.")
    return msgspec.json.encode([_written(file) for file in files]).decode()


def load_files(text: str) -> list[SourceFile]:
    """Return the files, without folders, from the JSON text that `dump_files` has returned."""
    return [
        SourceFile(each["name"], each["format"], each["content"])
        for each in msgspec.json.decode(text)
        if not each.get("folder")
    ]


def _written(file: SourceFile) -> dict[str, Any]:
    if file.format == "FOLDER":
        return {"name": file.name, "folder": True}
    return {"name": file.name, "format": file.format, "content": file.content}


def _check(file: SourceFile) -> None:
    name = file.name
    parts = name.split("/")
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable() or "\\" in name or _leads_out(parts):
        raise InvalidField(_FIELD, "each name must be a relative path of at most 500 characters, without .. in it.")
    if "\x00" in file.content:
        raise InvalidField(_FIELD, f'"{name}" has a NUL in it; send it as BASE64.')
    if file.format == "BASE64":
        try:
            base64.b64decode(file.content, validate=True)
        except (binascii.Error, ValueError):
            raise InvalidField(_FIELD, f'"{name}" is not base64.') from None
    elif file.format not in ("TEXT", "FOLDER"):
        raise InvalidField(_FIELD, f'the format of "{name}" must be TEXT or BASE64.')


def _leads_out(parts: Sequence[str]) -> bool:
    return parts[0] == "" or ".." in parts or all(part in ("", ".") for part in parts)
