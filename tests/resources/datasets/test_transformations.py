"""Picking, leaving out and reshaping fields, and CSV."""

import csv
import io
import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.lib.api_errors import ApiError
from console.http.items_query import parse_items_query
from resources.datasets import chunks, scanning, work_limit
from resources.datasets.formats.formats import FORMATS
from resources.datasets.options import ItemsOptions
from resources.datasets.reading import open_items
from resources.datasets.scanning import SMALL_BYTES
from resources.datasets.transformations import BLOCK_BYTES
from resources.datasets.work_limit import MAX_RECORDS, ReaderGone
from resources.datasets.writing import push
from resources.kinds import Kind
from resources.models import Dataset
from tests.support.factories import make_resource


@pytest.fixture
def dataset(ada, make_resource):
    return make_resource(Kind.DATASET, ada)


@pytest.fixture
def small_chunks(monkeypatch) -> None:
    monkeypatch.setattr(chunks, "TARGET_WEIGHT", 256)
    monkeypatch.setattr(chunks, "FULL_WEIGHT", 128)
    monkeypatch.setattr(scanning, "ROWS", 3)
    monkeypatch.setattr(scanning, "SMALL_BYTES", 0)


def read(dataset: Dataset, **options) -> bytes:
    body = open_items(dataset.pk, ItemsOptions(**options)).body
    return body if isinstance(body, bytes) else b"".join(body)


def transformed(dataset, items, **options):
    """Push items and return them as they are read: each as its pairs, because the order of fields matters."""
    push(dataset.pk, json.dumps(items).encode())
    return json.loads(read(dataset, **options), object_pairs_hook=list)


def table(dataset: Dataset, **options) -> str:
    return read(dataset, **{"format": "csv", "bom": False, **options}).decode()


# Fields.


def test_fields_pick_in_their_order(dataset):
    items = [{"a": 1, "b": {"x": 2}, "c": 3}, {"c": 4}, {"b": None}]
    assert transformed(dataset, items, fields=("c", "a", "none")) == [[("c", 3), ("a", 1)], [("c", 4)], []]
    assert json.loads(read(dataset, fields=("b",))) == [{"b": {"x": 2}}, {}, {"b": None}]


def test_output_fields_rename_by_position(dataset):
    found = transformed(dataset, [{"a": 1, "b": 2}, {"b": 3}], fields=("b", "a"), output_fields=("a", "z"))
    assert found == [[("a", 2), ("z", 1)], [("a", 3)]]


def test_omit_leaves_out(dataset):
    assert transformed(dataset, [{"a": 1, "b": 2, "c": 3}, {"b": 4}], omit=("b", "none")) == [[("a", 1), ("c", 3)], []]


def test_hidden_fields_and_empty_items(dataset):
    items = [{"a": 1, "#b": 2}, {"#b": 3}, {}]
    assert transformed(dataset, items, skip_hidden=True) == [[("a", 1)], [], []]
    assert json.loads(read(dataset, skip_empty=True)) == [{"a": 1, "#b": 2}, {"#b": 3}]
    assert json.loads(read(dataset, skip_empty=True, skip_hidden=True)) == [{"a": 1}]
    assert json.loads(read(dataset, skip_empty=True, fields=("a",))) == [{"a": 1}]


def test_a_page_is_counted_before_anything_is_skipped(dataset):
    push(dataset.pk, b'[{},{},{"a":1},{"a":2}]')
    assert json.loads(read(dataset, skip_empty=True, limit=3)) == [{"a": 1}]


def test_failed_pages_are_skipped(dataset):
    assert transformed(dataset, [{"errorInfo": None}, {"url": "u"}], skip_failed_pages=True) == [[("url", "u")]]


# Unwinding and flattening.


def test_arrays_are_unwound_into_items(dataset):
    items = [{"id": 1, "sizes": [{"s": "S", "id": 9}, {"s": "M"}, 7]}, {"id": 2, "sizes": []}, {"id": 3}]
    assert transformed(dataset, items, unwind=("sizes",)) == [
        [("id", 9), ("s", "S")],
        [("id", 1), ("s", "M")],
        [("id", 1), ("sizes", 7)],
        [("id", 3)],
    ]


def test_objects_are_merged_and_other_values_stay(dataset):
    items = [{"id": 1, "of": {"x": 1, "of": {"y": 2}}}, {"of": "text"}, {"of": None}]
    assert transformed(dataset, items, unwind=("of",)) == [
        [("id", 1), ("x", 1), ("of", [("y", 2)])],
        [("of", "text")],
        [("of", None)],
    ]


def test_several_fields_are_unwound_in_their_order(dataset):
    items = [{"a": [{"b": [1, 2]}, {"b": [3]}]}]
    assert transformed(dataset, items, unwind=("a", "b")) == [[("b", 1)], [("b", 2)], [("b", 3)]]
    assert transformed(dataset, [], unwind=("b", "a")) == [[("b", [1, 2])], [("b", [3])]]


def test_descending_turns_items_but_not_what_is_unwound(dataset):
    items = [{"n": 1, "of": ["a", "b"]}, {"n": 2, "of": ["c", "d"]}]
    assert transformed(dataset, items, unwind=("of",), desc=True, limit=1) == [
        [("n", 2), ("of", "c")],
        [("n", 2), ("of", "d")],
    ]


def test_fields_pick_after_unwinding_unless_they_name_what_is_unwound(dataset):
    items = [{"url": "u", "pageFunctionResult": [{"title": "t"}, {"title": "v"}], "other": 1}]
    picked = {"fields": ("url", "title"), "unwind": ("pageFunctionResult",)}
    assert transformed(dataset, items, **picked) == [[("url", "u"), ("title", "t")], [("url", "u"), ("title", "v")]]
    simplified = parse_items_query({"simplified": "1"})
    body = open_items(dataset.pk, simplified).body
    assert isinstance(body, bytes)
    assert json.loads(body) == [
        {"url": "u", "title": "t"},
        {"url": "u", "title": "v"},
    ]


def numbers(count: int, *names: str, **more) -> bytes:
    return json.dumps([{name: list(range(count)) for name in names} | more]).encode()


def test_one_item_that_becomes_very_many_is_a_stream_in_constant_memory(dataset):
    """Sixty thousand records with ten kilobytes in each: nobody should hold them, and the first are there at once."""
    push(dataset.pk, numbers(60_000, "a", text="x" * 10_000))
    answer = open_items(dataset.pk, ItemsOptions(unwind=("a",), format="jsonl"))
    assert not isinstance(answer.body, bytes)
    piece = next(iter(answer.body))
    assert json.loads(piece.split(b"\n")[0]) == {"a": 0, "text": "x" * 10_000}
    assert len(piece) < 4 * BLOCK_BYTES + SMALL_BYTES


def test_what_does_not_multiply_may_become_as_many_records_as_it_has(dataset):
    rows = [{"of": list(range(10))} for _ in range(3000)]
    push(dataset.pk, json.dumps([{"rows": rows}]).encode())
    found = read(dataset, unwind=("rows", "of"), format="jsonl")
    assert found.count(b"\n") == 30_000 > MAX_RECORDS


@pytest.mark.parametrize("format_", FORMATS)
def test_what_multiplies_beyond_a_limit_is_refused(dataset, format_):
    push(dataset.pk, numbers(99, *"abcdefgh"))
    # What is not unwound would only make hundreds of columns, which take their time.
    assert read(dataset, format=format_, unwind=("a", "b"), omit=tuple("cdefgh"))
    for unwind in (tuple("abc"), tuple("abcdefgh")):
        rest = tuple(name for name in "abcdefgh" if name not in unwind)
        with pytest.raises(ApiError, match='"unwind"') as refusal:
            read(dataset, format=format_, unwind=unwind, omit=rest)
        assert refusal.value.type == "invalid-value"
        with pytest.raises(ApiError, match='"unwind"'):  # and without having written anything where nothing is
            open_items(dataset.pk, ItemsOptions(format=format_, unwind=unwind, omit=tuple("abcdefgh"), skip_empty=True))


def test_what_multiplies_counts_although_nothing_comes_of_it(dataset):
    """The last field is empty, so there is never a record, but a million million on the way there."""
    push(dataset.pk, numbers(1000, *"abcd", e=[]))
    with pytest.raises(ApiError, match='"unwind"'):
        open_items(dataset.pk, ItemsOptions(unwind=tuple("abcde")))


def test_many_items_that_multiply_to_nothing_come_to_an_end(dataset, monkeypatch):
    monkeypatch.setattr(work_limit, "MAX_SILENT", 10_000)
    item = {"a": list(range(50)), "b": list(range(50))}
    push(dataset.pk, json.dumps([item] * 20).encode())
    silent = {"unwind": ("a", "b"), "omit": ("a", "b"), "skip_empty": True}
    with pytest.raises(ApiError, match='"unwind"'):
        open_items(dataset.pk, ItemsOptions(**silent))
    assert read(dataset, format="jsonl", unwind=("a", "b")).count(b"\n") == 50_000  # there is something to write


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.usefixtures("small_chunks")
def test_a_reader_who_has_gone_is_noticed_although_there_is_nothing_to_write(dataset, monkeypatch, format_):
    """Proportional to the dataset, so it may take its time, but not for nobody."""
    monkeypatch.setattr(work_limit, "UNASKED", 100)
    push(dataset.pk, b"[%b]" % b",".join([b'{"#":[]}'] * 2000))
    asked = []

    def still_wanted() -> bool:
        asked.append(True)
        return len(asked) < 3

    options = ItemsOptions(format=format_, skip_empty=True, skip_hidden=True)
    with pytest.raises(ReaderGone):
        b"".join(open_items(dataset.pk, options, still_wanted=still_wanted).body)
    assert len(asked) == 3


@pytest.mark.parametrize("size", [0, SMALL_BYTES])
def test_only_headers_take_nothing_apart(dataset, monkeypatch, size):
    monkeypatch.setattr(scanning, "SMALL_BYTES", size)
    push(dataset.pk, b'[{"a":[1,2]},{}]')
    monkeypatch.setattr("resources.datasets.reading.transform", None)
    answer = open_items(dataset.pk, ItemsOptions(unwind=("a",), skip_empty=True), with_body=False)
    assert (answer.count, b"".join(answer.body) if size == 0 else answer.body) == (2, b"")


def test_flattening_ends_where_names_would_become_too_long(dataset):
    deep = {"k" * 90: {"k" * 90: {"k" * 90: 1}}}
    assert transformed(dataset, [{"a": deep}], flatten=("a",)) == [[(f"a.{'k' * 90}.{'k' * 90}", [("k" * 90, 1)])]]


def test_flattening_loses_no_value_whose_name_would_be_anothers(dataset):
    items = [
        {"a": {"b": 1, "c": 2}, "a.b": 3},
        {"a.b": 3, "a": {"b": 1}},
        {"a": {"b": {"c": 1}, "b.c": 2, "d": {"e": 3}}},
        {"a": {"b": {"c.d": 1}, "b.c": {"d": 2}}},
    ]
    assert transformed(dataset, items, flatten=("a",)) == [
        [("a", [("b", 1), ("c", 2)]), ("a.b", 3)],
        [("a.b", 3), ("a", [("b", 1)])],
        [("a.b", [("c", 1)]), ("a.b.c", 2), ("a.d.e", 3)],
        [("a.b.c.d", 1), ("a.b.c", [("d", 2)])],
    ]


def test_flattening_makes_dotted_names(dataset):
    items = [{"a": {"b": {"c": 1}, "d": [1, {"e": 2}], "f": {}}, "g": {"h": 1}}, {"a": 5}]
    found = transformed(dataset, items, flatten=("a",))
    assert found == [
        [("a.b.c", 1), ("a.d", [1, [("e", 2)]]), ("a.f", []), ("g", [("h", 1)])],
        [("a", 5)],
    ]


def test_fields_and_omit_know_the_dotted_names(dataset):
    items = [{"a": {"b": 1, "c": 2}, "ab": 3}]
    assert transformed(dataset, items, flatten=("a",), fields=("ab", "a.c")) == [[("ab", 3), ("a.c", 2)]]
    assert json.loads(read(dataset, flatten=("a",), fields=("a",))) == [{"a.b": 1, "a.c": 2}]
    assert json.loads(read(dataset, flatten=("a",), omit=("a.b",))) == [{"a.c": 2, "ab": 3}]
    assert json.loads(read(dataset, flatten=("a",), omit=("a",))) == [{"ab": 3}]


def test_numbers_keep_their_text_through_every_transformation(dataset):
    number = b"1" * 5000 + b"e-99999"
    push(dataset.pk, b'{"a":{"n":%b},"l":[{"m":%b}],"#h":1}' % (number, number))
    options = {"flatten": ("a",), "unwind": ("l",), "skip_hidden": True}
    assert read(dataset, **options) == b'[{"a.n":%b,"m":%b}]' % (number, number)
    assert number.decode() in table(dataset, **options)


# CSV.


def test_csv_has_the_union_of_columns_and_empty_cells(dataset):
    push(dataset.pk, b'[{"a":1,"b":null},{"c":"x","a":-1.50e3},{},{"b":true,"c":""}]')
    assert table(dataset) == "a,b,c\r\n1,,\r\n-1.50e3,,x\r\n,,\r\n,true,\r\n"


def test_csv_starts_with_a_byte_order_mark_unless_told_otherwise(dataset):
    push(dataset.pk, b'{"a":1}')
    assert read(dataset, format="csv") == b"\xef\xbb\xbfa\r\n1\r\n"
    assert read(dataset, format="csv", bom=False) == b"a\r\n1\r\n"


def test_csv_quotes_what_must_be_quoted(dataset):
    texts = ["plain", "com,ma", 'quo"te', "line\nbreak", "back\\slash", "\r", '"', "null", "é\u2028", "=1+1", " pad "]
    push(dataset.pk, json.dumps([{"k,ey": text, "t": 1} for text in texts]).encode())
    assert table(dataset).startswith(
        '"k,ey",t\r\nplain,1\r\n"com,ma",1\r\n"quo""te",1\r\n"line\nbreak",1\r\nback\\slash,1'
    )
    rows = list(csv.reader(io.StringIO(table(dataset), newline="")))
    assert [row[0] for row in rows[1:]] == texts


@pytest.mark.parametrize("delimiter", [";", "\t", "|", " ", "1", "e", ".", "-", "u", "ž"])
def test_csv_with_any_delimiter(dataset, delimiter):
    push(dataset.pk, json.dumps([{"a": "x;y|z u", "b": -1.5, "c": True}, {"b": 1e-7, "c": None}]).encode())
    rows = list(csv.reader(io.StringIO(table(dataset, delimiter=delimiter), newline=""), delimiter=delimiter))
    assert rows == [["a", "b", "c"], ["x;y|z u", "-1.5", "true"], ["", "1e-07", ""]]


def test_csv_without_its_header_and_with_one_column(dataset):
    push(dataset.pk, b'[{"a":1},{"a":null},{"a":"x"}]')
    assert table(dataset, skip_header_row=True) == '1\r\n""\r\nx\r\n'


def test_csv_spreads_arrays_and_objects(dataset):
    push(dataset.pk, b'[{"a":{"b":1,"c":[2,{"d":"x"}]},"e":[]},{"a":5,"f":{}}]')
    assert table(dataset) == "a/b,a/c/0,a/c/1/d,a\r\n1,2,x,\r\n,,,5\r\n"


def test_csv_columns_by_fields_are_fixed(dataset):
    push(dataset.pk, b'[{"a":1,"b":2},{"b":3}]')
    assert table(dataset, fields=("c", "b"), output_fields=("see", "bee")) == "see,bee\r\n,2\r\n,3\r\n"
    push(dataset.pk, b'{"n":{"x":1,"y":2}}')
    assert table(dataset, fields=("c", "n", "b")) == "c,n/x,n/y,b\r\n,,,2\r\n,,,3\r\n,1,2,\r\n"
    assert table(dataset, fields=("n", "#h", "b"), skip_hidden=True, omit=("b",)) == "n/x,n/y\r\n,\r\n,\r\n1,2\r\n"


def test_csv_has_at_most_so_many_columns_with_names_of_at_most_such_a_length(dataset):
    push(dataset.pk, json.dumps([{"n" * 300: "first"}, {f"c{at}": at for at in range(2500)}]).encode())
    header, first, second = list(csv.reader(io.StringIO(table(dataset), newline="")))
    assert header == ["n" * 200, *(f"c{at}" for at in range(1999))]
    assert first[0] == "first"
    assert second[-1] == "1998"


def test_csv_of_an_array_without_end(dataset):
    push(dataset.pk, json.dumps([{"a": list(range(5000)), "z": 1}, {"z": 2}]).encode())
    header, first, second = list(csv.reader(io.StringIO(table(dataset), newline="")))
    assert (len(header), header[-1], first[-1], second[-1]) == (2000, "a/1999", "1999", "")


def test_csv_of_deep_nesting(dataset):
    push(dataset.pk, b'{"a":' + b"[" * 255 + b"1" + b"]" * 255 + b"}")
    assert table(dataset) == ("a" + "/0" * 255)[:200] + "\r\n1\r\n"


def test_csv_of_hidden_and_omitted_fields(dataset):
    push(dataset.pk, b'[{"a":1,"#b":2,"c":3}]')
    assert table(dataset, skip_hidden=True, omit=("c",)) == "a\r\n1\r\n"


def test_csv_as_a_stream_is_the_same(dataset, monkeypatch):
    chance = random.Random(5)
    items = [
        {
            key: chance.choice([None, 1.5, 'te"xt', "a,b", True])
            for key in chance.sample("abcdefgh", chance.randint(0, 8))
        }
        for _ in range(400)
    ]
    push(dataset.pk, json.dumps([*items[:300], {"late": {"nested": [1]}}, *items[300:]]).encode())
    small = table(dataset)
    monkeypatch.setattr(scanning, "SMALL_BYTES", 0)
    assert not isinstance(open_items(dataset.pk, ItemsOptions(format="csv")).body, bytes)
    assert table(dataset) == small


cells = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    items=st.lists(st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=5), cells, max_size=5), max_size=30),
    delimiter=st.sampled_from([",", ";", "\t", "5", "e"]),
    whole=st.booleans(),
)
def test_any_flat_items_can_be_read_back_from_csv(ada, small_chunks, items, delimiter, whole):
    dataset = make_resource(Kind.DATASET, ada)
    push(dataset.pk, json.dumps(items).encode())
    expected = items if whole else items[1:]
    text = table(dataset, delimiter=delimiter, offset=0 if whole else 1)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    columns = list(dict.fromkeys(name for item in expected for name in item))
    if not columns:
        assert rows == []
        return
    assert rows[0] == columns
    assert rows[1:] == [[_cell(item.get(name)) for name in columns] for item in expected]


def _cell(value) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)
