"""The bytes of a record on their way in: counted, cut off where they are too many, and summed up as they pass."""

import hashlib
from collections.abc import Iterable, Iterator

_DIGEST_LENGTH = 32


class TooLarge(ValueError):
    """More bytes than a record may have."""


class Incoming:
    """What a storage reads a new record from, piece by piece and once; at no time is it whole in memory.

    Whatever the pieces raise, the storage stops there and keeps nothing.
    """

    content_type = "application/octet-stream"
    closed = False

    def __init__(self, pieces: Iterable[bytes], limit: int) -> None:
        self._pieces = iter(pieces)
        self._limit = limit
        self._hash = hashlib.sha256()
        self._rest = b""
        self.bytes_read = 0

    def chunks(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """Yield the pieces as they come.

        Raises:
            TooLarge: as soon as there are more bytes than the limit.
        """
        for piece in self._pieces:
            self.bytes_read += len(piece)
            if self.bytes_read > self._limit:
                raise TooLarge
            self._hash.update(piece)
            yield piece

    def read(self, size: int = -1) -> bytes:
        """Return the next `size` bytes, or all that is left; fewer only at the end."""
        collected, missing = [self._rest], size - len(self._rest)
        while size < 0 or missing > 0:
            piece = next(self.chunks(), b"")
            if not piece:
                break
            collected.append(piece)
            missing -= len(piece)
        joined = b"".join(collected)
        end = len(joined) if size < 0 else size
        self._rest = joined[end:]
        return joined[:end]

    def seekable(self) -> bool:
        """Say that what has passed is gone."""
        return False

    def close(self) -> None:
        """Do nothing: the caller closes what the pieces come from."""

    def digest(self, *also: str) -> str:
        """Return 32 hex digits that change with the bytes and with each of `also`, none of which holds a line feed."""
        whole = self._hash.copy()
        whole.update("".join(f"\n{each}" for each in also).encode())
        return whole.hexdigest()[:_DIGEST_LENGTH]
