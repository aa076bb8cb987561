"""The head of an HTTP message, as a proxy reads it and passes it on (RFC 9112): its first line and its fields."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass

MAX_BYTES = 64 * 1024
_READ_BYTES = 16 * 1024
_END = b"\r\n\r\n"
# Between two neighbours only (RFC 9110, 7.6.1). Transfer-Encoding stays: what it frames is passed on as it comes.
_HOP_BY_HOP = {b"connection", b"proxy-connection", b"keep-alive", b"proxy-authorization", b"proxy-authenticate", b"te"}
_HOP_BY_HOP |= {b"upgrade"}


class BadHead(Exception):
    """What came is no head of HTTP; the message says why."""


@dataclass(frozen=True, slots=True)
class Head:
    """The three words of the first line, the fields, and what was read beyond the head."""

    words: tuple[bytes, bytes, bytes]
    fields: tuple[tuple[bytes, bytes], ...]
    rest: bytes

    def get(self, name: bytes) -> bytes:
        """Return the value of a field by its name in small letters, b"" where it is not there."""
        return next((value for key, value in self.fields if key.lower() == name), b"")

    def encode(self, words: Iterable[bytes], *fields: tuple[bytes, bytes]) -> bytes:
        """Return it with another first line and these fields for those that are between two neighbours only."""
        listed = {name.strip().lower() for name in self.get(b"connection").split(b",")}
        kept = [field for field in self.fields if field[0].lower() not in _HOP_BY_HOP | listed]
        lines = [b" ".join(words), *(name + b": " + value for name, value in (*kept, *fields))]
        return b"\r\n".join(lines) + _END


def read(source: socket.socket, start: bytes = b"") -> Head | None:
    """Return the next head, of which `start` was read before; None where the connection ends without one.

    Raises:
        BadHead: for what is none, ends within, or is larger than MAX_BYTES.
        OSError: when the connection breaks, or its timeout is over.
    """
    read_so_far = start
    while _END not in read_so_far:
        if len(read_so_far) > MAX_BYTES:
            raise BadHead("The head of the message is too large.")
        more = source.recv(_READ_BYTES)
        if not more:
            if not read_so_far:
                return None
            raise BadHead("The message ends within its head.")
        read_so_far += more
    text, _, rest = read_so_far.partition(_END)
    first, *lines = text.split(b"\r\n")
    words = first.split(b" ", 2)
    if len(words) == 2 and words[0].startswith(b"HTTP/"):  # a response may leave out its reason
        words.append(b"")
    if len(words) != 3 or b"\n" in text.replace(b"\r\n", b"") or b"\0" in text:
        raise BadHead("The first line of the message is not HTTP.")
    return Head((words[0], words[1], words[2]), tuple(map(_parse_field, lines)), rest)


def _parse_field(line: bytes) -> tuple[bytes, bytes]:
    name, colon, value = line.partition(b":")
    if not colon or not name or name != name.strip():
        raise BadHead("A header field of the message is not HTTP.")
    return name, value.strip()
