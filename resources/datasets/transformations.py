"""Picking, leaving out and reshaping fields on the way out.

An item here is a dict from its top-level keys to the JSON text of their values, so that values are never
understood unless they have to be, and numbers of any size come out as they went in.

The order: failed pages are left out; fields are unwound, then flattened; then `fields` picks and `outputFields`
renames, `omit` leaves out, hidden fields go, and last the items that have nothing left. One exception: where
`fields` names a field that is unwound, it picks before the unwinding, so that what comes out of it stays.
"""

from collections.abc import Callable, Iterable

import msgspec
from msgspec import Raw

from resources.datasets.options import ItemsOptions

Item = dict[str, Raw]
Block = list[Item]
Step = Callable[[Block], Block]

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])
_BLOCK = msgspec.json.Decoder(list[Item])
_LINES = msgspec.json.Decoder(Item)


def decode(lines: bytes) -> Block:
    """Return the items of some lines of JSON, with their values left as JSON text."""
    return _BLOCK.decode(b"[%b]" % lines[:-1].replace(b"\n", b","))


def transformation(options: ItemsOptions) -> Step:
    """Return what turns a block of items into what is wanted of them."""
    steps = list(_steps(options))

    def transform(block: Block) -> Block:
        for step in steps:
            block = step(block)
        return block

    return transform


def _steps(options: ItemsOptions) -> Iterable[Step]:
    fields, unwound = options.fields, set(options.unwind)
    if options.skip_failed_pages:
        yield lambda block: [item for item in block if "errorInfo" not in item]
    picks_first = not unwound.isdisjoint(fields)
    if picks_first:
        kept = tuple(dict.fromkeys((*fields, *options.unwind)))
        yield _pick(kept, (), ())
    for name in options.unwind:
        yield _unwind(name)
    for name in options.flatten:
        yield _flatten(name)
    if options.output_fields or (fields and not picks_first):
        renamed = _renames(options)
        yield _rename(renamed) if picks_first else _pick(fields, options.output_fields, options.flatten)
    if options.omit:
        yield _omit(options.omit, options.flatten)
    if options.skip_hidden:
        yield lambda block: [{name: item[name] for name in item if name[:1] != "#"} for item in block]
    if options.skip_empty:
        yield lambda block: [item for item in block if item]


def _renames(options: ItemsOptions) -> dict[str, str]:
    return dict(zip(options.fields, options.output_fields, strict=False))


def _rename(names: dict[str, str]) -> Step:
    return lambda block: [{names.get(name, name): value for name, value in item.items()} for item in block]


def _pick(fields: tuple[str, ...], output_fields: tuple[str, ...], flattened: tuple[str, ...]) -> Step:
    """Pick fields in their order; the name of a flattened field stands for all that came out of it."""
    wanted = [
        (name, output, f"{name}." if name in flattened else "")
        for name, output in zip(fields, output_fields or fields, strict=True)
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

    return lambda block: [pick(item) for item in block]


def _omit(names: tuple[str, ...], flattened: tuple[str, ...]) -> Step:
    """Leave fields out; the name of a flattened field stands for all that came out of it."""
    omitted = set(names)
    prefixes = tuple(f"{name}." for name in names if name in flattened)

    def omit(block: Block) -> Block:
        return [
            {
                name: value
                for name, value in item.items()
                if name not in omitted and not (prefixes and name.startswith(prefixes))
            }
            for item in block
        ]

    return omit


def _unwind(name: str) -> Step:
    def unwind(block: Block) -> Block:
        unwound: Block = []
        for item in block:
            value = item.get(name)
            opening = b"" if value is None else bytes(value)[:1]
            if opening == b"{":
                unwound.append(_merge(item, name, value))
            elif opening == b"[":
                unwound += [_merge(item, name, element) for element in _ARRAY.decode(value or b"[]")]
            else:
                unwound.append(item)
        return unwound

    return unwind


def _merge(item: Item, name: str, value: Raw | None) -> Item:
    """Put an object's keys in the place of the field that held it; anything else takes the field's place itself."""
    rest = {key: kept for key, kept in item.items() if key != name}
    if value is not None and bytes(value)[:1] == b"{":
        return rest | _OBJECT.decode(value)
    return rest if value is None else rest | {name: value}


def _flatten(name: str) -> Step:
    return lambda block: [_flatten_item(item, name) if name in item else item for item in block]


def _flatten_item(item: Item, name: str) -> Item:
    flat: Item = {}
    for key, value in item.items():
        if key == name:
            _flatten_value(name, value, flat)
        else:
            flat[key] = value
    return flat


def _flatten_value(path: str, value: Raw, into: Item) -> None:
    """Add an object's values by dotted names, level by level; an empty object stays one."""
    text = bytes(value)
    members = _OBJECT.decode(value) if text[:1] == b"{" else {}
    if not members:
        into[path] = value
    for key, member in members.items():
        _flatten_value(f"{path}.{key}", member, into)
