"""Statistics of a dataset's top-level fields: taken when asked for, from where they last stopped, and saved."""

from collections.abc import Callable
from typing import TypedDict

import msgspec
from django.db import transaction
from msgspec import Raw

from resources.datasets.errors import DatasetGone
from resources.datasets.items import decode
from resources.datasets.json_text import nearest_number
from resources.datasets.scanning import Window, scan
from resources.datasets.work_limit import ReaderGone
from resources.datasets.writing import MAX_FIELD_LENGTH, MAX_FIELDS
from resources.models import Dataset, DatasetStatistics

_TEXT = msgspec.json.Decoder(str)
_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_ARRAY = msgspec.json.Decoder(list[Raw])


class FieldStatistics(TypedDict):
    """What the API tells of one field; `min` and `max` are None where it never had a value that has a size."""

    min: int | float | None
    max: int | float | None
    nullCount: int
    emptyCount: int


class _Field(msgspec.Struct, array_like=True):
    """What has been seen of one field. `present` counts the items that have it."""

    present: int = 0
    nulls: int = 0
    least: int | float | None = None
    most: int | float | None = None

    def see(self, sizes: list[int | float]) -> None:
        if sizes:
            least, most = min(sizes), max(sizes)
            self.least = least if self.least is None else min(self.least, least)
            self.most = most if self.most is None else max(self.most, most)


_BY_FIELD = msgspec.json.Decoder(dict[str, _Field])


def field_statistics(dataset_id: str, *, still_wanted: Callable[[], bool] = lambda: True) -> dict[str, FieldStatistics]:
    """Return the statistics of the fields of all items, in the order in which the fields first came.

    The size of a number is its value, of a text, an array or an object its length. A number beyond what a float
    can hold counts as present and has no size. Fields beyond the limits of `Dataset.fields` are not counted.

    Args:
        dataset_id: the dataset.
        still_wanted: tells whether the client is still connected; asked before each chunk. What has been counted
            when no one does is saved, so that the next caller finds less left to do.

    Raises:
        DatasetGone: when there is no such dataset.
        ReaderGone: when the client has disconnected.
    """
    seen, by_field = _saved(dataset_id)
    found = scan(dataset_id, Window(seen))
    for part in found.slices():
        if not still_wanted():
            _save(dataset_id, part.first, by_field)
            raise ReaderGone
        _count(part.lines(), by_field)
    if found.count:
        _save(dataset_id, found.total, by_field)
    return {
        name: {
            "min": field.least,
            "max": field.most,
            "nullCount": field.nulls,
            "emptyCount": found.total - field.present,
        }
        for name, field in by_field.items()
    }


def _count(lines: bytes, by_field: dict[str, _Field]) -> None:
    values: dict[str, list[Raw]] = {}
    for item in decode(lines):
        for name, value in item.items():
            if name in values:
                values[name].append(value)
            else:
                values[name] = [value]
    for name, column in values.items():
        if len(name) <= MAX_FIELD_LENGTH and (name in by_field or len(by_field) < MAX_FIELDS):
            field = by_field.setdefault(name, _Field())
            texts = [bytes(value) for value in column]
            nulls = texts.count(b"null")
            field.present += len(texts)
            field.nulls += nulls
            field.see([size for size in map(_size, texts) if size is not None])


def _size(text: bytes) -> int | float | None:
    """Return what counts as the size of a value, or None when it has none."""
    opening = text[:1]
    if opening == b'"':
        return len(text) - 2 if b"\\" not in text and text.isascii() else len(_TEXT.decode(text))
    if opening == b"{":
        return len(_OBJECT.decode(text))
    if opening == b"[":
        return len(_ARRAY.decode(text))
    if opening in b"ntf":
        return None
    return nearest_number(text.decode())


def _saved(dataset_id: str) -> tuple[int, dict[str, _Field]]:
    saved = DatasetStatistics.objects.filter(pk=dataset_id).first()
    return (0, {}) if saved is None else (saved.item_count, _BY_FIELD.decode(saved.by_field))


def _save(dataset_id: str, item_count: int, by_field: dict[str, _Field]) -> None:
    """Save the statistics unless another process has got further in the meantime."""
    values = {"item_count": item_count, "by_field": msgspec.json.encode(by_field).decode()}
    with transaction.atomic():
        if not Dataset.objects.select_for_update(of=("self",)).filter(pk=dataset_id).values_list("pk"):
            raise DatasetGone(dataset_id)
        saved, created = DatasetStatistics.objects.get_or_create(pk=dataset_id, defaults=values)
        if not created and saved.item_count < item_count:
            DatasetStatistics.objects.filter(pk=dataset_id).update(**values)
