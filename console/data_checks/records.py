"""Records against their files: each is there, of the right size, and with the bytes that were written."""

from collections.abc import Iterator

from resources.models import Record
from resources.records import files, reading
from resources.records.content import stored_pieces
from resources.records.incoming import Incoming, TooLarge


def problems(*, read_files: bool) -> Iterator[str]:
    """Yield records whose file is missing, has another size or, where files are read, other bytes."""
    for record in Record.objects.order_by("pk").iterator(chunk_size=500):
        wrong = _wrong(record, read_files)
        if wrong and Record.objects.filter(pk=record.pk, file=record.file).exists():  # not replaced meanwhile
            yield f"Record {record.key} of {record.store_id}: its file {record.file} {wrong}."


def _wrong(record: Record, read_files: bool) -> str:
    try:
        size = files.storage().size(record.file)
        if size != record.size:
            return f"has {size:,} bytes instead of {record.size:,}"
        return "has other bytes than were written" if read_files and not _has_its_bytes(record) else ""
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def _has_its_bytes(record: Record) -> bool:
    incoming = Incoming(stored_pieces(reading.open_record(record)), record.size)
    try:
        for _ in incoming.chunks():
            pass
    except TooLarge:
        return False
    return incoming.digest(record.content_type, record.content_encoding) == record.digest
