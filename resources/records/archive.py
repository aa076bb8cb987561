"""All records of a store as one ZIP archive, written while it is being read, in constant memory.

An entry is called what its key is: keys are made of characters that are safe in any archive and cannot walk paths.
"""

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC

from resources.models import Record
from resources.records.content import decoded_pieces, is_decodable, stored_pieces
from resources.records.reading import open_current, open_record

_SUFFIXES = {"gzip": ".gz", "br": ".br", "deflate": ".deflate"}
# What has been compressed already only costs time when it is compressed again.
_COMPRESSED = ("image/", "audio/", "video/", "font/woff")
_COMPRESSED_TYPES = {
    "application/gzip",
    "application/pdf",
    "application/x-7z-compressed",
    "application/x-xz",
    "application/zip",
    "application/zstd",
}
_EARLIEST_YEAR, _LATEST_YEAR = 1980, 2107  # of the times that the format can hold
_ATTEMPTS = 5
_FLUSH_AT = 65_536


class _Sink:
    """What the archive is written to: it keeps what was written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: there is nothing behind it."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return taken


def zip_archive(records: Iterable[Record]) -> Iterator[bytes]:
    """Yield a ZIP archive of the records, taken out of their encodings.

    A record that is deleted before its turn is left out. One that is not in the encoding that it was stored with goes
    in as it is stored, under a name that says so and that no key can be.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:  # type: ignore[call-overload]  # a sink does all that it needs
        for record in records:
            yield from _add(archive, sink, record)
    yield sink.take()


def _add(archive: zipfile.ZipFile, sink: _Sink, record: Record) -> Iterator[bytes]:
    opened = _open(record)
    if opened is None:
        return
    # How large it comes out is not known yet, so it is prepared for being too large for the old format.
    with archive.open(_entry(opened), "w", force_zip64=True) as entry:
        for piece in opened.pieces:
            entry.write(piece)
            if sink.size >= _FLUSH_AT:
                yield sink.take()
    if sink.size >= _FLUSH_AT:
        yield sink.take()


@dataclass(frozen=True, slots=True)
class _Opened:
    """A record that is about to go in: under which name, and the pieces of what goes in."""

    record: Record
    name: str
    pieces: Iterator[bytes]
    is_compressed: bool


def _open(record: Record) -> _Opened | None:
    for _ in range(_ATTEMPTS):
        found = open_current(record)
        if found is None:
            return None
        record, stream = found
        if not record.content_encoding:
            return _Opened(record, record.key, stored_pieces(stream), _is_compressed(record.content_type))
        decodable = is_decodable(record, stream)
        try:
            stream = open_record(record)
        except FileNotFoundError:
            continue  # it has been replaced while we looked
        if decodable:
            return _Opened(record, record.key, decoded_pieces(record, stream), _is_compressed(record.content_type))
        name = f"{record.key} as stored{_SUFFIXES[record.content_encoding]}"
        return _Opened(record, name, stored_pieces(stream), is_compressed=True)
    return None


def _entry(opened: _Opened) -> zipfile.ZipInfo:
    moment = opened.record.modified_at.astimezone(UTC)
    if not _EARLIEST_YEAR <= moment.year <= _LATEST_YEAR:
        moment = moment.replace(year=_EARLIEST_YEAR, day=1)
    entry = zipfile.ZipInfo(opened.name, moment.timetuple()[:6])
    entry.compress_type = zipfile.ZIP_STORED if opened.is_compressed else zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16  # a plain file, for its owner to write
    return entry


def _is_compressed(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return media_type in _COMPRESSED_TYPES or (media_type.startswith(_COMPRESSED) and media_type != "image/svg+xml")
