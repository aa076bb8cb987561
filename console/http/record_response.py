"""A record as an answer: whole or in part, as it is stored or taken out of its encoding, and never as a page of ours.

Stored content is untrusted. Clients need its type as it was given, so browsers are told in every other way that it
is nothing to run: no guessing of types, a sandbox with nothing in it, and a download unless the type is harmless.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import IO

from django.http import HttpRequest, HttpResponseBase, HttpResponseNotModified, StreamingHttpResponse
from django.utils.http import content_disposition_header

from accounts.lib.api_errors import ApiError
from console.http.conditional import ByteRange, accepts_encoding, http_date, is_not_modified, requested_range
from console.http.responses import BytesResponse
from resources.models import Record
from resources.records.content import PIECE, Undecodable, UnpacksTooLarge, decoded_pieces
from resources.records.content_types import as_served, media_type
from resources.records.reading import open_current, open_record

SANDBOX = "sandbox; default-src 'none'"
# What a browser shows by itself without running anything.
_HARMLESS = frozenset(
    {
        "application/json",
        "application/x-ndjson",
        "audio/aac",
        "audio/flac",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/webm",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/webp",
        "text/csv",
        "text/markdown",
        "text/plain",
        "video/mp4",
        "video/ogg",
        "video/webm",
    }
)
# Up to here reading a file is less work than having it streamed.
_SMALL = 65_536
_ATTEMPTS = 5


def get_etags(record: Record | None) -> tuple[str, ...]:
    """Return the entity tags of a record: as it is stored, and taken out of its encoding."""
    if record is None:
        return ()
    return (_etag(record, as_stored=True), _etag(record, as_stored=False))


def is_safe_inline(content_type: str) -> bool:
    """Tell whether a browser may show this type instead of downloading it."""
    return media_type(as_served(content_type)) in _HARMLESS


def record_response(request: HttpRequest, record: Record, *, as_attachment: bool) -> HttpResponseBase | None:
    """Return the record as the request wants it; None when it has been deleted in the meantime.

    Raises:
        ApiError: 412 or 416 where the request's conditions or range cannot be met.
    """
    for _ in range(_ATTEMPTS):
        try:
            return _Answer(request, record, as_attachment).response()
        except FileNotFoundError:
            found = open_current(record)
            if found is None:
                return None
            record = found[0]
            found[1].close()
    raise FileNotFoundError(record.key)


class _Answer:
    """One record for one request."""

    def __init__(self, request: HttpRequest, record: Record, as_attachment: bool) -> None:
        self.request = request
        self.record = record
        self.as_attachment = as_attachment or not is_safe_inline(record.content_type)
        accepted = request.META.get("HTTP_ACCEPT_ENCODING")
        self.as_stored = not record.content_encoding or accepts_encoding(accepted, record.content_encoding)
        self.modified = int(record.modified_at.timestamp())

    def response(self) -> HttpResponseBase:
        """Return what the request gets.

        Raises:
            FileNotFoundError: when the record has been replaced or deleted in the meantime.
        """
        if is_not_modified(self.request, self._etag, self.modified):
            return HttpResponseNotModified(headers=self._validators())
        if self.request.method == "HEAD":
            return StreamingHttpResponse((), headers=self._headers())
        return self._stored() if self.as_stored else self._decoded()

    @property
    def _etag(self) -> str:
        return _etag(self.record, as_stored=self.as_stored)

    def _stored(self) -> HttpResponseBase:
        size = self.record.size
        try:
            span = requested_range(self.request, size, self._etag, self.modified)
        except ApiError as error:
            response = error.response()
            response["Content-Range"] = f"bytes */{size}"
            return response
        whole = span or ByteRange(0, size)
        part = _Part(open_record(self.record, whole.start, whole.length), whole.length)
        headers = {**self._headers(), "Content-Length": str(whole.length)}
        status = HTTPStatus.OK
        if span:
            headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{size}"
            status = HTTPStatus.PARTIAL_CONTENT
        if whole.length <= _SMALL:
            return BytesResponse(part.read_all(), headers, status)
        return _FileResponse(part, status=status, headers=headers)

    def _decoded(self) -> HttpResponseBase:
        try:
            pieces = decoded_pieces(self.record, open_record(self.record))
        except (Undecodable, UnpacksTooLarge):
            # An encoding that it is not in cannot be undone. What there is goes out with the name it was given.
            self.as_stored = True
            return self._stored()
        return StreamingHttpResponse(pieces, headers=self._headers())

    def _content_type(self) -> str:
        """Return the type of the record; one from before types were checked may be none that a header can have."""
        return as_served(self.record.content_type)

    def _headers(self) -> dict[str, str]:
        headers = {
            **self._validators(),
            "Content-Type": self._content_type(),
            "Content-Security-Policy": SANDBOX,
            "Content-Disposition": _disposition(self.record.key, self.as_attachment),
        }
        if self.as_stored:
            headers |= {"Content-Length": str(self.record.size), "Accept-Ranges": "bytes"}
            if self.record.content_encoding:
                headers["Content-Encoding"] = self.record.content_encoding
        else:
            headers["Accept-Ranges"] = "none"
        return headers

    def _validators(self) -> dict[str, str]:
        return {
            "ETag": self._etag,
            "Last-Modified": http_date(self.modified),
            # Kept by no cache, and asked for again each time: access may have been taken away since.
            "Cache-Control": "private, no-cache",
            "Vary": "Accept-Encoding, Authorization",
        }


class _Part:
    """Some bytes of an open file, for a server that sends files by itself and for one that reads them."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self._file = file
        self._left = length
        if hasattr(file, "fileno"):
            self.fileno = file.fileno

    def read(self, size: int = PIECE) -> bytes:
        """Return at most `size` of the bytes that are left."""
        data = self._file.read(min(size, self._left)) if self._left else b""
        self._left -= len(data)
        return data

    def read_all(self) -> bytes:
        """Return all the bytes that are left, and close the file."""
        try:
            return b"".join(self)
        finally:
            self.close()

    def __iter__(self) -> Iterator[bytes]:
        while piece := self.read():
            yield piece

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class _FileResponse(StreamingHttpResponse):
    """An answer that a server with a way of its own to send files is given the file of."""

    block_size = PIECE

    def __init__(self, part: _Part, *, status: int, headers: dict[str, str]) -> None:
        super().__init__(part, status=status, headers=headers)
        self.file_to_stream = part


def _etag(record: Record, *, as_stored: bool) -> str:
    return f'"{record.digest}"' if as_stored or not record.content_encoding else f'"{record.digest}-decoded"'


def _disposition(key: str, as_attachment: bool) -> str:
    return content_disposition_header(as_attachment, key) or "inline"
