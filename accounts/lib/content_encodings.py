"""Content encodings undone, piece by piece: in constant memory, and cut off where a bomb would go on unfolding."""

import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Protocol

import brotli

_ROOM = 65_536
_TWO_BYTES = 2


class Undecodable(ValueError):
    """Bytes that are not in the encoding that they are said to be in; the message says what is wrong with them."""


class UnpacksTooLarge(ValueError):
    """Bytes that come out as more than the limit."""


class _Decoder(Protocol):
    """One stream of a content encoding."""

    def feed(self, data: bytes, room: int) -> tuple[bytes, bytes]:
        """Return at most about `room` decoded bytes, and what of `data` is still to be fed."""

    @property
    def finished(self) -> bool:
        """Whether the stream has come to its end."""


class _Zlib:
    """Gzip and the two things that deflate can mean."""

    def __init__(self, window_bits: int) -> None:
        self._stream = zlib.decompressobj(window_bits)

    def feed(self, data: bytes, room: int) -> tuple[bytes, bytes]:
        decoded = self._stream.decompress(data, room)
        return decoded, self._stream.unconsumed_tail or self._stream.unused_data

    @property
    def finished(self) -> bool:
        return self._stream.eof


class _Brotli:
    """Brotli, which keeps for itself what it has not decoded yet."""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    def feed(self, data: bytes, room: int) -> tuple[bytes, bytes]:
        # It takes no new data while it still has some to give.
        taken = b"" if not self._stream.can_accept_more_data() else data
        decoded = self._stream.process(taken, output_buffer_limit=room)
        return decoded, b"" if taken else data

    @property
    def finished(self) -> bool:
        return bool(self._stream.is_finished())


def _gzip(_first: bytes) -> _Decoder:
    return _Zlib(16 + zlib.MAX_WBITS)


def _deflate(first: bytes) -> _Decoder:
    """Return the decoder for what the RFC calls deflate, or for the bare stream that some clients send instead."""
    start = first[:_TWO_BYTES]
    is_zlib = len(start) == _TWO_BYTES and start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start, "big") % 31 == 0
    return _Zlib(zlib.MAX_WBITS if is_zlib else -zlib.MAX_WBITS)


def _br(_first: bytes) -> _Decoder:
    return _Brotli()


_DECODERS: dict[str, Callable[[bytes], _Decoder]] = {"gzip": _gzip, "deflate": _deflate, "br": _br}
ENCODINGS = tuple(_DECODERS)


def canonical(encoding: str) -> str | None:
    """Return the name under which a Content-Encoding is known here, "" for identity, None for an unknown one."""
    name = encoding.strip().lower()
    name = {"identity": "", "x-gzip": "gzip"}.get(name, name)
    return name if name == "" or name in _DECODERS else None


def decoded(pieces: Iterable[bytes], encoding: str, *, limit: int) -> Iterator[bytes]:
    """Yield what `pieces` hold, taken out of `encoding`, one of ENCODINGS.

    Raises:
        Undecodable: where they turn out not to be in this encoding, be it only that they end too early.
        UnpacksTooLarge: as soon as more than `limit` bytes have come out.
    """
    size = 0
    try:
        for piece in _decoded(pieces, encoding):
            size += len(piece)
            if size > limit:
                raise UnpacksTooLarge
            yield piece
    except (zlib.error, brotli.error):
        raise Undecodable("it is not in this encoding") from None


def _decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    decoder: _Decoder | None = None
    finished = False
    for piece in pieces:
        rest = piece
        while rest:
            if decoder is None:
                rest = _next_stream(rest, encoding, finished)
                if not rest:
                    break
                decoder = _DECODERS[encoding](rest)
            rest = yield from _feed(decoder, rest)
            if decoder.finished:
                decoder, finished = None, True
    if decoder is not None:
        raise Undecodable("it ends too early")


def _feed(decoder: _Decoder, rest: bytes) -> Generator[bytes, None, bytes]:
    """Yield all that comes of `rest`, and return what follows the end of the stream."""
    while not decoder.finished:
        before = len(rest)
        out, rest = decoder.feed(rest, _ROOM)
        if out:
            yield out
        elif len(rest) == before:
            break
    return rest


def _next_stream(rest: bytes, encoding: str, finished: bool) -> bytes:
    """Return where the next stream starts: gzip may be several in a row, with zeros for padding at the end."""
    if not finished:
        return rest
    if encoding == "gzip":
        return rest.lstrip(b"\x00")
    raise Undecodable("something follows its end")
