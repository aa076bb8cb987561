"""The bytes of a record piece by piece, as they are stored or taken out of their encoding."""

from collections.abc import Iterator
from itertools import chain
from typing import IO

from django.conf import settings

from accounts.lib.content_encodings import Undecodable, UnpacksTooLarge, decoded
from resources.models import Record

__all__ = ["Undecodable", "UnpacksTooLarge", "decoded_pieces", "is_decodable", "stored_pieces"]

PIECE = 65_536


def stored_pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield what is left of a stream, and close it."""
    with stream:
        while piece := stream.read(PIECE):
            yield piece


def decoded_pieces(record: Record, stream: IO[bytes]) -> Iterator[bytes]:
    """Return the record's content taken out of its encoding; the stream is closed at its end.

    The first piece is decoded at once, so that what is not in its encoding at all is found out before anything is sent.

    Raises:
        Undecodable: also while the pieces are taken, where the bytes turn out not to be in their encoding.
        UnpacksTooLarge: likewise, where more comes out than a record may be large.
    """
    pieces = _decoded(record, stream)
    first = next(pieces, b"")
    return _Pieces(first, pieces)


def is_decodable(record: Record, stream: IO[bytes]) -> bool:
    """Tell whether all of a record can be taken out of its encoding, by doing it."""
    try:
        for _ in _decoded(record, stream):
            pass
    except (Undecodable, UnpacksTooLarge):
        return False
    return True


def _decoded(record: Record, stream: IO[bytes]) -> Iterator[bytes]:
    stored = stored_pieces(stream)
    if not record.content_encoding:
        return stored
    return _closing(decoded(stored, record.content_encoding, limit=settings.API_MAX_RECORD_BYTES), stream)


def _closing(pieces: Iterator[bytes], stream: IO[bytes]) -> Iterator[bytes]:
    with stream:
        yield from pieces


class _Pieces:
    """A first piece and the others, which are closed with it."""

    def __init__(self, first: bytes, others: Iterator[bytes]) -> None:
        self._pieces = chain((first,) if first else (), others)
        self._others = others

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """Close what they come from, when the rest is not wanted."""
        close = getattr(self._others, "close", None)
        if close is not None:
            close()
