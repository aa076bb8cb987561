"""Reading items: a page in one piece, everything as a stream, in any format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import msgspec

from resources.datasets import chunks, json_text
from resources.datasets.formats import csv
from resources.datasets.formats.formats import BOM, FORMATS
from resources.datasets.items import Block, decode
from resources.datasets.options import ItemsOptions
from resources.datasets.scanning import SMALL_BYTES, Scan, Window, scan
from resources.datasets.transformations import transform
from resources.datasets.work_limit import WorkLimit


@dataclass(frozen=True, slots=True)
class Items:
    """An answer: what is in it, and its bytes.

    `total` is how many items the dataset has, `count` how many of them this answer is made of: clients go on from
    there. Items that were skipped count, and those that were unwound count once. `limit` is None where there is none.
    `body` is bytes for a small answer, else an iterator that gives them in constant memory and raises DatasetGone in
    the midst of it when the dataset is deleted, so that no reader takes the part for the whole; ApiError or ReaderGone
    for the same reasons as `open_items` does. `size` is how many bytes the whole body has, also where it was not asked
    for; None where only writing it would tell.
    """

    total: int
    offset: int
    limit: int | None
    count: int
    desc: bool
    content_type: str
    body: bytes | Iterator[bytes]
    size: int | None


def open_items(
    dataset_id: str,
    options: ItemsOptions,
    *,
    with_body: bool = True,
    still_wanted: Callable[[], bool] = lambda: True,
) -> Items:
    """Find the items that are asked for, with one statement, and return the answer.

    Args:
        dataset_id: the dataset.
        options: what is asked for, and how.
        with_body: False for an answer of which only the headers are wanted; its body is empty, and an iterator where
            the whole one would be.
        still_wanted: tells whether the client is still connected; asked when nothing is written for long.

    Raises:
        DatasetGone: when there is no such dataset.
        ApiError: `invalid-value` for `unwind`, when an item becomes too many records.
        ReaderGone: when the client has disconnected.
    """
    found = scan(dataset_id, options.window)
    body: bytes | Iterator[bytes] = b""
    is_plain = options.plain and options.format in _PLAIN
    if not with_body:
        body = b"" if found.small else iter(())
    elif is_plain:
        body = _plain(found, options)
    else:
        body = _written(found, options, WorkLimit(still_wanted))
    return Items(
        total=found.total,
        offset=options.offset,
        limit=options.limit,
        count=found.count,
        desc=options.desc,
        content_type=FORMATS[options.format].content_type,
        body=body,
        size=_plain_size(found, options) if is_plain else None,
    )


def item_objects(dataset_id: str, offset: int, limit: int, desc: bool = False) -> list[dict[str, object]]:
    """Return a page of items as Python objects, for pages of the console.

    Numbers that Python cannot hold without loss, or at all, come as `json_text.BigNumber`, which is their text.

    Raises:
        DatasetGone: when there is no such dataset.
    """
    found = scan(dataset_id, Window(offset, limit, desc))
    return [json_text.read_object(line) for line in _items_in_order(found)]


def record_objects(dataset_id: str, options: ItemsOptions, most: int) -> list[tuple[int, dict[str, object]]]:
    """Return at most `most` of what items become by `options`, as Python objects, for pages of the console.

    Each comes with the number of its item in the dataset, from 1. For numbers and errors see `item_objects`.

    Raises:
        DatasetGone: when there is no such dataset.
        ApiError: `invalid-value` for `unwind`, when an item becomes too many records.
    """
    found = scan(dataset_id, options.window)
    work_limit = WorkLimit(lambda: True)
    records: list[tuple[int, dict[str, object]]] = []
    for at, line in enumerate(_items_in_order(found)):
        number = found.high - at if found.desc else found.low + at + 1
        blocks = map(decode, work_limit.read(iter((line + b"\n",))))
        for record in chain.from_iterable(transform(blocks, options, work_limit)):
            records.append((number, json_text.read_object(msgspec.json.encode(record))))
            if len(records) == most:
                return records
    return records


def _items_in_order(found: Scan) -> Iterator[bytes]:
    for part in found.slices():
        items = chunks.split(part.lines())
        yield from reversed(items) if found.desc else items


def _lines(found: Scan) -> Iterator[bytes]:
    """Give the items as lines, chunk by chunk, in the direction that is asked for."""
    for part in found.slices():
        lines = part.lines()
        yield b"\n".join(chunks.split(lines)[::-1]) + b"\n" if found.desc else lines


def _plain(found: Scan, options: ItemsOptions) -> bytes | Iterator[bytes]:
    bom = BOM if options.bom else b""
    pieces = _PLAIN[options.format](found)
    return bom + b"".join(pieces) if found.small else _after(bom, pieces)


def _after(bom: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if bom:
        yield bom
    yield from pieces


def _json_array(found: Scan) -> Iterator[bytes]:
    """Give the items as an array. A chunk is copied once, for its commas; only the last one loses what it ends with."""
    pieces = _lines(found)
    lines = next(pieces, b"\n")
    yield b"["
    for following in pieces:
        yield lines.replace(b"\n", b",")
        lines = following
    yield lines[:-1].replace(b"\n", b",") + b"]"


_PLAIN = {"json": _json_array, "jsonl": _lines}


def _plain_size(found: Scan, options: ItemsOptions) -> int | None:
    """Return how many bytes all items of the dataset make as they are; of a part of them it is not known."""
    if found.count != found.total:
        return None
    bom = len(BOM) if options.bom else 0
    if options.format == "json":
        return bom + len(b"[]") + found.stored_bytes + max(0, found.count - 1)
    return bom + found.stored_bytes + found.count


def _written(found: Scan, options: ItemsOptions, work_limit: WorkLimit) -> bytes | Iterator[bytes]:
    """Return the body of an answer whose items are taken apart on the way.

    It is written as far as it may turn out to be small, or else to its first piece, so that most of what can go
    wrong does before the headers are sent.
    """
    format_ = FORMATS[options.format]

    def blocks() -> Iterator[Block]:
        return transform(map(decode, work_limit.read(_lines(found))), options, work_limit)

    columns = _known_columns(found, options)
    straight = columns is not None and not found.small and _straight(columns, found, options, work_limit)
    pieces = straight or format_.write(blocks, options, columns)
    begun, size = [format_.starts_with(options.bom)], 0
    for piece in pieces:
        work_limit.wrote()
        begun.append(piece)
        size += len(piece)
        if not found.small or size > SMALL_BYTES:  # little can become much, by unwinding
            return _further(b"".join(begun), pieces, work_limit)
    return b"".join(begun)


def _straight(columns: list[str], found: Scan, options: ItemsOptions, work_limit: WorkLimit) -> Iterator[bytes] | None:
    """Return the pieces of a large CSV whose cells are only cut out of the items, and None for anything else."""
    drops_items = options.skip_empty or options.skip_failed_pages
    if options.format != "csv" or drops_items or options.output_fields:
        return None
    return csv.write_lines(work_limit.read(_lines(found)), options, columns)


def _further(begun: bytes, pieces: Iterator[bytes], work_limit: WorkLimit) -> Iterator[bytes]:
    yield begun
    for piece in pieces:
        work_limit.wrote()
        yield piece


def _known_columns(found: Scan, options: ItemsOptions) -> list[str] | None:
    """Return the columns of a table of the items where they need not be searched for."""
    if not found.fields_are_columns or options.unwind or options.flatten:
        return None
    if options.fields:
        names = list(options.output_fields or options.fields)
    elif found.count == found.total:
        names = found.fields
    else:
        return None
    return [name for name in names if name not in options.omit and not (options.skip_hidden and name.startswith("#"))]
