"""Picking, leaving out and reshaping fields on the way out.

The order: failed pages are left out; fields are unwound, then flattened; then `fields` picks and `outputFields`
renames, `omit` leaves out, hidden fields go, and last the items that have nothing left. One exception: where
`fields` names a field that is unwound, it picks before the unwinding, so that what comes out of it stays.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain

import msgspec
from msgspec import Raw

from resources.datasets.items import Block, Blocks, Item
from resources.datasets.options import ItemsOptions
from resources.datasets.work_limit import WorkLimit

Step = Callable[[Blocks], Blocks]

# Unwinding gives its records in blocks of so many, or so many bytes: one item can become many, each nearly as large.
BLOCK_RECORDS = 500
BLOCK_BYTES = 1024 * 1024
# A name made by flattening is not made longer than this; what lies deeper stays nested, so that no value is lost.
MAX_NAME_LENGTH = 200

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])


def transform(blocks: Blocks, options: ItemsOptions, work_limit: WorkLimit) -> Blocks:
    """Apply `options` to the items, block by block; `work_limit` counts the records that are made.

    Raises:
        ApiError: `invalid-value` for `unwind`, when an item becomes too many records.
    """
    for step in _steps(options, work_limit):
        blocks = step(blocks)
    return blocks


def _each(change: Callable[[Item], Item]) -> Step:
    return lambda blocks: ([change(item) for item in block] for block in blocks)


def _only(wanted: Callable[[Item], object]) -> Step:
    return lambda blocks: ([item for item in block if wanted(item)] for block in blocks)


def _steps(options: ItemsOptions, work_limit: WorkLimit) -> Iterator[Step]:
    fields = options.fields
    picks_first = not set(options.unwind).isdisjoint(fields)
    if options.skip_failed_pages:
        yield _only(lambda item: "errorInfo" not in item)
    if picks_first:
        kept = tuple(dict.fromkeys((*fields, *options.unwind)))
        yield _each(_pick(kept, kept, ()))
    if options.unwind:
        yield _unwind(options.unwind, work_limit)
    for name in options.flatten:
        yield _each(_flatten(name))
    if fields and not picks_first:
        yield _each(_pick(fields, options.output_fields or fields, options.flatten))
    elif options.output_fields:
        yield _each(_rename(dict(zip(fields, options.output_fields, strict=True))))
    if options.omit:
        yield _each(_omit(options.omit, options.flatten))
    if options.skip_hidden:
        yield _each(lambda item: {name: item[name] for name in item if name[:1] != "#"})
    if options.skip_empty:
        yield _only(bool)


def _rename(names: dict[str, str]) -> Callable[[Item], Item]:
    return lambda item: {names.get(name, name): value for name, value in item.items()}


def _pick(
    fields: tuple[str, ...], output_fields: tuple[str, ...], flattened: tuple[str, ...]
) -> Callable[[Item], Item]:
    """Pick fields in their order; the name of a flattened field stands for all that came out of it."""
    wanted = [
        (name, output, f"{name}." if name in flattened else "")
        for name, output in zip(fields, output_fields, strict=True)
    ]

    def pick(item: Item) -> Item:
        picked: Item = {}
        for name, output, prefix in wanted:
            if name in item:
                picked[output] = item[name]
            elif prefix:
                picked |= {
                    f"{output}.{key[len(prefix) :]}": value for key, value in item.items() if key.startswith(prefix)
                }
        return picked

    return pick


def _omit(names: tuple[str, ...], flattened: tuple[str, ...]) -> Callable[[Item], Item]:
    """Leave fields out; the name of a flattened field stands for all that came out of it."""
    omitted = set(names)
    prefixes = tuple(f"{name}." for name in names if name in flattened)
    return lambda item: {
        name: value
        for name, value in item.items()
        if name not in omitted and not (prefixes and name.startswith(prefixes))
    }


def _unwind(names: tuple[str, ...], work_limit: WorkLimit) -> Step:
    def unwind(blocks: Blocks) -> Blocks:
        unwound: Block = []
        weight = 0
        for block in blocks:
            for item in block:
                work_limit.begin(_size(item))
                for record in _records(item, names, work_limit):
                    unwound.append(record)
                    weight += _size(record)
                    if len(unwound) >= BLOCK_RECORDS or weight >= BLOCK_BYTES:
                        yield unwound
                        unwound, weight = [], 0
        yield unwound

    return unwind


def _size(item: Item) -> int:
    return sum(map(len, item.values()))


def _records(item: Item, names: tuple[str, ...], work_limit: WorkLimit) -> Iterator[Item]:
    """Give the records that an item becomes, one name after the other, with never more than one of each at hand."""
    records: Iterator[Item] = iter((item,))
    for name in names:
        records = chain.from_iterable(map(partial(_of_one, name=name, work_limit=work_limit), records))
    return records


def _of_one(item: Item, name: str, work_limit: WorkLimit) -> Iterable[Item]:
    value = item.get(name)
    opening = b"" if value is None else bytes(value)[:1]
    if value is None or opening not in (b"{", b"["):
        return (item,)
    if opening == b"{":
        work_limit.make(1)
        return (_merge(item, name, value),)
    elements = _ARRAY.decode(value)
    work_limit.make(len(elements))
    return (_merge(item, name, element) for element in elements)


def _merge(item: Item, name: str, value: Raw) -> Item:
    """Put an object's keys in the place of the field that held it; anything else takes the field's place itself."""
    rest = {key: kept for key, kept in item.items() if key != name}
    if bytes(value)[:1] == b"{":
        return rest | _OBJECT.decode(value)
    return rest | {name: value}


def _flatten(name: str) -> Callable[[Item], Item]:
    def flatten(item: Item) -> Item:
        if name not in item:
            return item
        flat: Item = {}
        taken = set(item)
        for key, value in item.items():
            if key == name:
                _flatten_value(name, value, flat, taken)
            else:
                flat[key] = value
        return flat

    return flatten


def _flatten_value(path: str, value: Raw, into: Item, taken: set[str]) -> None:
    """Add an object's values by dotted names, level by level; an empty object stays one.

    So does an object one of whose values would get a name that is too long, or `taken` by another value of the item.
    """
    members = _OBJECT.decode(value) if bytes(value)[:1] == b"{" else {}
    names = [f"{path}.{key}" for key in members]
    if not names or not taken.isdisjoint(names) or max(map(len, names)) > MAX_NAME_LENGTH:
        into[path] = value
        return
    taken.update(names)
    for name, member in zip(names, members.values(), strict=True):
        _flatten_value(name, member, into, taken)
