"""Long answers in zstd (RFC 8878), for clients that say that they take it.

Level 1 packs hundreds of megabytes a second, which few networks are as fast as.
"""

from collections.abc import Iterator

import zstandard
from django.http import HttpRequest

from console.http.conditional import names_encoding

LEVEL = 1
# What can be long and is not packed already.
_PACKED_TYPES = ("application/vnd.",)


def wants_zstd(request: HttpRequest, content_type: str) -> bool:
    """Tell whether a long answer to a request is sent in zstd."""
    return not content_type.startswith(_PACKED_TYPES) and names_encoding(
        request.META.get("HTTP_ACCEPT_ENCODING", ""), "zstd"
    )


def compress(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Yield pieces in zstd, in constant memory. When this is closed, so are they."""
    compressor = zstandard.ZstdCompressor(level=LEVEL).compressobj()
    try:
        for piece in pieces:
            if packed := compressor.compress(piece):
                yield packed
        yield compressor.flush()
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
