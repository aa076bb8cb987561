"""A large CSV is cut straight out of the stored lines: byte for byte what the writer that understands items makes."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from resources.datasets import scanning
from resources.datasets.formats import csv
from resources.datasets.items import decode
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import open_items
from resources.datasets.writing import push
from resources.kinds import Kind

TEXTS = st.text(st.sampled_from("ab,;\"\\\n\r\tü'null \x00=") | st.characters(exclude_categories=["Cs"]), max_size=6)
FLAT = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
ITEMS = st.lists(st.dictionaries(TEXTS, FLAT, max_size=5), max_size=6)
KNOWN_NAMES = ["url", "ü", "null", "a,b", "", "#hidden", "__class__", "_0"]
KNOWN = st.lists(st.dictionaries(st.sampled_from(KNOWN_NAMES), FLAT), min_size=1, max_size=6)


def lines_of(items: list[dict[str, object]], ascii_: bool) -> bytes:
    return b"".join(json.dumps(item, ensure_ascii=ascii_).encode() + b"\n" for item in items)


@given(ITEMS | KNOWN, st.booleans(), st.sampled_from([",", ";", "\t", "1", "é"]), st.booleans())
@example([{"a": "null", "b": None}, {"b": "a,b"}, {}], False, ",", False)
def test_both_ways_write_the_same(items, ascii_, delimiter, skips_head):
    options = ItemsOptions(format="csv", delimiter=delimiter, skip_header_row=skips_head)
    columns = list(dict.fromkeys(name for item in items for name in item))
    lines = lines_of(items, ascii_)
    straight = csv.write_lines(iter([lines] if lines else []), options, columns)
    if straight is None:
        assert any(set(name) & {'"', "\\"} or min(name, default=" ") < " " for name in columns)
    else:
        assert b"".join(straight) == b"".join(csv.write(lambda: iter([decode(lines)]), options, columns))


def test_many_columns_are_left_to_the_other_way():
    columns = [str(at) for at in range(csv.MAX_STRAIGHT_COLUMNS + 1)]
    assert csv.write_lines(iter([b"{}\n"]), ItemsOptions(), columns) is None
    assert csv.write_lines(iter([b"{}\n"]), ItemsOptions(), columns[1:]) is not None


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"desc": True},
        {"offset": 1, "fields": ("b", "none", "a")},
        {"omit": ("a",), "skip_hidden": True},
        {"skip_empty": True},
        {"skip_failed_pages": True},
        {"fields": ("b", "a"), "output_fields": ("x", "y")},
        {"bom": True, "skip_header_row": True},
    ],
)
def test_large_and_small_answers_say_the_same(ada, make_resource, monkeypatch, wanted):
    dataset = make_resource(Kind.DATASET, ada)
    items = [{"a": 1, "b": 'x"y'}, {"b": "p,q", "#c": None}, {"errorInfo": "x"}, {}]
    push(dataset.pk, json.dumps(items).encode())
    options = ItemsOptions(format="csv", **wanted)
    small = open_items(dataset.pk, options).body
    assert isinstance(small, bytes)
    monkeypatch.setattr(scanning, "SMALL_BYTES", 1)
    assert b"".join(open_items(dataset.pk, options).body) == small
