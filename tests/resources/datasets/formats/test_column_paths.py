"""Each value of an item has a cell of its own in a table, whatever its names are."""

import csv
import io
import json
import re

import openpyxl
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from resources.datasets import scanning
from resources.datasets.formats.column_paths import MAX_TITLE_LENGTH, titles
from resources.datasets.formats.columns import MAX_COLUMNS
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import open_items
from resources.datasets.writing import push
from resources.kinds import Kind
from tests.support.factories import make_resource

pytestmark = pytest.mark.django_db
LONG = "n" * MAX_TITLE_LENGTH


@pytest.fixture
def dataset(ada):
    return make_resource(Kind.DATASET, ada)


def table(dataset, format_: str = "csv", **options) -> list[list[str]]:
    """Return the rows of an export, the titles first, with every cell as text."""
    body = open_items(dataset.pk, ItemsOptions(format=format_, bom=False, **options)).body
    whole = body if isinstance(body, bytes) else b"".join(body)
    if format_ == "csv":
        return list(csv.reader(io.StringIO(whole.decode(), newline=""), strict=True))
    if format_ == "html":
        return [re.findall("<t[hd]>(.*?)</t[hd]>", row) for row in whole.decode().split("<tr>")[1:]]
    sheet = openpyxl.load_workbook(io.BytesIO(whole))["Items"]
    return [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]


COLLIDING = [
    ([{"a": {"b": 1}, "a/b": 2}], ["a/b", "a/b (2)"], [["1", "2"]]),
    ([{"a/b": 1}, {"a": {"b": 2}}], ["a/b", "a/b (2)"], [["1", ""], ["", "2"]]),
    ([{"a": [1, 2], "a/0": 3}], ["a/0", "a/1", "a/0 (2)"], [["1", "2", "3"]]),
    ([{"a": {"b": {"c": 1}, "b/c": 2}, "a/b/c": 3}], ["a/b/c", "a/b/c (2)", "a/b/c (3)"], [["1", "2", "3"]]),
    ([{"x": [{"a": {"b": 1}, "a/b": 2}]}], ["x/0/a/b", "x/0/a/b (2)"], [["1", "2"]]),
    ([{"a": {"b": 1}, "a/b": 2, "a/b (2)": 3}], ["a/b", "a/b (3)", "a/b (2)"], [["1", "2", "3"]]),
    ([{"a": {"": 1}, "a/": 2, "": {"a": 3}, "/a": 4}], ["a/", "a/ (2)", "/a", "/a (2)"], [["1", "2", "3", "4"]]),
    ([{f"{LONG}1": 1, f"{LONG}2": 2, LONG: 3}], [LONG, f"{LONG[:-4]} (2)", f"{LONG[:-4]} (3)"], [["1", "2", "3"]]),
    ([{LONG: {"a": 1, "b": {"c": 2}}}], [LONG, f"{LONG[:-4]} (2)"], [["1", "2"]]),
    ([{"a": {f"{LONG}1": 1, f"{LONG}2": 2}}], [f"a/{LONG[:-2]}", f"a/{LONG[:-6]} (2)"], [["1", "2"]]),
    ([{f"{LONG}1": {"a": [1]}, f"{LONG}2": {"a": [2]}}], [LONG, f"{LONG[:-4]} (2)"], [["1", "2"]]),
]


@pytest.mark.parametrize("size", [0, scanning.SMALL_BYTES])
@pytest.mark.parametrize("format_", ["csv", "html", "xlsx"])
@pytest.mark.parametrize(("items", "head", "rows"), COLLIDING)
def test_values_whose_names_collide_keep_columns_of_their_own(dataset, monkeypatch, format_, size, items, head, rows):
    monkeypatch.setattr(scanning, "SMALL_BYTES", size)
    push(dataset.pk, json.dumps(items).encode())
    assert table(dataset, format_) == [head, *rows]


def nested(depth: int, inner: object) -> object:
    return inner if depth == 0 else {"k": nested(depth - 1, inner)}


@pytest.mark.parametrize("depth", [0, 1, 5, 98, 99, 100, 101, 200, 250])
def test_at_every_depth(dataset, depth):
    push(dataset.pk, json.dumps({"top": nested(depth, {"a": {"b": 1}, "a/b": 2})}).encode())
    head, row = table(dataset)
    assert row == ["1", "2"]
    assert len(set(head)) == 2
    assert all(len(title) <= MAX_TITLE_LENGTH for title in head)


def test_fields_name_columns_that_collide(dataset):
    push(dataset.pk, json.dumps({"z": 0, "a": {"b": 1}, "a/b": 2, f"{LONG}1": 3}).encode())
    assert table(dataset, fields=("a/b", "a")) == [["a/b", "a/b (2)"], ["2", "1"]]
    assert table(dataset, fields=("a", f"{LONG}1", f"{LONG}2")) == [
        ["a/b", LONG, f"{LONG[:-4]} (2)"],
        ["1", "3", ""],
    ]


def test_long_fields_of_flat_items_that_are_named(dataset):
    push(dataset.pk, b'{"a":1}')
    assert table(dataset, fields=("a", f"{LONG}1", f"{LONG}2"))[0] == ["a", LONG, f"{LONG[:-4]} (2)"]


def test_very_many_that_are_alike_are_numbered_soon():
    head = titles([f"{'n' * 300}{number}"[:300] for number in range(MAX_COLUMNS)])
    assert len(set(head)) == MAX_COLUMNS
    assert max(map(len, head)) == MAX_TITLE_LENGTH


def test_a_huge_name_of_many_values_is_kept_once(dataset):
    """Two thousand columns with a name of a megabyte each would be two gigabytes."""
    push(dataset.pk, json.dumps({"n" * 1_000_000: list(range(3000))}).encode())
    head, row = table(dataset)
    assert row == [str(number) for number in range(MAX_COLUMNS)]
    assert len(set(head)) == MAX_COLUMNS


names = st.sampled_from(["a", "b", "/", "a/b", "a/0", "0", "", LONG, f"{LONG}/a", f"{LONG}x"])
values = st.recursive(
    st.integers(0, 9),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(names, inner, min_size=1, max_size=4),
    max_leaves=20,
)


def leaves(value: object) -> list[str]:
    if isinstance(value, dict):
        return [leaf for member in value.values() for leaf in leaves(member)]
    return [leaf for each in value for leaf in leaves(each)] if isinstance(value, list) else [str(value)]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items=st.lists(st.dictionaries(names, values, min_size=1, max_size=5), min_size=1, max_size=4))
@example(items=[{"a": [1], "a/0": 2}])
def test_no_value_is_lost(ada, items):
    dataset = make_resource(Kind.DATASET, ada)
    push(dataset.pk, json.dumps(items).encode())
    head, *rows = table(dataset)
    assert len(set(head)) == len(head)
    for item, row in zip(items, rows, strict=True):
        assert sorted(cell for cell in row if cell) == sorted(leaves(item))
