"""Records in an S3-compatible bucket, for more than one machine. Needs the extra `s3`."""

from collections.abc import Iterator
from typing import IO, Any

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from storages.backends.s3 import S3Storage

from resources.records.files import StoredFile

# One part in memory at a time; 10,000 of them are the most that a file can have.
_PART_BYTES = 8 * 1024 * 1024
_MISSING = ("NoSuchKey", "404")


class RecordBucket(S3Storage):  # type: ignore[misc]  # ships no types
    """A bucket in which every record is an object that is never changed. Nothing else reads them by their address."""

    is_local = False

    def get_default_settings(self) -> dict[str, Any]:
        """Return django-storages' own settings with a transfer that needs little memory."""
        return {
            **super().get_default_settings(),
            "transfer_config": TransferConfig(
                multipart_threshold=_PART_BYTES, multipart_chunksize=_PART_BYTES, use_threads=False
            ),
            "file_overwrite": True,  # names are made at random, so it need not be asked whether there is one
        }

    def open_part(self, name: str, start: int = 0, length: int | None = None) -> IO[bytes]:
        """Return the object's bytes from `start` on, as they come over the wire.

        Raises:
            FileNotFoundError: when there is no such object.
        """
        wanted = {} if start == 0 and length is None else {"Range": _range(start, length)}
        try:
            body: IO[bytes] = self._object(name).get(**wanted)["Body"]
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                raise FileNotFoundError(name) from None
            raise
        return body

    def walk(self) -> Iterator[StoredFile]:
        """Yield every object below the prefix, a page with each request."""
        prefix = f"{self.location.strip('/')}/" if self.location else ""
        for each in self.bucket.objects.filter(Prefix=prefix):
            yield StoredFile(each.key.removeprefix(prefix), each.last_modified)

    def identity(self, *, make: bool = False) -> str:
        """Return the name of the bucket with the prefix; hosts may reach it by different addresses."""
        return f"bucket {self.bucket_name}/{self.location.strip('/')}".removesuffix("/")[:300]

    def _object(self, name: str) -> Any:
        return self.bucket.Object(self._normalize_name(name))


def _range(start: int, length: int | None) -> str:
    return f"bytes={start}-{'' if length is None else start + length - 1}"
