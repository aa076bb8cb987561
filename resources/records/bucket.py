"""Records in an S3-compatible bucket, for more than one machine. Needs the extra `s3`."""

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from http import HTTPStatus
from typing import IO, Any

from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as NoConnection
from storages.backends.s3 import S3Storage
from urllib3.exceptions import HTTPError

from accounts.lib.sql import give_back_connection
from resources.records.files import StorageAway, StoredFile

# One part in memory at a time; 10,000 of them are the most that a file can have.
_PART_BYTES = 8 * 1024 * 1024
_MISSING = ("NoSuchKey", "404")
# Clients are told within five seconds that the bucket is away, and try again: nothing is tried twice here.
_CONNECT_SECONDS, _READ_SECONDS = 1.5, 3.0
# A large record is saved in parts, which a bucket may take long to put together. So many of them at once, in each
# process, wait longer for each answer; no connection to the database waits, and the threads of the others are left.
_SAVE_SECONDS, _MOST_SAVED = 60.0, 4
# How long it is not asked again after that: the next request, and what tidies up after this one, would wait as long.
_PAUSE_SECONDS = 2.0

_FAILURES = (NoConnection, HTTPClientError, IncompleteReadError, HTTPError)

clock = time.monotonic


class RecordBucket(S3Storage):  # type: ignore[misc]  # ships no types
    """A bucket in which every record is an object that is never changed. Nothing else reads them by their address.

    While it is asked, and while its answers are read, the thread has no connection to the database. What goes wrong
    with the way there, or in it, is a `StorageAway`.
    """

    is_local = False

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._settings = settings
        self._away = _Away()
        self._saving = threading.BoundedSemaphore(_MOST_SAVED)
        self.client_config: Config = self.client_config.merge(
            Config(
                connect_timeout=_CONNECT_SECONDS, read_timeout=self._read_seconds(), retries={"total_max_attempts": 1}
            )
        )

    def get_default_settings(self) -> dict[str, Any]:
        """Return django-storages' own settings with a transfer that needs little memory."""
        return {
            **super().get_default_settings(),
            "transfer_config": TransferConfig(
                multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False
            ),
            "file_overwrite": True,  # names are made at random, so it need not be asked whether there is one
        }

    @property
    def connection(self) -> Any:
        """The connection of this thread to the service."""
        is_new = getattr(self._connections, "connection", None) is None
        connection = super().connection
        if is_new:
            events = connection.meta.client.meta.events
            events.register("before-call.s3", self._refuse_while_away)
            events.register("after-call-error.s3", self._note_failure)
        return connection

    def open_part(self, name: str, start: int = 0, length: int | None = None) -> IO[bytes]:
        """Return the object's bytes from `start` on, as they come over the wire.

        Raises:
            FileNotFoundError: when there is no such object.
            StorageAway: when the bucket does not answer.
        """
        wanted = {} if start == 0 and length is None else {"Range": _range(start, length)}
        with _asking():
            try:
                body = self._object(name).get(**wanted)["Body"]
            except ClientError as error:
                if error.response["Error"]["Code"] in _MISSING:
                    raise FileNotFoundError(name) from None
                raise
        return _Body(body)  # type: ignore[return-value]  # all of it that is asked for

    def exists(self, name: str) -> bool:
        """Tell whether there is such an object."""
        with _asking():
            return bool(super().exists(name))

    def size(self, name: str) -> int:
        """Return how many bytes an object has."""
        with _asking():
            return int(super().size(name))

    def delete(self, name: str) -> None:
        """Delete an object; one that is not there is fine."""
        with _asking():
            super().delete(name)

    def walk(self) -> Iterator[StoredFile]:
        """Yield every object below the prefix, a page with each request."""
        prefix = f"{self.location.strip('/')}/" if self.location else ""
        with _asking():
            for each in self.bucket.objects.filter(Prefix=prefix):
                yield StoredFile(each.key.removeprefix(prefix), each.last_modified)

    def identity(self, *, make: bool = False) -> str:
        """Return the name of the bucket with the prefix; hosts may reach it by different addresses."""
        return f"bucket {self.bucket_name}/{self.location.strip('/')}".removesuffix("/")[:300]

    def is_short(self) -> bool:
        """Say that there is space; a bucket that is full says so itself."""
        return False

    def check(self) -> None:
        """Ask the bucket for something that need not be there.

        Raises:
            StorageAway: when it does not answer.
        """
        self.exists(".latchkey-is-ready")

    def _save(self, name: str, content: Any) -> str:
        with _asking():
            begun = content.read(_PART_BYTES)
            whole = _Begun(begun, content)
            if len(begun) < _PART_BYTES or not self._saving.acquire(blocking=False):
                return str(super()._save(name, whole))
            try:
                return str(self._patient._save(name, whole))
            finally:
                self._saving.release()

    @cached_property
    def _patient(self) -> "_PatientBucket":
        """The same bucket, whose answers are waited for longer."""
        patient = _PatientBucket(**self._settings)
        patient._away = self._away
        return patient

    def _read_seconds(self) -> float:
        return _READ_SECONDS

    def _object(self, name: str) -> Any:
        return self.bucket.Object(self._normalize_name(name))

    def _refuse_while_away(self, **_: Any) -> None:
        if clock() < self._away.until:
            raise StorageAway("The bucket does not answer.")

    def _note_failure(self, exception: Exception, **_: Any) -> None:
        # One connection that is reset says nothing about the next.
        if isinstance(exception, _FAILURES) and not isinstance(exception, ConnectionClosedError):
            self._away.until = clock() + _PAUSE_SECONDS


class _PatientBucket(RecordBucket):
    """A bucket as large records are saved in it."""

    def _save(self, name: str, content: Any) -> str:
        return str(S3Storage._save(self, name, content))

    def _read_seconds(self) -> float:
        return _SAVE_SECONDS


class _Away:
    """Until when a bucket is not asked, by the monotonic clock."""

    until = 0.0


class _Begun:
    """A content of which the first bytes have been read."""

    closed = False

    def __init__(self, begun: bytes, rest: Any) -> None:
        self._begun = begun
        self._rest = rest
        self.content_type = rest.content_type

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or all that is left; fewer only at the end."""
        begun, self._begun = (self._begun, b"") if size < 0 else (self._begun[:size], self._begun[size:])
        missing = -1 if size < 0 else size - len(begun)
        return begun + self._rest.read(missing) if missing else begun

    def seekable(self) -> bool:
        """Say that what has passed is gone."""
        return False

    def close(self) -> None:
        """Do nothing: the caller closes what the content comes from."""


class _Body:
    """The bytes of an object, as they come."""

    def __init__(self, body: Any) -> None:
        self._body = body

    def read(self, size: int | None = None) -> bytes:
        """Return the next bytes.

        Raises:
            StorageAway: when they do not come.
        """
        with _asking():
            return bytes(self._body.read(size))

    def close(self) -> None:
        """Let go of the connection."""
        self._body.close()

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _asking() -> Iterator[None]:
    """Ask the bucket, without a connection to the database meanwhile.

    Raises:
        StorageAway: when it does not answer, or has trouble of its own.
        OSError: ENOSPC when it is full.
    """
    give_back_connection()
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if status == HTTPStatus.INSUFFICIENT_STORAGE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from error
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise StorageAway("The bucket has trouble of its own.") from error
        raise
    except _FAILURES as error:
        raise StorageAway("The bucket does not answer.") from error


def _range(start: int, length: int | None) -> str:
    return f"bytes={start}-{'' if length is None else start + length - 1}"
