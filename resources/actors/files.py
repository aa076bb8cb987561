"""Single source files of a version: put in, renamed, taken away, while others may be working on the same version."""

import hashlib
from collections.abc import Callable

from accounts.principal import Principal
from resources.actors import versions
from resources.actors.source_files import SourceFile
from resources.actors.versions import VersionChange
from resources.models import ActorVersion


class NoSuchFile(LookupError):
    """The version has no file with this name, or has none any more."""


class FileChanged(ValueError):
    """The file was changed since it was read; the message says so."""


def get_file(version: ActorVersion, name: str) -> SourceFile:
    """Return a file of a version.

    Raises:
        NoSuchFile: when there is none with this name.
    """
    for file in versions.get_source_files(version):
        if file.name == name:
            return file
    raise NoSuchFile(name)


def add(version: ActorVersion, file: SourceFile, *, by: Principal) -> None:
    """Add a file.

    Raises:
        InvalidField: when there is a file with this name, for a path that leads out, and where it becomes too much.
        ResourceGone: when the version was removed in the meantime.
    """
    _change(version, lambda files: [*files, file], by)


def compute_digest(content: str) -> str:
    """Return the digest of a content, for `seen`."""
    return hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()


def write(version: ActorVersion, name: str, content: str, *, seen: str, by: Principal) -> None:
    """Give a text file this content in place of the one that the writer has seen, whose digest is `seen`.

    Raises:
        NoSuchFile: when there is no such file any more.
        FileChanged: when it has neither the content that was seen nor the new one.
        InvalidField: where it becomes too much.
        ResourceGone: when the version was removed in the meantime.
    """

    def changed(files: list[SourceFile]) -> list[SourceFile]:
        before = _named(files, name)
        if before.format != "TEXT" or (compute_digest(before.content) != seen and before.content != content):
            raise FileChanged(f'Another user has changed "{name}" since you opened it.')
        return [SourceFile(name, "TEXT", content) if file is before else file for file in files]

    _change(version, changed, by)


def rename(version: ActorVersion, name: str, to: str, *, by: Principal) -> None:
    """Give a file another name.

    Raises:
        NoSuchFile: when there is no such file any more.
        InvalidField: when there is another file with this name, and for a path that leads out.
        ResourceGone: when the version was removed in the meantime.
    """

    def changed(files: list[SourceFile]) -> list[SourceFile]:
        before = _named(files, name)
        return [SourceFile(to, file.format, file.content) if file is before else file for file in files]

    _change(version, changed, by)


def remove(version: ActorVersion, name: str, *, by: Principal) -> None:
    """Take a file away.

    Raises:
        NoSuchFile: when there is no such file any more.
        ResourceGone: when the version was removed in the meantime.
    """

    def changed(files: list[SourceFile]) -> list[SourceFile]:
        before = _named(files, name)
        return [file for file in files if file is not before]

    _change(version, changed, by)


def _change(version: ActorVersion, change: Callable[[list[SourceFile]], list[SourceFile]], by: Principal) -> None:
    """Lock the version while its files are edited."""
    versions.change(
        version, lambda locked: VersionChange(source_files=change(versions.get_source_files(locked))), by=by
    )


def _named(files: list[SourceFile], name: str) -> SourceFile:
    for file in files:
        if file.name == name:
            return file
    raise NoSuchFile(name)
