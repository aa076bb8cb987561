"""Records as files in a directory: the default."""

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from django.core.files.storage import FileSystemStorage

from accounts.lib import disk_space
from accounts.lib.ids import new_id
from resources.records.files import StoredFile

_ATTEMPTS = 5
# How much is written until it is looked again whether the disk has space.
_CHECKED_BYTES = 1024 * 1024
# A file that tells this directory from those of other hosts. It is no record.
IDENTITY_FILE = ".directory-id"
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL


class RecordDirectory(FileSystemStorage):
    """A directory of files that other users of the system cannot read and that, once saved, survive a power cut."""

    is_local = True

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """Return the name as it is: it was made at random, and a file that exists is never written to."""
        return name

    def open_part(self, name: str, start: int = 0, length: int | None = None) -> IO[bytes]:
        """Return the file from `start` on."""
        file = Path(self.path(name)).open("rb", buffering=0)  # noqa: SIM115  # the reader closes it
        if start:
            file.seek(start)
        return file

    def delete(self, name: str) -> None:
        """Delete a file, and with the last file of a store its folder; a writer makes the folder anew."""
        super().delete(name)
        with suppress(OSError):
            Path(self.path(name)).parent.rmdir()

    def walk(self) -> Iterator[StoredFile]:
        """Yield every file; folders and files may come and go meanwhile."""
        return (each for each in self._walk(Path(self.location), "") if each.name != IDENTITY_FILE)

    def is_short(self) -> bool:
        """Tell whether the disk has no more space than is kept back."""
        return disk_space.is_short(Path(self.location))

    def check(self) -> None:
        """Look whether files can be made here, or the directory itself where there is none yet.

        Raises:
            OSError: when not.
        """
        directory = Path(self.location)
        while not directory.exists():
            directory = directory.parent
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def identity(self, *, make: bool = False) -> str:
        """Return what the file in this directory says; where there is none, one is made if `make` says so."""
        path = Path(self.location) / IDENTITY_FILE
        if make and not path.exists():
            _make(path.parent)
            _write_once(path, new_id())
        try:
            return path.read_text().strip()
        except FileNotFoundError:
            return ""

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        disk_space.check(path.parent)
        descriptor = self._create(path)
        unchecked = 0
        try:
            with os.fdopen(descriptor, "wb") as file:
                for piece in content.chunks():
                    unchecked += len(piece)
                    if unchecked > _CHECKED_BYTES:
                        disk_space.check(path.parent)
                        unchecked = 0
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileNotFoundError):  # cleaned away with its folder; the writer looks again before it is named
                _sync(path.parent)
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return name

    def _create(self, path: Path) -> int:
        for _ in range(_ATTEMPTS):
            try:
                return os.open(path, _NEW, 0o600)
            except FileNotFoundError:
                with suppress(FileNotFoundError):  # a folder above was cleaned away; the next attempt makes it anew
                    _make(path.parent)
        raise FileNotFoundError(path)

    def _walk(self, directory: Path, prefix: str) -> Iterator[StoredFile]:
        try:
            entries = os.scandir(directory)
        except FileNotFoundError:
            return
        with entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    yield from self._walk(Path(entry.path), f"{prefix}{entry.name}/")
                    continue
                try:
                    modified = entry.stat(follow_symlinks=False).st_mtime
                except FileNotFoundError:
                    continue
                yield StoredFile(prefix + entry.name, datetime.fromtimestamp(modified, UTC))


def _write_once(path: Path, text: str) -> None:
    """Make a file that is whole from the moment at which it is there; one that another process has made stays."""
    begun = path.with_name(f"{path.name}.{new_id()}")
    try:
        with os.fdopen(os.open(begun, _NEW, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(begun, path)
        _sync(path.parent)
    finally:
        begun.unlink(missing_ok=True)


def _make(directory: Path) -> None:
    """Make a directory that is there after a power cut."""
    missing = []
    while not directory.exists():
        missing.append(directory)
        directory = directory.parent
    for each in reversed(missing):
        each.mkdir(mode=0o700, exist_ok=True)
        _sync(each.parent)


def _sync(directory: Path) -> None:
    """Have the directory's list of names written to the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
